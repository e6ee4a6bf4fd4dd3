"""Accuracy over time, as a page for a browser and as lines of text."""

from collections.abc import Sequence

from numpy import array_split

from benchmarks.loop.arms import Arm
from benchmarks.loop.streams import Stream
from mlops_cli.page import html, lines
from mlops_cli.page.lines import Line

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60


def course(arm: Arm, parts: int) -> list[float]:
    """Return the accuracy of equal parts of the rows, in order."""
    return [float(part.mean()) for part in array_split(arm.hits, parts)]


def text(arms: Sequence[Arm]) -> str:
    """Return the arms as lines of bars of the same height, and where the first was trained.

    >>> import numpy as np
    >>> half = Arm("half", np.array([True] * 60 + [False] * 60), [60])
    >>> print(text([half]))
    half  ██████████████████████████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
                                        ^
    """
    courses = [course(arm, _WIDTH) for arm in arms]
    low, high = min(map(min, courses)), max(map(max, courses))
    wide = max(len(arm.name) for arm in arms)
    drawn = [
        f"{arm.name:<{wide}}  {''.join(_bar(one, low, high) for one in each)}"
        for arm, each in zip(arms, courses, strict=True)
    ]
    places = {min(at * _WIDTH // len(arms[0].hits), _WIDTH - 1) for at in arms[0].trained}
    marks = "".join("^" if place in places else " " for place in range(_WIDTH))
    return "\n".join([*drawn, f"{'':<{wide}}  {marks}".rstrip()])


def _bar(value: float, low: float, high: float) -> str:
    return _BARS[min(int((value - low) / (high - low or 1) * len(_BARS)), len(_BARS) - 1)]


def page(found: Sequence[tuple[Stream, Sequence[Arm]]], about: str) -> str:
    """Return a page with a drawing for each stream; the first arm is the loop."""
    return html.page("The closed loop", (_section(*one) for one in found), under=[about])


def _section(stream: Stream, arms: Sequence[Arm]) -> html.Html:
    rows = len(stream.live)
    parts = min(80, rows // stream.block)
    drawn = [
        Line(arm.name, [(rows * (at + 0.5) / parts, one) for at, one in enumerate(each)])
        for arm, each in ((arm, course(arm, parts)) for arm in arms)
    ]
    events = [(float(at), "trained") for at in arms[0].trained]
    chart = lines.chart(f"accuracy on {stream.name}", drawn, x="rows", events=events, wide=True)
    return html.section(stream.name, chart, under=stream.about)
