"""A column of texts in sum: how often each is there, and how long they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_cli.monitor import words
from mlops_cli.monitor.distribution import MOST_DISTINCT, Distribution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def are_names(distinct: int, present: int) -> bool:
    """Return whether so many different texts in so many rows are names, not categories."""
    return distinct > MOST_DISTINCT * present


def summed(rows: int, counts: Mapping[str, int]) -> Distribution:
    """Return a column of texts in sum.

    Args:
        rows: how many rows the column has.
        counts: how often each text is there.
    """
    import numpy as np

    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    weights = np.fromiter(counts.values(), np.int64, len(counts))
    by_length = np.bincount(lengths, weights).astype(np.int64)
    return of_lengths(rows, counts, by_length, distinct=len(counts))


def of_lengths(
    rows: int,
    counts: Mapping[str, int],
    by_length: NDArray[np.int64],
    *,
    distinct: int,
    error: float = 0.0,
) -> Distribution:
    """Return a column of texts in sum.

    Args:
        rows: how many rows the column has.
        counts: how often each text is there, as far as that is known; not needed of names.
        by_length: how many texts have 0, 1, 2, ... letters.
        distinct: how many different ones there are.
        error: by how much the share of a text may be off.
    """
    import numpy as np

    there = np.flatnonzero(by_length)
    present = int(by_length.sum())
    if not present:
        return Distribution("empty", rows, rows)
    found = None
    if are_names(distinct, present):
        found = words.of_texts(counts, len(counts)) if counts else None
        counts = {}
    return Distribution(
        "category",
        rows,
        rows - present,
        values=there.astype(np.float64),
        counts=by_length[there],
        categories=counts,
        others=max(0, present - sum(counts.values())),
        distinct=distinct,
        error=error,
        words=found,
    )
