"""The two-sample Anderson-Darling test: do two samples of numbers come from one distribution?

It weighs every difference of the distribution functions, those in the tails most, and so finds
small shifts sooner than the largest gap does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import pooled
from mlops_cli.monitor.chi_square_sum import upper_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[Any]

_RARE = 200
"""Where no value is more common than one in so many, or none is there twice, there are no ties to
speak of; so many weights of the distribution without ties are taken."""
_CELLS = 100
"""Values that are each rarer than one in so many are taken together to find how A² is distributed
under ties. It makes p too large, by at most 3 % at 0.05."""
_BLOCK = 16_384


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
    m, n = round(float(first.sum())), round(float(second.sum()))
    tied = first + second
    if len(tied) == 1:
        return AndersonDarling(0.0, 1.0)
    squared = _a_squared(first, second)
    p = upper_tail(squared, _weights(tied))
    return AndersonDarling((squared - 1) / _deviation(m, n), p)


def _a_squared(first: Counts, second: Counts) -> float:
    """Return A² by midranks, (7) of Scholz and Stephens, of which both samples give one half.

    Block by block, which stays in the processor's cache.
    """
    import numpy as np

    rows, others = float(first.sum()), float(second.sum())
    total = rows + others
    found = before = before_in_first = 0.0
    for start in range(0, len(first), _BLOCK):
        here = first[start : start + _BLOCK].astype(np.float64)
        tied = here + second[start : start + _BLOCK]
        upto, below = np.cumsum(tied), np.cumsum(here)
        middle = upto + before - tied / 2
        gap = total * (below + before_in_first - here / 2) - rows * middle
        spread = middle * (total - middle) - total / 4 * tied
        found += float((tied * gap * gap / spread).sum())
        before += float(upto[-1])
        before_in_first += float(below[-1])
    return found * (total - 1) / total**2 * (1 / rows + 1 / others)


def _weights(tied: Counts) -> Floats:
    """Return the weights of the chi-squares that A² is distributed as, given the ties."""
    import numpy as np

    total = float(tied.sum())
    most = float(tied.max())
    if most == 1 or most * _RARE <= total:
        i = np.arange(1.0, _RARE + 1)
        return np.append(1 / (i * (i + 1)), 1 / (_RARE + 1))  # the last stands for all further
    share = _merged(tied) / total
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
    import numpy as np

    total = m + n
    inverse = 1 / np.arange(1.0, total)
    h = float(inverse.sum())
    after = np.cumsum(inverse[::-1])[::-1]
    g = float((after[1:] / np.arange(total - 1.0, 1.0, -1.0)).sum())
    both = 1 / m + 1 / n
    a = (4 * g - 6) + (10 - 6 * g) * both
    b = 4 * (2 * g - 4) + 16 * h + (2 * g - 14 * h - 4) * both - 8 * h + 4 * g - 6
    c = 4 * (6 * h + 2 * g - 2) + 2 * (4 * h - 4 * g + 6) + (2 * h - 6) * both + 4 * h
    d = 4 * (2 * h + 6) - 8 * h
    variance = (a * total**3 + b * total**2 + c * total + d) / (
        (total - 1) * (total - 2) * (total - 3)
    )
    return float(np.sqrt(variance))
