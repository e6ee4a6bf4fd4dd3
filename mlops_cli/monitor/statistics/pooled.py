"""Two samples of numbers as counts over the values that either has, which all tests take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


def of_samples(first: Floats, second: Floats) -> tuple[Floats, Integers, Integers]:
    """Return the distinct values of two samples, rising, and how often each sample has which.

    Args:
        first: shape (m,), m >= 1, in any order, without NaN.
        second: shape (n,), n >= 1, in any order, without NaN.

    >>> import numpy as np
    >>> [each.tolist() for each in of_samples(np.array([2.0, 1.0, 2.0]), np.array([3.0, 1.0]))]
    [[1.0, 2.0, 3.0], [1, 2, 0], [1, 0, 1]]
    """
    import numpy as np

    values, place = np.unique(np.concatenate((first, second)), return_inverse=True)
    both = (place[: len(first)], place[len(first) :])
    counts, others = (np.bincount(one, minlength=len(values)) for one in both)
    return values, counts, others
