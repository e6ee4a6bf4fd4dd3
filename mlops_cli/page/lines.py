"""Lines over time or steps, with the bands that they are known within, in SVG."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlops_cli.page.axis import Span, at, moment, moments, short, span, ticks
from mlops_cli.page.html import Html, clipped, joined, tag

COLOURS = 8
"""Told apart by colour-blind readers as well (Okabe and Ito); dashes tell more lines apart."""
_DASHES = ("", "6 3", "2 2", "8 3 2 3")
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 34


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its points from left to right; what is not finite breaks it.

    `band` has the lower and upper end at each point. `told` stands beside its label in the key.
    """

    label: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()
    dashed: bool = False
    dots: bool = False
    told: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a drawing lies: its size, and the values at its ends."""

    width: int
    height: int
    x: Span
    y: Span

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is drawn."""
        across = at(x, self.x, _LEFT, self.width - _RIGHT)
        return across, at(y, self.y, self.height - _BOTTOM, _TOP)


def chart(
    title: str,
    lines: Sequence[Line],
    *,
    x: str = "",
    bounds: Sequence[tuple[float, str]] = (),
    events: Sequence[tuple[float, str]] = (),
    times: bool = False,
    wide: bool = False,
    within: tuple[float, float] | None = None,
) -> Html:
    """Return lines on common axes, and their key below.

    Args:
        title: what is drawn, for those who cannot see it.
        lines: at most some dozens.
        x: what the axis below counts.
        bounds: values that a line across is drawn at, each with what it means.
        events: places that a line down is drawn at, each with what happened there.
        times: whether the axis below is of seconds since 1970.
        wide: whether to draw it twice as wide; it scrolls where the screen is narrow.
        within: the lowest and highest value to show; all that are given by default.
    """
    points = [point for line in lines for point in line.points if _drawn(point)]
    if not points:
        return tag("p", "no finite number")
    frame = Frame(720 if wide else 360, 260 if wide else 228, *_ends(lines, points, bounds, within))
    parts = [
        *_across(frame),
        *_below(frame, x, times=times),
        *_bounds(frame, bounds),
        *(_event(frame, place, told) for place, told in events),
        *(_band(frame, line, number) for number, line in enumerate(lines)),
        *(_curve(frame, line, number, times=times) for number, line in enumerate(lines)),
    ]
    drawn = tag(
        "svg",
        *parts,
        viewBox=f"0 0 {frame.width} {frame.height}",
        role="img",
        aria_label=title,
        class_="wide" if wide else None,
    )
    return joined([tag("div", drawn, class_="scroll") if wide else drawn, key(lines)])


def key(lines: Sequence[Line]) -> Html:
    """Return which line is which."""
    items = []
    for number, line in enumerate(lines):
        sample = tag("path", class_=_ink(number), stroke_dasharray=_dash(line, number), d="M0 4H24")
        told = f"{clipped(line.label)}{': ' if line.told else ''}{line.told}"
        items.append(tag("li", tag("svg", sample, viewBox="0 0 24 8"), told))
    return tag("ul", *items, class_="key")


def _drawn(point: tuple[float, float]) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _ends(
    lines: Sequence[Line],
    points: Sequence[tuple[float, float]],
    bounds: Sequence[tuple[float, str]],
    within: tuple[float, float] | None,
) -> tuple[Span, Span]:
    values = [value for _, value in points] + [value for value, _ in bounds]
    for line in lines:
        values += [end for ends in line.band for end in ends if math.isfinite(end)]
    below = span([place for place, _ in points])
    return below, span(values) if within is None else span([*within])


def _across(frame: Frame) -> Iterator[Html]:
    for value in ticks(*frame.y):
        _, y = frame.place(frame.x.low, value)
        yield tag("path", class_="grid", d=f"M{_LEFT} {y:g}H{frame.width - _RIGHT}")
        yield tag("text", short(value), x=_LEFT - 5, y=y + 4, text_anchor="end")


def _below(frame: Frame, x: str, *, times: bool) -> Iterator[Html]:
    count = 7 if frame.width > 400 else 4
    numbers = [(value, short(value)) for value in ticks(*frame.x, count)]
    for value, told in moments(frame.x, count) if times else numbers:
        place, _ = frame.place(value, frame.y.low)
        anchor = "end" if place > frame.width - 2 * _RIGHT else "middle"
        yield tag("text", told, x=place, y=frame.height - 20, text_anchor=anchor)
    middle = (_LEFT + frame.width - _RIGHT) / 2
    yield tag("text", x, x=middle, y=frame.height - 5, text_anchor="middle")


def _bounds(frame: Frame, bounds: Sequence[tuple[float, str]]) -> Iterator[Html]:
    right = frame.width - _RIGHT
    for value, told in bounds:
        _, y = frame.place(frame.x.low, value)
        yield tag("path", class_="bound", d=f"M{_LEFT} {y:g}H{right}")
        yield tag("text", told, x=right, y=max(y - 3, _TOP), text_anchor="end")


def _event(frame: Frame, place: float, told: str) -> Html:
    x, _ = frame.place(place, frame.y.low)
    line = tag("path", class_="event", d=f"M{x:g} {_TOP}V{frame.height - _BOTTOM}")
    return tag("g", tag("title", clipped(told)), line)


def _band(frame: Frame, line: Line, number: int) -> Html:
    if not line.band:
        return Html()
    ends = [
        (frame.place(x, low), frame.place(x, high))
        for (x, _), (low, high) in zip(line.points, line.band, strict=True)
        if math.isfinite(x) and math.isfinite(low) and math.isfinite(high)
    ]
    round_ = [low for low, _ in ends] + [high for _, high in reversed(ends)]
    return tag("polygon", class_=f"band f{number % COLOURS}", points=_path(round_))


def _curve(frame: Frame, line: Line, number: int, *, times: bool) -> Html:
    parts: list[Html] = [tag("title", clipped(line.label))]
    for run in _runs(line.points):
        places = [frame.place(*point) for point in run]
        if len(run) > 1:
            dash = _dash(line, number)
            ink = _ink(number)
            parts.append(tag("polyline", class_=ink, stroke_dasharray=dash, points=_path(places)))
        if len(run) == 1 or line.dots:
            parts += [
                _dot(place, number, f"{moment(x) if times else f'{x:.6g}'}: {y:.6g}")
                for place, (x, y) in zip(places, run, strict=True)
            ]
    return tag("g", *parts)


def _dot(place: tuple[float, float], number: int, told: str) -> Html:
    fill = f"f{number % COLOURS}"
    return tag("circle", tag("title", told), cx=place[0], cy=place[1], r=3, class_=fill)


def _runs(points: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """Yield stretches of points between those that are not finite."""
    run: list[tuple[float, float]] = []
    for point in points:
        if _drawn(point):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _ink(number: int) -> str:
    return f"curve s{number % COLOURS}"


def _dash(line: Line, number: int) -> str | None:
    if line.dashed:
        return "5 3"
    return _DASHES[number // COLOURS % len(_DASHES)] or None
