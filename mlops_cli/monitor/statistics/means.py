"""The z-test of means: do two large samples of numbers have the same mean?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.statistics.tails import normal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ZTest:
    """The difference in units of its standard error, positive if the second is larger; two-sided p.

    Attributes:
        difference: the second mean less the first, in the unit of the values.
    """

    z: float
    p: float
    difference: float


def two_means(values: Floats, first: Counts, second: Counts) -> ZTest:
    """Return the z-test that two samples come from distributions of one mean.

    The variances are not pooled, each with the divisor n - 1. It looks at nothing but the mean,
    and is right for samples large enough that their means are normal.

    Args:
        values: shape (k,), finite.
        first: rows of one sample at each value, shape (k,), sum >= 2.
        second: those of the other.

    Source:
        J. Neyman and E. S. Pearson, On the problem of two samples, Bulletin de l'Académie
        Polonaise des Sciences et des Lettres (1930) 73-96; with the variances apart, B. L. Welch,
        The significance of the difference between two means when the population variances are
        unequal, Biometrika 29 (1938) 350-362.

    >>> import numpy as np
    >>> found = two_means(np.array([1.0, 2.0, 4.0]), np.array([4, 4, 0]), np.array([0, 4, 4]))
    >>> round(found.z, 6), round(found.p, 6), found.difference
    (3.549648, 0.000386, 1.5)
    """
    from math import copysign, inf, sqrt

    mean, spread = _moments(values, first)
    other, other_spread = _moments(values, second)
    rows, others = float(first.sum()), float(second.sum())
    difference = other - mean
    error = sqrt(spread / (rows - 1) + other_spread / (others - 1))
    surely = copysign(inf, difference) if difference else 0.0
    z = difference / error if error else surely
    return ZTest(z, 2 * normal(-abs(z)), difference)


def deviation(values: Floats, counts: Counts) -> float:
    """Return the standard deviation of a sample, with the divisor n; arguments as above.

    >>> import numpy as np
    >>> deviation(np.array([1.0, 3.0]), np.array([2, 2]))
    1.0
    """
    from math import sqrt

    return sqrt(_moments(values, counts)[1])


def _moments(values: Floats, counts: Counts) -> tuple[float, float]:
    """Return the mean and the variance with the divisor n; infinite where floats do not reach."""
    from math import inf, isnan

    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        if counts.strides == (0,) and len(counts):
            mean, variance = float(values.mean()), float(values.var())
        else:
            shares = counts / counts.sum()
            mean = float((values * shares).sum())
            variance = float(((values - mean) ** 2 * shares).sum())
    return mean, inf if isnan(variance) else variance
