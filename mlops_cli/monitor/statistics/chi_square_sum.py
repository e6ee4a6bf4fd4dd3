"""The distribution that many goodness-of-fit statistics tend to: a weighted sum of chi-squares."""

from __future__ import annotations

from math import copysign, log, sqrt
from typing import TYPE_CHECKING

from mlops_cli.monitor.statistics.tails import normal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 200
_NEAR = 1e-13
_NEAR_MEAN = 1e-4
"""Closer to the mean, relative to it, the formula divides zero by zero; p hardly changes there."""


def upper_tail(value: float, weights: Floats) -> float:
    """Return the probability that sum of weights[i] * X[i] is `value` or more.

    X[i] are independent, chi-square with one degree of freedom. By the saddlepoint formula: for
    the weights 1 / (i (i + 1)) of Anderson and Darling, 0.05 comes out as 0.051, 0.001 as 0.00103.

    Args:
        value: where the tail begins.
        weights: shape (k,), k >= 1, all > 0.

    Source:
        R. Lugannani and S. Rice, Saddle point approximation for the distribution of the sum of
        independent random variables, Advances in Applied Probability 12 (1980) 475-490;
        D. Kuonen, Saddlepoint approximations for distributions of quadratic forms in normal
        variables, Biometrika 86 (1999) 929-935.

    >>> import numpy as np
    >>> round(upper_tail(9.488, np.ones(4)), 3)  # chi-square with 4 degrees of freedom
    0.05
    """
    import numpy as np

    if value <= 0:
        return 1.0
    mean = float(weights.sum())
    if abs(value - mean) < _NEAR_MEAN * mean:
        value = mean * (1 + _NEAR_MEAN)
    at = _saddlepoint(value, weights)
    left = 1 - 2 * weights * at
    cumulants = -0.5 * float(np.log(left).sum())
    curvature = float((2 * (weights / left) ** 2).sum())
    w = copysign(sqrt(max(2 * (at * value - cumulants), 0.0)), at)
    return normal(-(w + log(at * sqrt(curvature) / w) / w))


def _saddlepoint(value: float, weights: Floats) -> float:
    """Return where the slope of the cumulant generating function is `value`.

    By Newton's method on one over the slope, which is nearly straight; a step that leaves the
    interval known to hold the solution is replaced by its middle.
    """
    low, high = -0.5 * len(weights) / value, 0.5 / float(weights.max())
    at = 0.0
    for _ in range(_STEPS):
        left = weights / (1 - 2 * weights * at)
        slope = float(left.sum())
        if slope > value:
            high = at
        else:
            low = at
        if abs(slope - value) <= _NEAR * value:
            break
        curvature = 2 * float((left * left).sum())
        at -= (1 / slope - 1 / value) / (-curvature / slope**2)
        if not low < at < high:
            at = (low + high) / 2
    return at
