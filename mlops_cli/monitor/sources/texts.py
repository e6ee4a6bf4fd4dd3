"""A column of texts in sum: how often each is there, and how long they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_cli.monitor.distribution import MOST_DISTINCT, Distribution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def summed(rows: int, counts: Mapping[str, int]) -> Distribution:
    """Return a column of texts in sum.

    Args:
        rows: how many rows the column has.
        counts: how often each text is there.
    """
    import numpy as np

    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    weights = np.fromiter(counts.values(), np.int64, len(counts))
    return of_lengths(rows, counts, np.bincount(lengths, weights).astype(np.int64))


def of_lengths(rows: int, counts: Mapping[str, int], lengths: NDArray[np.int64]) -> Distribution:
    """Return a column of texts in sum, of which so many are 0, 1, 2, ... letters long."""
    import numpy as np

    there = np.flatnonzero(lengths)
    present = int(lengths.sum())
    if not present:
        return Distribution("empty", rows, rows)
    names = len(counts) > MOST_DISTINCT * present
    return Distribution(
        "category",
        rows,
        rows - present,
        values=there.astype(np.float64),
        counts=lengths[there],
        categories={} if names else counts,
        others=present if names else 0,
        distinct=len(counts),
    )
