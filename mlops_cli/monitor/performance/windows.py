"""Predictions in windows, each with the part of the labelled ones that is of its time."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_cli.monitor import windows
from mlops_cli.monitor.performance.blocks import Block
from mlops_cli.monitor.windows import Width

_USUAL = 10
_FEWEST_ROWS = 300
"""The windows that nobody asked for have at least so many predictions."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A window: places `first` up to `end` among all, `known_first` up to `known_end` of labelled.

    `start_us` and `until_us` are as of `monitor.windows.Window`.
    """

    first: int
    end: int
    known_first: int
    known_end: int
    start_us: int
    until_us: int


def cut(
    asked: Block, known: Block, window: str | None, *, stands_for: float
) -> tuple[str, list[Cut], int]:
    """Return how predictions were cut, the windows, oldest first, and how many are left out.

    Args:
        asked: all predictions, oldest first, at least one.
        known: of these the ones that are labelled.
        window: `6h`, `1d`, or how many predictions; None for about ten windows of equal size.
        stands_for: how many predictions each row stands for.

    Raises:
        RequestError: `window` cannot be read.
    """
    rows = round(len(asked) * stands_for)
    wide = _usual(rows) if window is None else windows.width(window)
    name = f"{wide.rows} predictions" if wide.rows else str(window).strip()
    if wide.rows is not None:
        wide = Width(rows=max(round(wide.rows / stands_for), 1))
    found, left = windows.newest(windows.cut(asked.times_us, wide))
    bounds = [*(_place(known, asked, one.first) for one in found), len(known)]
    cuts = [
        Cut(one.first, one.end, bounds[place], bounds[place + 1], one.start_us, one.until_us)
        for place, one in enumerate(found)
    ]
    return name, cuts, left


def _place(known: Block, asked: Block, row: int) -> int:
    """Return how many of the labelled predictions are before a row of all, ties settled alike."""
    import numpy as np

    time, segment = asked.times_us[row], asked.segments[row]
    first, end = (int(one) for one in np.searchsorted(known.times_us, [time, time + 1]))
    segments, numbers = known.segments[first:end], known.numbers[first:end]
    before = (segments < segment) | ((segments == segment) & (numbers < asked.numbers[row]))
    return first + int(before.sum())


def _usual(rows: int) -> Width:
    count = max(min(_USUAL, rows // _FEWEST_ROWS), 1)
    return Width(rows=-(-rows // count))
