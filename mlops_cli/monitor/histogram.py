"""The shape of two samples over the same bins, for people to look at; nothing is decided by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

BINS = 8


@dataclass(frozen=True, slots=True)
class Shapes:
    """The share of each sample in each bin.

    `bins` has a label for each: the category, or the number from which the bin reaches to the
    next one's. The first and last bin also hold what lies beyond them.
    """

    bins: tuple[str | float, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


def of_numbers(reference: Floats, current: Floats) -> Shapes | None:
    """Return both samples over eight equal bins; None when one has no finite value.

    Both come in rising order. The bins reach from the lower of the two 1st percentiles to the
    higher of the two 99th.
    """
    import numpy as np

    finite = [sample[np.isfinite(sample)] for sample in (reference, current)]
    if not all(map(len, finite)):
        return None
    low = min(quantile(sample, 0.01) for sample in finite)
    high = max(quantile(sample, 0.99) for sample in finite)
    if low == high:
        low, high = min(sample[0] for sample in finite), max(sample[-1] for sample in finite)
    width = (float(high) - float(low)) / BINS
    one_bin = width == 0 or not math.isfinite(width)
    edges = np.array([low]) if one_bin else low + width * np.arange(BINS)

    def shares(sample: Floats) -> tuple[float, ...]:
        where = np.searchsorted(edges[1:], sample, side="right")
        return tuple((np.bincount(where, minlength=len(edges)) / len(sample)).tolist())

    return Shapes(tuple(edges.tolist()), shares(reference), shares(current))


def quantile(rising: Floats, share: float) -> float:
    """Return the value that `share` of a sample, shape (n,), n >= 1, in rising order, is below.

    >>> import numpy as np
    >>> quantile(np.array([1.0, 2.0, 3.0]), 0.5)
    2.0
    """
    return float(rising[round(share * (len(rising) - 1))])


def of_categories(names: Sequence[str], reference: Counts, current: Counts) -> Shapes | None:
    """Return both samples over the eight commonest categories, and the others as one more.

    None when a sample is empty.

    Args:
        names: the categories, commonest first.
        reference: how often each occurs in one sample.
        current: how often each occurs in the other.
    """
    import numpy as np

    if not (reference.sum() and current.sum()):
        return None

    def shares(sample: Counts) -> tuple[float, ...]:
        parts = sample / sample.sum()
        if len(parts) > BINS:
            parts = np.append(parts[:BINS], parts[BINS:].sum())
        return tuple(parts.tolist())

    bins = (*names[:BINS], *(("(other)",) if len(names) > BINS else ()))
    return Shapes(bins, shares(reference), shares(current))
