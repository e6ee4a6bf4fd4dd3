"""What the server counts, in Prometheus's text format. Counted on the event loop only."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Histogram:
    """How many observations fell under each bound, and their sum."""

    bounds: tuple[float, ...] = _BUCKETS_S
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Metrics:
    """What is counted as requests come and go."""

    requests: dict[tuple[str, int], int] = field(default_factory=dict)
    """By path and status."""
    latency_s: Histogram = field(default_factory=Histogram)
    """Of predictions, from the last byte of the head to the answer."""
    predictions: dict[tuple[str, int], int] = field(default_factory=dict)
    """Rows, by model and version."""

    def count(self, path: str, status: int) -> None:
        """Count one answered request."""
        key = (path, status)
        self.requests[key] = self.requests.get(key, 0) + 1

    def predicted(self, model: str, version: int, rows: int) -> None:
        """Count rows that a version has answered."""
        key = (model, version)
        self.predictions[key] = self.predictions.get(key, 0) + rows


class Page:
    """A page of metrics in the making; each family is given whole.

    >>> page = Page()
    >>> page.add("mlo_up", "gauge", "Whether it is up", [((("model", "a"),), 1)])
    >>> print(page.text().decode(), end="")
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
        self._head(name, kind, meaning)
        self._lines += [_sample(name, labels, value) for labels, value in samples]

    def add_histogram(self, name: str, meaning: str, histogram: Histogram) -> None:
        """Add a histogram; its buckets are cumulative."""
        self._head(name, "histogram", meaning)
        below = 0
        for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
            below += count
            self._lines.append(_sample(f"{name}_bucket", (("le", str(bound)),), below))
        self._lines.append(_sample(f"{name}_sum", (), histogram.total))
        self._lines.append(_sample(f"{name}_count", (), below))

    def text(self) -> bytes:
        """Return the page."""
        return ("\n".join(self._lines) + "\n").encode()

    def _head(self, name: str, kind: str, meaning: str) -> None:
        self._lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def labelled(
    names: tuple[str, str], counts: Mapping[tuple[str, int], int]
) -> list[tuple[Labels, float]]:
    """Return samples of `counts`, whose keys are the values of the labels `names`."""
    return [(tuple(zip(names, map(str, key), strict=True)), count) for key, count in counts.items()]


def _sample(name: str, labels: Labels, value: float) -> str:
    marks = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    number = repr(float(value)) if isinstance(value, float) else str(value)
    return f"{name}{{{marks}}} {number}" if marks else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
