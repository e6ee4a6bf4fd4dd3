"""Two samples of categories, as counts: are the shares the same, and how far apart are they?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.statistics.tails import chi_square, normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Pearson's statistic of a table of counts, its degrees of freedom and p-value."""

    statistic: float
    degrees: int
    p: float


def homogeneity(first: Counts, second: Counts) -> ChiSquare:
    """Return Pearson's test that two samples come from one distribution over categories.

    Both samples are taken as samples: neither is held to be the truth, as the goodness-of-fit
    test would. No continuity correction. With fewer than two categories p is 1.

    Args:
        first: how often each category occurs in one sample, shape (k,), sum >= 1.
        second: the same for the other; no category is absent from both.

    Source:
        K. Pearson, On the probability that two independent distributions of frequency are
        really samples from the same population, Biometrika 8 (1911) 250-254.

    >>> import numpy as np
    >>> test = homogeneity(np.array([30, 10]), np.array([20, 20]))
    >>> round(test.statistic, 9), test.degrees, round(test.p, 6)
    (5.333333333, 1, 0.020921)
    """
    import numpy as np

    if len(first) < 2:
        return ChiSquare(0.0, 0, 1.0)
    table = np.stack((first, second)).astype(float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    degrees = len(first) - 1
    return ChiSquare(statistic, degrees, chi_square(degrees, statistic))


def likelihood_ratio(first: Counts, second: Counts) -> ChiSquare:
    """Return the G-test that two samples come from one distribution over categories.

    Arguments as of `homogeneity`; the statistic is twice the logarithm of the likelihood ratio.

    Source:
        S. S. Wilks, The large-sample distribution of the likelihood ratio for testing composite
        hypotheses, Annals of Mathematical Statistics 9 (1938) 60-62.

    >>> import numpy as np
    >>> round(likelihood_ratio(np.array([30, 10]), np.array([20, 20])).statistic, 6)
    5.411532
    """
    import numpy as np
    from scipy.special import rel_entr

    if len(first) < 2:
        return ChiSquare(0.0, 0, 1.0)
    table = np.stack((first, second)).astype(float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = 2 * max(float(rel_entr(table, expected).sum()), 0.0)
    degrees = len(first) - 1
    return ChiSquare(statistic, degrees, chi_square(degrees, statistic))


def two_proportions(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Return z and the two-sided p of the test that two samples have the same share of hits.

    z > 0 says that the second has the larger share; the variance is pooled.

    Args:
        first: hits and rows of one sample, rows >= 1.
        second: hits and rows of the other, rows >= 1.

    Source:
        R. A. Fisher, Statistical methods for research workers, 1925, section 20.

    >>> z, p = two_proportions((30, 100), (45, 100))
    >>> round(z, 6), round(p, 6)
    (2.19089, 0.02846)
    """
    from math import sqrt

    hits, rows = first[0] + second[0], first[1] + second[1]
    if hits in (0, rows):
        return 0.0, 1.0
    share = hits / rows
    deviation = sqrt(share * (1 - share) * (1 / first[1] + 1 / second[1]))
    z = (second[0] / second[1] - first[0] / first[1]) / deviation
    return z, 2 * normal(-abs(z))


def total_variation(first: Counts, second: Counts) -> float:
    """Return the share of one sample that would have to change category to be like the other.

    In 0..1: half the sum of the differences between shares. Arguments as of `homogeneity`.

    >>> import numpy as np
    >>> total_variation(np.array([75, 25, 0]), np.array([50, 25, 25]))
    0.25
    """
    import numpy as np

    return float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)


def kept_apart(first: Counts, second: Counts, *, expected: float, most: int) -> int:
    """Return how many of the commonest categories a test should keep apart; it merges the rest.

    The rest are merged when there are more than `most` categories, and where the smaller sample
    is expected to hold fewer than `expected` of a category, for which chi-square is no
    approximation. The merged rest holds at least `expected` itself, or takes one more with it.

    Args:
        first: counts of one sample, shape (k,), the commonest category of both together first.
        second: counts of the other, in the same order.
        expected: the least count that each category should have in the smaller sample.
        most: the largest number of categories, the merged rest included, >= 2.

    >>> import numpy as np
    >>> kept_apart(np.array([60, 37, 2, 1]), np.array([55, 43, 2, 0]), expected=2, most=100)
    2
    """
    import numpy as np

    both = first + second
    smaller = min(first.sum(), second.sum()) / both.sum()
    in_smaller = both * smaller
    kept = int(np.searchsorted(-in_smaller, -expected, side="right"))
    if kept < len(both) or kept > most:
        kept = min(kept, most - 1)
        while kept > 0 and in_smaller[kept:].sum() < expected:
            kept -= 1
    return kept
