"""Columns of numbers of which only so many quantiles are known, as distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_cli.monitor.distribution import Distribution, counted
from mlops_cli.monitor.kinds import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SURE = 2.58
"""A bound that holds in 99 of 100 cases is so many standard deviations wide."""


def worth(rows: float, error: float) -> float:
    """Return how many rows of a sample are as sure as `rows` that are known up to `error`.

    A distribution function of n rows is off by chance, in its middle by 0.5 / sqrt(n); ranks that
    are off by `error` in one case of a hundred add to that. So a test neither takes the error of a
    sketch for a difference, nor needs to know of it.

    >>> round(worth(1_000_000, 0.0)), round(worth(1_000_000, 0.001))
    (1000000, 624639)
    """
    return rows / (1 + rows * (2 * error / _SURE) ** 2)


def of_quantiles(
    kind: Kind,
    points: NDArray[np.float64],
    *,
    rows: int,
    nulls: int,
    infinite: int,
    distinct: int,
    error: float,
) -> Distribution:
    """Return a column of which `points` are quantiles at ranks that are evenly spread, rising."""
    values, counts = counted(points)
    weight = worth(rows - nulls, error) / max(1, len(points))
    return Distribution(
        kind, rows, nulls, infinite, values, counts * weight, distinct=distinct, error=error
    )
