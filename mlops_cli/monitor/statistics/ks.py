"""The two-sample Kolmogorov-Smirnov test: do two samples of numbers come from one distribution?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.statistics import pooled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Counts = NDArray[Any]

# With few distinct values ties change the null distribution a lot, and walking over them
# is cheap; with many, ignoring them makes p slightly too large and never too small.
_TIED_VALUES = 400
# Beyond these the limiting distribution is within a few percent of the exact one, from
# above, while the exact walk would take more than some 20 ms.
_EXACT_ROWS = 1_000
_EXACT_CELLS = 20_000_000
# Below this the walk would underflow, and no decision can depend on the exact value.
_SURELY = 1e-30


@dataclass(frozen=True, slots=True)
class KolmogorovSmirnov:
    """The largest gap between two empirical distribution functions, and its p-value."""

    distance: float
    p: float


def two_sample(first: Floats, second: Floats) -> KolmogorovSmirnov:
    """Return the largest gap between the distribution functions of two samples, and its p-value.

    p is exact, given the ties, for up to 400 distinct values; with more, exact but for ties
    (an upper bound) while the smaller sample has up to 1,000 rows; beyond, and below 1e-30,
    it is the limiting value. Infinite values take part, as the smallest or the largest.

    Args:
        first: one sample, shape (m,), m >= 1, in any order, without NaN.
        second: the other, shape (n,), n >= 1, in any order, without NaN.

    Source:
        J. L. Hodges, The significance probability of the Smirnov two-sample test,
        Arkiv för Matematik 3 (1958) 469-486; for ties, G. Schröer and D. Trenkler, Exact and
        randomization distributions of Kolmogorov-Smirnov tests two or three samples,
        Computational Statistics & Data Analysis 20 (1995) 185-202.

    >>> import numpy as np
    >>> two = two_sample(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    >>> two.distance, round(two.p, 9)
    (1.0, 0.1)
    """
    _, counts, others = pooled.of_samples(first, second)
    return of_counts(counts, others)


def of_counts(first: Counts, second: Counts) -> KolmogorovSmirnov:
    """Return the test of two samples given as how often each has each value, in rising order.

    Counts that are not whole, as sketches have them, are rounded for p.

    Args:
        first: counts of one sample, shape (k,), sum >= 1.
        second: counts of the other; together each is > 0.

    >>> import numpy as np
    >>> round(of_counts(np.array([2, 0]), np.array([1, 1])).distance, 9)
    0.5
    """
    import numpy as np

    upto, others = _whole(np.cumsum(first)), _whole(np.cumsum(second))
    m, n = int(upto[-1]), int(others[-1])
    gap = _gap(upto, others)
    return KolmogorovSmirnov(gap / (m * n), _p_value(min(m, n), max(m, n), gap, upto + others))


def distance(first: Counts, second: Counts) -> float:
    """Return the largest gap between two distribution functions, in 0..1; arguments as `of_counts`.

    >>> import numpy as np
    >>> distance(np.array([1, 1, 0]), np.array([0, 1, 1]))
    0.5
    """
    import numpy as np

    upto, others = np.cumsum(first), np.cumsum(second)
    return float(np.abs(upto / upto[-1] - others / others[-1]).max())


def _whole(upto: Counts) -> Integers:
    import numpy as np

    found: Integers = np.rint(upto).astype(np.int64) if upto.dtype.kind == "f" else upto
    return found


def _gap(upto: Integers, others: Integers) -> int:
    """Return the gap times both sizes, of how many values each sample has up to each distinct one.

    In whole numbers, |i/m - j/n| = gap / (m n), so that equal gaps compare equal.
    """
    import numpy as np

    return int(np.abs(upto * others[-1] - others * upto[-1]).max())


def _p_value(m: int, n: int, gap: int, ends: Integers) -> float:
    from scipy.special import kolmogorov

    if gap == 0:
        return 1.0
    limiting = float(kolmogorov(gap / (m * n) * (m * n / (m + n)) ** 0.5))
    if limiting < _SURELY or 2 * gap > _EXACT_CELLS:
        return limiting
    if len(ends) <= _TIED_VALUES and len(ends) < m + n:
        return min(1.0, _walk_over_ties(m, n, gap, ends))
    if m <= _EXACT_ROWS:
        return min(1.0, _walk_in_rows(m, n, gap))
    return limiting


# Under the null every order of the pooled sample is equally likely. An order is a path from
# (0, 0) to (m, n), one step right or up for each value, and the gap is reached when the path
# touches a point (i, j) with |i n - j m| >= gap. Both walks add up the share of paths by
# where they first leave the band between, so that small p-values keep all their digits.


def _walk_over_ties(m: int, n: int, gap: int, ends: Integers) -> float:
    """Return P(gap or more) where only the points after a group of equal values count."""
    import numpy as np

    total = m + n
    share = m / total
    inside, lowest, done, left = np.ones(1), 0, 0, 0.0
    for end in ends.tolist():
        inside = np.convolve(inside, _binomial(end - done, np.arange(end - done + 1), share))
        i = np.arange(lowest, lowest + len(inside))
        possible = (i >= end - n) & (i <= m)
        i, inside = i[possible], inside[possible]
        out = np.abs(i * total - end * m) >= gap
        left += float(inside[out] @ _binomial(total - end, m - i[out], share))
        i, inside = i[~out], inside[~out]
        if not len(i):
            break
        lowest, done = int(i[0]), end
    return left / float(_binomial(total, np.array([m]), share)[0])


def _binomial(trials: int, hits: Integers, share: float) -> Floats:
    """Return the probability of each of `hits` successes in `trials`, shape of `hits`."""
    import numpy as np
    from scipy.special import xlog1py, xlogy

    odds = xlogy(hits, share) + xlog1py(trials - hits, -share)
    probability: Floats = np.exp(_log_choose(trials, hits) + odds)
    return probability


def _log_choose(of: int | Integers, take: int | Integers) -> Floats:
    from scipy.special import gammaln

    chosen: Floats = gammaln(of + 1) - gammaln(take + 1) - gammaln(of - take + 1)
    return chosen


def _walk_in_rows(m: int, n: int, gap: int) -> float:
    """Return P(gap or more) when no two values are equal; `m` is best the smaller size."""
    import numpy as np

    everything = float(_log_choose(m + n, m))
    scale, left = 0.0, 0.0
    low, high = _band(0, m, n, gap)
    ways = np.ones(high - low + 1)
    for i in range(m + 1):
        if high < n:
            rest = float(_log_choose(m - i + n - high - 1, m - i))
            left += float(ways[-1] * np.exp(rest + scale - everything))
        if i == m:
            break
        next_low, next_high = _band(i + 1, m, n, gap)
        k = np.arange(low, min(next_low, high + 1))
        rest_up = _log_choose(m - i - 1 + n - k, n - k)
        left += float(ways[: len(k)] @ np.exp(rest_up + scale - everything))
        if next_low > high:
            break
        row = np.zeros(next_high - next_low + 1)
        row[: high - next_low + 1] = ways[next_low - low :]
        ways = np.cumsum(row)
        scale += float(np.log(ways[-1]))
        ways /= ways[-1]
        low, high = next_low, next_high
    return left


def _band(i: int, m: int, n: int, gap: int) -> tuple[int, int]:
    """Return the first and last j of row i with |i n - j m| < gap."""
    return max(0, (i * n - gap) // m + 1), min(n, -((-i * n - gap) // m) - 1)
