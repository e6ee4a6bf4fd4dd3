"""The maximum mean discrepancy of two samples of rows: do they come from one distribution?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """The unbiased squared discrepancy, which may be below 0; its p-value; the kernel's width."""

    squared: float
    p: float
    width: float


def compare(
    first: Floats, second: Floats, *, permutations: int, rng: np.random.Generator
) -> Discrepancy:
    """Return the test that two samples of rows come from one distribution.

    The kernel is exp(-d² / (2 w²)) with the median distance d of two rows of both samples
    together as width w. p is that of a permutation test: (1 + permutations whose discrepancy is as
    large) / (1 + permutations), exact for any sample.

    Args:
        first: one sample, shape (m, columns), m >= 2, finite; columns in comparable units.
        second: the other, shape (n, columns), n >= 2.
        permutations: how many, >= 1; the smallest p is 1 / (1 + permutations).
        rng: what they are drawn by.

    Source:
        A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schölkopf, A. Smola, A kernel two-sample test,
        Journal of Machine Learning Research 13 (2012) 723-773, (3) and section 5.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(size=(40, 2)), rng.normal(2, size=(40, 2))
    >>> compare(near, far, permutations=99, rng=rng).p
    0.01
    """
    import numpy as np

    rows = np.concatenate((first, second))
    squares = _squared_distances(rows)
    width = median_distance(squares)
    kernel = np.exp(-squares / (2 * width**2)) if width else np.ones_like(squares)
    is_first = np.zeros(len(rows))
    is_first[: len(first)] = 1
    dealt = rng.permuted(np.tile(is_first, (permutations, 1)), axis=1)
    found = _squared(kernel, np.vstack((is_first, dealt)))
    as_large = int((found[1:] >= found[0] - 1e-12).sum())
    return Discrepancy(float(found[0]), (1 + as_large) / (1 + permutations), width)


def squared(kernel: Floats, first: int) -> float:
    """Return the unbiased squared discrepancy of the `first` rows of a kernel matrix from the rest.

    >>> import numpy as np
    >>> round(squared(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]), 2), 9)
    2.0
    """
    import numpy as np

    is_first = np.arange(len(kernel)) < first
    return float(_squared(np.asarray(kernel, np.float64), is_first[None, :].astype(np.float64))[0])


def median_distance(squares: Floats) -> float:
    """Return the median distance of two different rows, of the squares of all distances."""
    import numpy as np

    apart = np.sqrt(squares[np.triu_indices(len(squares), 1)])
    middle = float(np.median(apart))
    if middle == 0 and apart.any():
        middle = float(np.median(apart[apart > 0]))  # most rows are equal
    return middle


def _squared_distances(rows: Floats) -> Floats:
    import numpy as np

    norms = (rows**2).sum(axis=1)
    found: Floats = np.maximum(norms[:, None] + norms - 2 * rows @ rows.T, 0.0)
    np.fill_diagonal(found, 0.0)
    return found


def _squared(kernel: Floats, is_first: Floats) -> Floats:
    """Return the discrepancy for each row of `is_first`, which says which rows are of the first."""
    diagonal = kernel.diagonal()
    towards = is_first @ kernel
    within = (towards * is_first).sum(axis=1)
    across = towards.sum(axis=1) - within
    others = float(kernel.sum()) - within - 2 * across
    m = is_first.sum(axis=1)
    n = len(kernel) - m
    own = is_first @ diagonal
    rest = float(diagonal.sum()) - own
    found: Floats = (within - own) / (m * (m - 1)) + (others - rest) / (n * (n - 1))
    found -= 2 * across / (m * n)
    return found
