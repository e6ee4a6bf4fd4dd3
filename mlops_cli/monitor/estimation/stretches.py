"""Since when what was learned does not hold: rows in the order of time, cut where they change.

The newest rows are held against what was learned, 100, 200, 400 of them and so on up to all. Where
they are off, the stretch begins where that is plainest; what is learned of it is held against the
newest rows in turn, until these bear it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.monitor.estimation.holds import Off
from mlops_cli.monitor.statistics.false_discovery import q_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 100
"""On fewer rows nothing is tested or learned."""
LEVEL = 0.01
"""How often it is said of rows that have not changed that they have."""

Compare = Callable[[slice | None, slice], Off]
"""Holds newer rows against what is learned of older ones, of the reference where that is None."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows from a place on up to another, for which the reference holds, or does not."""

    first: int
    end: int
    usual: bool


def stretches(rows: int, off: Compare) -> list[Stretch]:
    """Return rows in stretches, oldest first; the last one is that of the newest rows.

    Args:
        rows: how many there are.
        off: compares them, by their places.
    """
    firsts: list[tuple[int, bool]] = [(0, True)]
    while True:
        first, usual = firsts[-1]
        begins = _change(rows, first, off, usual=usual)
        if begins is None:
            break
        again = not usual and off(None, slice(begins, rows)).p >= LEVEL
        firsts.append((begins, again))
        if again:
            break
    ends = [*(first for first, _ in firsts[1:]), rows]
    every = [Stretch(first, end, same) for (first, same), end in zip(firsts, ends, strict=True)]
    return [one for one in every if one.end > one.first] or every


def _change(rows: int, first: int, off: Compare, *, usual: bool) -> int | None:
    """Return where the newest rows begin that what was learned does not hold for; None if it does.

    What was learned is that of the reference if `usual`, else of the stretch that begins at
    `first`; other arguments as of `stretches`.
    """
    left = rows - first if usual else rows - first - FEWEST
    sizes = [FEWEST << power for power in range(left.bit_length()) if FEWEST << power < left]
    if left >= FEWEST:
        sizes.append(left)
    if not sizes:
        return None
    olders = [None if usual else slice(first, rows - size) for size in sizes]
    found = [
        off(older, slice(rows - size, rows)) for older, size in zip(olders, sizes, strict=True)
    ]
    q = q_values([one.p for one in found])
    best = min(range(len(q)), key=lambda place: (found[place].p, -sizes[place]))
    if q[best] >= LEVEL:
        return None
    about = slice(max(rows - 2 * sizes[best], first), rows)
    return rows - _plainest(off(olders[best], about), most=left)


def _plainest(whole: Off, *, most: int) -> int:
    """Return of how many of the newest rows the deviation stands out most from chance."""
    import numpy as np

    sums = np.cumsum(whole.residuals[::-1])
    spread = np.sqrt(np.cumsum(whole.variances[::-1]))
    apart = np.divide(np.abs(sums), spread, out=np.zeros_like(sums), where=spread > 0)
    return FEWEST + int(np.argmax(apart[FEWEST - 1 : most]))
