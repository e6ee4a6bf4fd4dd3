"""Numbers in bins, as distances between shares want them; each way of cutting has a name.

A distance over bins means nothing without the bins: the same two samples have another index over
ten bins than over thirty, over equal widths than over deciles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.distribution import places, rows_before

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[Any]


def quantile_edges(values: Floats, counts: Counts, bins: int) -> Floats:
    """Return what lies between bins that hold equally many rows of a sample, as far as ties allow.

    Interpolated between values as numpy does by default. Edges that coincide are one, so that
    there may be fewer bins; a constant has none, and so one bin.

    Args:
        values: shape (k,), k >= 1, rising, finite.
        counts: how many rows each stands for, shape (k,), sum > 0.
        bins: how many to cut, >= 2.

    >>> import numpy as np
    >>> quantile_edges(np.arange(1.0, 10.0), np.ones(9), 4).tolist()
    [3.0, 5.0, 7.0]
    """
    import numpy as np

    at = np.arange(1, bins) / bins * max(float(counts.sum()) - 1, 0.0)
    below, above = (values[places(counts, ends(at))] for ends in (np.floor, np.ceil))
    share = at - np.floor(at)
    edges = np.unique(below * (1 - share) + above * share)
    inner: Floats = edges[edges > values[0]]
    return inner


def binned(values: Floats, counts: Counts, edges: Floats) -> Counts:
    """Return how many rows each bin holds, shape (len(edges) + 1,).

    A bin reaches from its edge, which it holds, to the next one's; the first and last are open.

    Args:
        values: shape (k,), rising.
        counts: how many rows each stands for, shape (k,).
        edges: rising.

    >>> import numpy as np
    >>> binned(np.array([1.0, 2.0, 3.0]), np.array([5, 1, 1]), np.array([2.0])).tolist()
    [5, 2]
    """
    import numpy as np

    ends = np.concatenate(([0], np.searchsorted(values, edges), [len(values)]))
    found: Counts = np.diff(rows_before(counts, ends))
    return found
