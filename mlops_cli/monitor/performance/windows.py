"""Predictions in windows, each with the part of the labelled ones that is of its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.monitor import windows
from mlops_cli.monitor.windows import Width

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

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
    asked_us: Times, known_us: Times, window: str | None, *, stands_for: float
) -> tuple[str, list[Cut], int]:
    """Return how predictions were cut, the windows, oldest first, and how many are left out.

    Args:
        asked_us: when each was asked, rising, at least one.
        known_us: of these the ones that are labelled, rising.
        window: `6h`, `1d`, or how many predictions; None for about ten windows of equal size.
        stands_for: how many predictions each row stands for.

    Raises:
        RequestError: `window` cannot be read.
    """
    import numpy as np

    rows = round(len(asked_us) * stands_for)
    wide = _usual(rows) if window is None else windows.width(window)
    name = f"{wide.rows} predictions" if window is None or wide.rows else window.strip()
    if wide.rows is not None:
        wide = Width(rows=max(round(wide.rows / stands_for), 1))
    found, left = windows.newest(windows.cut(asked_us, wide))
    bounds = [int(asked_us[one.first]) for one in found] + [2**63 - 1]
    known = np.searchsorted(known_us, bounds).tolist()
    return (
        name,
        [
            Cut(one.first, one.end, known[place], known[place + 1], one.start_us, one.until_us)
            for place, one in enumerate(found)
        ],
        left,
    )


def _usual(rows: int) -> Width:
    count = max(min(_USUAL, rows // _FEWEST_ROWS), 1)
    return Width(rows=-(-rows // count))
