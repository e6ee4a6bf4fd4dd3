"""Whether values in the order of time rise or fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

_EXACT = 40
"""Longer series get the normal approximation, which is close by then."""
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Trend:
    """Kendall's tau-b of values with time, in -1..1, its two-sided p, and what they say in a word.

    Attributes:
        slope: the median step from one value to the next, by Theil and Sen.
    """

    tau: float
    p: float
    slope: float
    direction: Literal["rising", "falling", "steady"]


def of(values: Sequence[float]) -> Trend | None:
    """Return the trend of values, evenly spaced in time; None of fewer than four.

    p is exact for up to 40 values without ties, else that of the normal distribution with the
    variance corrected for ties.

    Source:
        H. B. Mann, Nonparametric tests against trend, Econometrica 13 (1945) 245-259;
        M. G. Kendall, Rank correlation methods, 1948; P. K. Sen, Estimates of the regression
        coefficient based on Kendall's tau, Journal of the American Statistical Association 63
        (1968) 1379-1389.

    >>> found = of([1.0, 2.0, 4.0, 5.0, 7.0])
    >>> found.tau, round(found.p, 6), found.slope, found.direction
    (1.0, 0.016667, 1.5, 'rising')
    """
    from math import sqrt
    from statistics import median

    n = len(values)
    if n < 4:
        return None
    score = sum(_sign(values[j] - values[i]) for j in range(n) for i in range(j))
    pairs = n * (n - 1) // 2
    ties = [values.count(one) for one in set(values)]
    tied = sum(t * (t - 1) // 2 for t in ties)
    tau = score / sqrt(pairs * (pairs - tied)) if pairs > tied else 0.0
    p = _exact(n, abs(score)) if not tied and n <= _EXACT else _normal(n, score, ties)
    slope = median((values[j] - values[i]) / (j - i) for j in range(n) for i in range(j))
    if p >= _LEVEL:
        return Trend(tau, p, slope, "steady")
    return Trend(tau, p, slope, "rising" if score > 0 else "falling")


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _exact(n: int, score: int) -> float:
    """Return the chance that the score of n values in any order is as far from 0."""
    from math import factorial

    pairs = n * (n - 1) // 2
    ways = _ways(n)
    return min(1.0, 2 * sum(ways[: (pairs - score) // 2 + 1]) / factorial(n))


@cache
def _ways(n: int) -> tuple[int, ...]:
    """Return in how many orders of n values 0, 1, 2, ... pairs fall."""
    if n == 1:
        return (1,)
    fewer = _ways(n - 1)
    return tuple(sum(fewer[max(0, k - n + 1) : k + 1]) for k in range(len(fewer) + n - 1))


def _normal(n: int, score: int, ties: Sequence[int]) -> float:
    from math import erfc, sqrt

    spread = n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)
    return erfc(abs(score) / sqrt(spread / 18) / sqrt(2)) if spread else 1.0
