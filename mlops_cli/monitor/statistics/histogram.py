"""The shape of two samples over the same bins, for people to look at; nothing is decided by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.distribution import places
from mlops_cli.monitor.statistics.binning import binned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.monitor.distribution import Distribution

    Floats = NDArray[np.float64]
    Counts = NDArray[Any]

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


def of_numbers(reference: Distribution, current: Distribution, bins: int = BINS) -> Shapes | None:
    """Return both columns over equal bins; None when one has no finite value.

    The bins reach from the lower of the two 1st percentiles to the higher of the two 99th.
    """
    import numpy as np

    finite = [finite_part(one.values, one.counts) for one in (reference, current)]
    if not all(len(values) for values, _ in finite):
        return None
    low = min(quantile(*each, 0.01) for each in finite)
    high = max(quantile(*each, 0.99) for each in finite)
    if low == high:
        low, high = (
            min(float(values[0]) for values, _ in finite),
            max(float(values[-1]) for values, _ in finite),
        )
    width = (high - low) / bins
    one_bin = width == 0 or not math.isfinite(width)
    edges: Floats = np.array([low]) if one_bin else low + width * np.arange(float(bins))

    def shares(one: Distribution) -> tuple[float, ...]:
        rows = binned(one.values, one.counts, edges[1:])
        return tuple((rows / rows.sum()).tolist())

    return Shapes(tuple(edges.tolist()), shares(reference), shares(current))


def finite_part(values: Floats, counts: Counts) -> tuple[Floats, Counts]:
    """Return what is finite of values in rising order, and of their counts.

    >>> import numpy as np
    >>> [part.tolist() for part in finite_part(np.array([-np.inf, 1.0]), np.array([3, 2]))]
    [[1.0], [2]]
    """
    import numpy as np

    low = int(np.searchsorted(values, -np.inf, side="right"))
    high = int(np.searchsorted(values, np.inf))
    return values[low:high], counts[low:high]


def quantile(values: Floats, counts: Counts, share: float) -> float:
    """Return the value that `share` of a sample is below.

    Args:
        values: shape (k,), k >= 1, rising.
        counts: how many rows each stands for, shape (k,), sum > 0.
        share: in 0..1.

    >>> import numpy as np
    >>> quantile(np.array([1.0, 2.0, 3.0]), np.array([1, 1, 1]), 0.5)
    2.0
    """
    return quantiles(values, counts, (share,))[0]


def quantiles(values: Floats, counts: Counts, shares: Sequence[float]) -> list[float]:
    """Return the values that shares of a sample are below; arguments as of `quantile`."""
    import numpy as np

    ranks = np.rint(np.array(shares) * max(float(counts.sum()) - 1, 0.0))
    found: list[float] = values[places(counts, ranks)].tolist()
    return found


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
