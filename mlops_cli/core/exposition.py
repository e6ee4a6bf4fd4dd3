"""Prometheus's text format: making a page of metrics, and reading one.

Source:
    https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]

_LABEL = r'[A-Za-z_][A-Za-z0-9_]*="(?:[^"\\]|\\.)*"'
_SAMPLE = re.compile(
    rf"(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)(?:\{{(?P<labels>(?:{_LABEL}\s*,?\s*)*)\}})?"
    r"\s+(?P<value>\S+)(?:\s+-?\d+)?"
)
_ONE_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_MEANT = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


class Page:
    """A page of metrics in the making; each family is given whole.

    >>> page = Page()
    >>> page.add("mlo_up", "gauge", "Whether it is up", [((("model", "a"),), 1)])
    >>> print(page.text(), end="")
    # HELP mlo_up Whether it is up
    # TYPE mlo_up gauge
    mlo_up{model="a"} 1
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(
        self, name: str, kind: str, meaning: str, samples: Iterable[tuple[Labels, float]]
    ) -> None:
        """Add a counter or gauge with a sample for each set of labels."""
        self._lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
        self._lines += [_sample(name, labels, value) for labels, value in samples]

    def add_times(
        self, name: str, meaning: str, bounds: Iterable[float], cells: Sequence[float]
    ) -> None:
        """Add the histogram in `cells`: counts up to each of `bounds`, beyond, then their sum."""
        self._lines += [f"# HELP {name} {meaning}", f"# TYPE {name} histogram"]
        *counts, total = cells
        below = list(accumulate(map(int, counts)))
        for bound, count in zip((*bounds, "+Inf"), below, strict=True):
            self._lines.append(_sample(f"{name}_bucket", (("le", str(bound)),), count))
        self._lines.append(_sample(f"{name}_sum", (), total))
        self._lines.append(_sample(f"{name}_count", (), below[-1]))

    def text(self) -> str:
        """Return the page."""
        return "\n".join(self._lines) + "\n"


def samples(page: str) -> Iterator[tuple[str, dict[str, str], float]]:
    r"""Yield name, labels and value of each sample; lines that are none are skipped.

    >>> list(samples('# HELP a b\na{x="1"} 2\nb 3.5 1700000000000\n?\n'))
    [('a', {'x': '1'}, 2.0), ('b', {}, 3.5)]
    """
    for line in page.splitlines():
        found = _SAMPLE.fullmatch(line.strip())
        if found is None:
            continue
        labels = {key: _meant(text) for key, text in _ONE_LABEL.findall(found["labels"] or "")}
        try:
            value = float(found["value"])
        except ValueError:
            continue
        yield found["name"], labels, value


def _sample(name: str, labels: Labels, value: float) -> str:
    marks = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    number = _number(value) if isinstance(value, float) else str(value)
    return f"{name}{{{marks}}} {number}" if marks else f"{name} {number}"


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _meant(text: str) -> str:
    return re.sub(r'\\[n"\\]', lambda found: _MEANT[found[0]], text)
