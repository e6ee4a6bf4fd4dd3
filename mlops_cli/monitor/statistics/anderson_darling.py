"""The two-sample Anderson-Darling test: do two samples of numbers come from one distribution?

It weighs every difference of the distribution functions, those in the tails most, and so finds
small shifts sooner than the largest gap does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log, pi, sqrt
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.statistics import pooled
from mlops_cli.monitor.statistics.chi_square_sum import upper_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[Any]

_RARE = 200
"""Where no value is more common than one in so many, or none is there twice, there are no ties to
speak of; so many weights of the distribution without ties are taken."""
_CELLS = 60
"""Values that are each rarer than one in so many are taken together to find how A² is distributed
under ties. It makes p too large, by at most 5 % at 0.05; of a matrix of 64 rows and more LAPACK's
threads would take a hundred times as long as the sums do."""
_BLOCK = 16_384
_MANY = 100_000


@dataclass(frozen=True, slots=True)
class AndersonDarling:
    """A² of two samples, less its mean and over its standard deviation; and the p-value."""

    statistic: float
    p: float


def two_sample(first: Floats, second: Floats) -> AndersonDarling:
    """Return the Anderson-Darling test that two samples come from one distribution.

    A² is computed from midranks, so ties are counted alike from above and from below. p is that
    of the limiting distribution given the ties, which is a weighted sum of chi-squares: from 50
    rows on a side its error rate was as stated, to within a tenth, in 20,000 trials.

    Args:
        first: one sample, shape (m,), m >= 1, in any order, without NaN.
        second: the other, shape (n,), n >= 1, m + n >= 4, in any order, without NaN.

    Source:
        F. W. Scholz and M. A. Stephens, K-sample Anderson-Darling tests, Journal of the American
        Statistical Association 82 (1987) 918-924, formulas (6) and (7) for k = 2; T. W. Anderson
        and D. A. Darling, Annals of Mathematical Statistics 23 (1952) 193-212.

    >>> import numpy as np
    >>> found = two_sample(np.arange(20.0), np.arange(10.0, 30.0))
    >>> round(found.statistic, 6), round(found.p, 5)
    (10.703086, 8e-05)
    """
    _, counts, others = pooled.of_samples(first, second)
    return of_counts(counts, others)


def of_counts(first: Counts, second: Counts) -> AndersonDarling:
    """Return the test of two samples given as how often each has each value, in rising order.

    Args:
        first: counts of one sample, shape (k,), sum >= 1.
        second: counts of the other; together each is > 0, and all are >= 4. They need not be
            whole, as those of sketches are not.
    """
    import numpy as np

    if len(first) == 1:
        return AndersonDarling(0.0, 1.0)
    rows, others = float(first.sum()), float(second.sum())
    found = before = before_in_first = 0.0
    for start in range(0, len(first), _BLOCK):  # which stays in the processor's cache
        here = first[start : start + _BLOCK].astype(np.float64)
        tied = here + second[start : start + _BLOCK]
        upto, below = np.cumsum(tied) + before, np.cumsum(here) + before_in_first
        found += squares(below, upto, here, tied, rows, rows + others)
        before, before_in_first = float(upto[-1]), float(below[-1])
    return of_squared(of_sum(found, rows, others), rows, others, first + second)


def of_sum(squares: float, rows: float, others: float) -> float:
    """Return A² of what `squares` gives over all values, of samples of so many rows."""
    total = rows + others
    return squares * (total - 1) / total**2 * (1 / rows + 1 / others)


def of_squared(squared: float, rows: float, others: float, tied: Counts | None) -> AndersonDarling:
    """Return the test, given A², of samples of so many rows.

    Args:
        squared: A².
        rows: how many one sample has.
        others: how many the other has.
        tied: how often both together have each value, in rising order; None where they are
            `hardly_tied`.
    """
    p = upper_tail(squared, _weights(tied))
    return AndersonDarling((squared - 1) / _deviation(round(rows), round(others)), p)


def squares(
    below: Floats, upto: Floats, here: Floats, tied: Floats, rows: float, total: float
) -> float:
    """Return what some values add to A² by midranks, (7) of Scholz and Stephens.

    Both samples give one half of it.

    Args:
        below: rows of one sample up to each value, shape (k,).
        upto: rows of both up to it.
        here: rows of one with the value itself.
        tied: rows of both with it.
        rows: of one sample in all.
        total: of both in all.
    """
    middle = upto - tied / 2
    gap = total * (below - here / 2) - rows * middle
    spread = middle * (total - middle) - total / 4 * tied
    return float((tied * gap * gap / spread).sum())


def hardly_tied(most: float, total: float) -> bool:
    """Return whether there are no ties to speak of, if the commonest value has so many rows."""
    return most == 1 or most * _RARE <= total


def _weights(tied: Counts | None) -> Floats:
    """Return the weights of the chi-squares that A² is distributed as, given the ties."""
    import numpy as np

    if tied is None or hardly_tied(float(tied.max()), float(tied.sum())):
        i = np.arange(1.0, _RARE + 1)
        return np.append(1 / (i * (i + 1)), 1 / (_RARE + 1))  # the last stands for all further
    share = _merged(tied) / float(tied.sum())
    upper = np.cumsum(share)
    upper[-1] = 1.0
    lower = np.append(0.0, upper[:-1])
    ends = (lower, upper)
    bridge = sum(np.minimum.outer(a, b) - np.outer(a, b) for a in ends for b in ends) / 4
    middle = (lower + upper) / 2
    scale = np.sqrt(share / (middle * (1 - middle) - share / 4))
    found = np.linalg.eigvalsh(scale[:, None] * bridge * scale)
    return np.asarray(found[found > found[-1] * 1e-9], np.float64)


def _merged(tied: Counts) -> Counts:
    """Return counts of values with rare neighbours taken together: at most some 300 are left."""
    import numpy as np

    if len(tied) <= _CELLS:
        return tied
    total = float(tied.sum())
    cell = np.floor_divide((np.cumsum(tied) - 1) * _CELLS, total)
    common = tied * _CELLS > total
    starts = np.append(True, (cell[1:] != cell[:-1]) | common[1:] | common[:-1])
    merged: Counts = np.add.reduceat(tied, np.flatnonzero(starts))
    return merged


@cache
def _deviation(m: int, n: int) -> float:
    """Return the standard deviation of A² of samples of m and n values without ties.

    Scholz and Stephens, (4), for k = 2.
    """
    total = m + n
    h, g = _harmonic(total)
    both = 1 / m + 1 / n
    a = (4 * g - 6) + (10 - 6 * g) * both
    b = 4 * (2 * g - 4) + 16 * h + (2 * g - 14 * h - 4) * both - 8 * h + 4 * g - 6
    c = 4 * (6 * h + 2 * g - 2) + 2 * (4 * h - 4 * g + 6) + (2 * h - 6) * both + 4 * h
    d = 4 * (2 * h + 6) - 8 * h
    variance = (a * total**3 + b * total**2 + c * total + d) / (
        (total - 1) * (total - 2) * (total - 3)
    )
    return sqrt(variance)


def _harmonic(total: int) -> tuple[float, float]:
    """Return h and g of (4); of many rows their limits, which are off by less than 1e-9."""
    import numpy as np

    if total > _MANY:
        h = log(total) + np.euler_gamma - 1 / (2 * total)
        return h, pi**2 / 6 - (2 * log(total) + 2 * np.euler_gamma + 1) / total
    inverse = 1 / np.arange(1.0, total)
    after = np.cumsum(inverse[::-1])[::-1]
    g = float((after[1:] / np.arange(total - 1.0, 1.0, -1.0)).sum())
    return float(inverse.sum()), g
