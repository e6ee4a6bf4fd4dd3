"""Two samples of categories, as counts: are the shares the same, and how far apart are they?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]


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
    from scipy.special import chdtrc

    if len(first) < 2:
        return ChiSquare(0.0, 0, 1.0)
    table = np.stack((first, second)).astype(float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    degrees = len(first) - 1
    return ChiSquare(statistic, degrees, float(chdtrc(degrees, statistic)))


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
