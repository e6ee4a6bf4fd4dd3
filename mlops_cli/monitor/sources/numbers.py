"""A column of numbers in sum: sorted once, in the narrowest type that holds every value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.distribution import Distribution, counted
from mlops_cli.monitor.kinds import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DENSE = 4
"""Whole numbers are counted by place where these span no more places than so many a row."""
_FEWEST_PLACES = 65_536


def summed(kind: Kind, rows: int, present: NDArray[Any]) -> Distribution:
    """Return a column of numbers, booleans or moments in sum.

    Args:
        kind: what they are.
        rows: how many rows the column has.
        present: the values that are there, in any order, of any type of number, shape (n,). NaN
            counts as missing. The array is sorted in place if it can be written to.
    """
    import numpy as np

    if present.dtype.kind in "bui":
        values, counts = _whole(present)
        infinite = 0
    else:
        rising = present if present.flags.writeable else present.copy()
        rising.sort()
        rising = rising[: np.searchsorted(rising, np.nan)]  # NaN sorts last
        present = rising
        infinite = _infinite(rising)
        values, counts = counted(rising)
    nulls = rows - len(present)
    if not len(present):
        return Distribution("empty", rows, nulls)
    return Distribution(
        kind,
        rows,
        nulls,
        infinite,
        np.asarray(values, np.float64),
        counts,
        distinct=len(values),
    )


def _infinite(rising: NDArray[Any]) -> int:
    import numpy as np

    low = int(np.searchsorted(rising, -np.inf, side="right"))
    return low + len(rising) - int(np.searchsorted(rising, np.inf, side="left"))


def _whole(present: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return distinct whole numbers, rising, and their counts; without a sort if they lie close."""
    import numpy as np

    if present.dtype.kind == "b":
        present = present.view(np.uint8)
    if not len(present):
        return present, np.zeros(0, np.int64)
    low, high = int(present.min()), int(present.max())
    if max(abs(low), abs(high)) > 2**53:
        return counted(np.sort(present.astype(np.float64)))
    if high - low > max(_FEWEST_PLACES, _DENSE * len(present)):
        return counted(np.sort(present))
    counts = np.bincount(present.astype(np.int64) - low)
    places = np.flatnonzero(counts)
    return places + low, counts[places]
