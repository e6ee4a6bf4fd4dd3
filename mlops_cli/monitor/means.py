"""The z-test of means: do two large samples of numbers have the same mean?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.tails import normal

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

    rows, others = float(first.sum()), float(second.sum())
    mean, other = float(values @ first) / rows, float(values @ second) / others
    spread = float(((values - mean) ** 2) @ first) / (rows - 1) / rows
    other_spread = float(((values - other) ** 2) @ second) / (others - 1) / others
    difference = other - mean
    error = sqrt(spread + other_spread)
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

    if counts.strides == (0,) and len(counts):
        return float(values.std())
    rows = float(counts.sum())
    mean = float(values @ counts) / rows
    return sqrt(float(((values - mean) ** 2) @ counts) / rows)
