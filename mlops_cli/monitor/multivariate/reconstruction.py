"""How well the main directions of a table describe another: columns that no longer go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARE = 0.65
"""How much of the variance the directions that are kept explain, as in NannyML."""


@dataclass(frozen=True, slots=True)
class Directions:
    """The scale of a table's columns, and the directions that explain most of its variance."""

    mean: Floats
    scale: Floats
    axes: Floats

    def errors(self, rows: Floats) -> Floats:
        """Return how far each row lies from its reconstruction, in standard deviations."""
        import numpy as np

        scaled = (rows - self.mean) / self.scale
        found: Floats = np.linalg.norm(scaled - scaled @ self.axes.T @ self.axes, axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The mean error of the current rows, what it may be by chance, and the two-sided p.

    `low` and `high` are three standard errors around the mean error of reference rows that the
    directions were not made of.
    """

    error: float
    reference: float
    low: float
    high: float
    p: float


def fit(rows: Floats, share: float = SHARE) -> Directions:
    """Return the fewest directions that explain `share` of the variance of standardized columns.

    Args:
        rows: shape (n, columns), n >= 2, finite.
        share: in 0..1.

    Source:
        K. Pearson, On lines and planes of closest fit to systems of points in space, Philosophical
        Magazine 2 (1901) 559-572; its use for drift: NannyML, data reconstruction with PCA.
    """
    import numpy as np

    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 10 * np.finfo(float).eps * np.abs(mean), scale, 1.0)
    _, sizes, axes = np.linalg.svd((rows - mean) / scale, full_matrices=False)
    explained = np.cumsum(sizes**2)
    if not explained[-1]:
        return Directions(mean, scale, axes[:1])
    kept = int(np.searchsorted(explained / explained[-1], share, side="right")) + 1
    return Directions(mean, scale, axes[:kept])


def compare(reference: Floats, current: Floats, *, rng: np.random.Generator) -> Reconstruction:
    """Return whether the current rows are reconstructed as well as those of the reference.

    The directions are those of one half of the reference; the other half says what error to
    expect, since rows that directions were made of are reconstructed better than any others.

    Args:
        reference: shape (m, columns), m >= 4, finite.
        current: shape (n, columns), n >= 2, finite.
        rng: what the halves are drawn by.
    """
    from math import sqrt

    import numpy as np
    from scipy.special import ndtr

    order = rng.permutation(len(reference))
    directions = fit(reference[order[: len(order) // 2]])
    held = directions.errors(reference[order[len(order) // 2 :]])
    now = directions.errors(current)
    expected, error = float(held.mean()), float(now.mean())
    of_equal = float(np.var(held, ddof=1)) * (1 / len(held) + 1 / len(now))
    spread = sqrt(float(np.var(held, ddof=1)) / len(held) + float(np.var(now, ddof=1)) / len(now))
    reach = 3 * sqrt(of_equal)
    gap = abs(error - expected)
    p = 2 * float(ndtr(-gap / spread)) if spread else float(gap < 1e-12)
    return Reconstruction(error, expected, max(0.0, expected - reach), expected + reach, p)
