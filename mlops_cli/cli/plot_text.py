"""Curves drawn in a terminal: with braille dots, which give each letter two by four of them.

Where there is no colour several curves are drawn with letters instead.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.fold import columns

if TYPE_CHECKING:
    from mlops_cli.runs.plot import Chart, Plots, Series

_HEIGHT = 12
_MOST = 100  # columns
_COLOURS = ("blue", "yellow", "green", "red", "bold", "dim")
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Of each dot of a letter, from the top and the left, its bit in Unicode's braille letters."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def tell(found: "Plots") -> None:
    """Print the charts one below the other."""
    width = min(columns(sys.stdout), _MOST) if sys.stdout.isatty() else 80
    for number, chart in enumerate(found.charts):
        if number:
            show.line()
        for line in draw(chart, width, coloured=bool(show.style("", "bold"))):
            show.line(line)
    if found.once:
        show.note(f"logged only once: {', '.join(found.once)}; see: mlo runs compare")
    if not found.charts and not found.once:
        show.note("nothing was logged over time; in the code: mlo.log_metric(name, value, step)")


def draw(chart: "Chart", width: int, *, coloured: bool) -> Iterator[str]:
    """Yield the lines of a chart that is at most so many columns wide."""
    yield show.style(chart.title, "bold")
    points = [point for one in chart.series for point in one.points]
    if not points:
        yield "  no finite number"
        return
    left, right = _span([at for at, _ in points])
    low, high = _span([value for _, value in points])
    ticks = [_tick(high), _tick((low + high) / 2), _tick(low)]
    margin = max(map(len, ticks))
    inner = max(10, width - margin - 3)
    frame = (left, right, low, high)
    many = len(chart.series) > 1
    if many and not coloured:
        rows = _lettered(chart.series, frame, inner)
    else:
        rows = _dotted(chart.series, frame, inner)
    for number, row in enumerate(rows):
        tick = {0: ticks[0], _HEIGHT // 2: ticks[1], _HEIGHT - 1: ticks[2]}.get(number, "")
        yield f"{tick:>{margin}} │{row}".rstrip()
    yield f"{'':>{margin}} └{'─' * inner}"
    first, last = _tick(left), _tick(right)
    yield f"{'':>{margin}}  {first}{chart.x:^{max(1, inner - len(first) - len(last))}}{last}"
    yield from _legend(chart.series, many=many, coloured=coloured)


def _legend(series: "Sequence[Series]", *, many: bool, coloured: bool) -> Iterator[str]:
    for number, one in enumerate(series):
        mark = _LETTERS[number % len(_LETTERS)] if not coloured else "━━"
        if coloured:
            mark = show.style(mark, _COLOURS[number % len(_COLOURS)])
        last = "no finite number" if one.last is None else f"last {_tick(one.last)}"
        count = f", {one.count:,} points" if one.count > len(one.points) else ""
        broken = f", {one.broken:,} not finite" if one.broken else ""
        yield f"  {mark + ' ' if many else ''}{one.label}: {last}{count}{broken}"


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        room = abs(low) / 10 or 1.0
        return low - room, high + room
    return low, high


_Frame = tuple[float, float, float, float]


def _dotted(series: "Sequence[Series]", frame: _Frame, width: int) -> list[str]:
    """Draw with braille; where curves meet the later one has the colour."""
    bits = [[0] * width for _ in range(_HEIGHT)]
    owners = [[0] * width for _ in range(_HEIGHT)]
    for number, one in enumerate(series):
        for x, y in _line(one, frame, width * 2, _HEIGHT * 4):
            bits[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
            owners[y // 4][x // 2] = number
    rows = []
    for row, owner in zip(bits, owners, strict=True):
        cells = [chr(0x2800 + bit) if bit else " " for bit in row]
        if len(series) > 1:
            cells = [
                show.style(cell, _COLOURS[by % len(_COLOURS)]) if cell != " " else cell
                for cell, by in zip(cells, owner, strict=True)
            ]
        rows.append("".join(cells))
    return rows


def _lettered(series: "Sequence[Series]", frame: _Frame, width: int) -> list[str]:
    cells = [[" "] * width for _ in range(_HEIGHT)]
    for number, one in enumerate(series):
        for x, y in _line(one, frame, width, _HEIGHT):
            cells[y][x] = _LETTERS[number % len(_LETTERS)]
    return ["".join(row) for row in cells]


def _line(one: "Series", frame: _Frame, width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield the dots of a curve, counted from the left and the top."""
    left, right, low, high = frame
    before: tuple[int, int] | None = None
    for at, value in one.points:
        x = _place(at, left, right, width)
        y = height - 1 - _place(value, low, high, height)
        yield from _between(before, (x, y)) if before is not None else [(x, y)]
        before = (x, y)


def _place(value: float, low: float, high: float, count: int) -> int:
    share = value / 2 - low / 2, high / 2 - low / 2  # halves, so that nothing overflows
    return min(count - 1, max(0, round(share[0] / share[1] * (count - 1)))) if share[1] else 0


def _between(one: tuple[int, int], other: tuple[int, int]) -> Iterator[tuple[int, int]]:
    steps = max(abs(other[0] - one[0]), abs(other[1] - one[1]), 1)
    for step in range(steps + 1):
        share = step / steps
        yield (
            round(one[0] + share * (other[0] - one[0])),
            round(one[1] + share * (other[1] - one[1])),
        )


def _tick(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.4g}"
