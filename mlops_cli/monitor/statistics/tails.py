"""How likely it is to lie so far out: tails of the normal and of the chi-square distribution.

Of whole degrees of freedom both are finite sums, so the library that has them for all others, and
takes a tenth of a second to load, is not needed.
"""

from __future__ import annotations

from math import erfc, exp, inf, lgamma, log, sqrt


def normal(z: float) -> float:
    """Return the probability that a standard normal number is `z` or less.

    >>> round(normal(-1.959963984540054), 12)
    0.025
    """
    return 0.5 * erfc(-z / sqrt(2))


def chi_square(degrees: int, statistic: float) -> float:
    """Return the probability that chi-square of so many degrees of freedom is `statistic` or more.

    Args:
        degrees: >= 1.
        statistic: >= 0; may be infinite.

    Source:
        M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 1964, 26.4.4 and 26.4.5.

    >>> round(chi_square(4, 9.487729036781154), 12), round(chi_square(1, 3.841458820694124), 12)
    (0.05, 0.05)
    """
    half = statistic / 2
    if half == 0:
        return 1.0
    if half == inf:
        return 0.0
    start = 1.0 if degrees % 2 == 0 else 1.5
    terms = range((degrees - 1 if degrees % 2 else degrees) // 2)
    logs = [(start + k - 1) * log(half) - half - lgamma(start + k) for k in terms]
    return min(1.0, sum(map(exp, logs)) + (erfc(sqrt(half)) if degrees % 2 else 0.0))
