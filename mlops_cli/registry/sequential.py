"""Comparing two versions while looking at the result as often as one likes.

Each user meets one of two versions by a known chance. If both convert alike, each conversion comes
from the second with just that chance, whatever happened before; so conversions are tosses of a
known coin. The ratio of how well a mixture of all coins explains them to how well that one does
is a martingale, which grows beyond 1/alpha with a probability of at most alpha, ever. Its inverse
is a p-value that holds whenever one stops.

Source:
    M. Lindon, A. Malek, Anytime-Valid Inference for Multinomial Count Data, NeurIPS 2022.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

_WEIGHT = 100.0
"""How much the mixture holds to the coin that is tested, in tosses."""
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`."""

    low: float
    high: float


def wilson(hits: int, count: int, *, confidence: float = 0.95) -> Interval:
    """Return where the probability of a hit is, after `count` trials; for one look at the end.

    >>> found = wilson(9, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.5958, 0.9821)

    Source:
        E. B. Wilson, Probable Inference, Journal of the American Statistical Association 22
        (1927) 209-212.
    """
    if not count:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def evidence(first: int, second: int, *, chance: float) -> float:
    """Return the logarithm of the evidence that the versions differ; 0 is none, below 0 against.

    Args:
        first: conversions of the first version.
        second: conversions of the second.
        chance: that a user meets the second and not the first, in 0..1.
    """
    a, b = _WEIGHT * chance, _WEIGHT * (1 - chance)
    mixture = _log_beta(a + second, b + first) - _log_beta(a, b)
    return mixture - second * log(chance) - first * log1p(-chance)


def p_value(first: int, second: int, *, chance: float) -> float:
    """Return a p-value for "both convert alike" that holds however often one looks.

    >>> p_value(100, 100, chance=0.5)
    1.0
    >>> p_value(100, 180, chance=0.5) < 0.01
    True
    """
    return min(1.0, exp(min(-evidence(first, second, chance=chance), 0.0)))


def ratio(first: int, second: int, *, chance: float, alpha: float = 0.05) -> Interval:
    """Return where the second version's rate is, as a multiple of the first's.

    It holds at all times together with probability 1 - `alpha`; without conversions it is all
    positive numbers.
    """
    total = first + second
    limit = -log(alpha)
    a, b = _WEIGHT * chance, _WEIGHT * (1 - chance)
    mixture = _log_beta(a + second, b + first) - _log_beta(a, b)

    def refuted(coin: float) -> bool:
        return mixture - second * log(coin) - first * log1p(-coin) > limit

    best = min(max(second / total if total else chance, _EDGE), 1 - _EDGE)
    low = _border(refuted, _EDGE, best)
    high = _border(refuted, 1 - _EDGE, best)
    odds = (1 - chance) / chance
    return Interval(
        0.0 if low <= _EDGE else odds * low / (1 - low),
        float("inf") if high >= 1 - _EDGE else odds * high / (1 - high),
    )


def _border(refuted: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return where between two coins the refuted ones end."""
    if not refuted(outside):
        return outside
    for _ in range(100):
        middle = (outside + inside) / 2
        if refuted(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
