"""Scores to probabilities, by isotonic regression on rows whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FOLDS = 10
_BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic:
    """A rising curve through points: between two it is a straight line, beyond them level."""

    scores: Floats
    probabilities: Floats

    def __call__(self, scores: Floats) -> Floats:
        """Return the probabilities of scores, both of shape (n,)."""
        import numpy as np

        return np.interp(scores, self.scores, self.probabilities)


def fit(scores: Floats, hits: Floats) -> Isotonic:
    """Return the rising curve that is closest to the hits, by least squares.

    Args:
        scores: shape (n,), n >= 1, finite, in any order.
        hits: 1 where the event came about and 0 where not, shape (n,).

    Source:
        B. Zadrozny and C. Elkan, Transforming classifier scores into accurate multiclass
        probability estimates, KDD (2002) 694-699.

    >>> import numpy as np
    >>> curve = fit(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> curve(np.array([0.0, 0.5, 0.75])).tolist()
    [0.0, 0.5, 0.75]
    """
    import numpy as np
    from scipy.optimize import isotonic_regression

    distinct, place, rows = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=hits) / rows
    return Isotonic(distinct, isotonic_regression(means, weights=rows.astype(float)).x)


def left_out(scores: Floats, hits: Floats) -> Floats:
    """Return scores calibrated on rows left out: each tenth of the rows by the other nine.

    What is fitted on rows fits these better than it fits any others. Arguments as of `fit`.
    """
    import numpy as np

    fold = np.random.default_rng(0).permutation(len(scores)) % _FOLDS
    calibrated = np.empty_like(scores)
    for one in range(_FOLDS):
        out = fold == one
        calibrated[out] = fit(scores[~out], hits[~out])(scores[out])
    return calibrated


def helps(scores: Floats, hits: Floats) -> bool:
    """Return whether calibration brings scores nearer to what comes about, on rows left out.

    The expected calibration errors of scores and of calibrated scores are compared. Arguments as of
    `fit`.

    Source:
        M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities
        using Bayesian binning, AAAI (2015) 2901-2907, for the error.
    """
    if len(scores) < _FOLDS * _BINS or not 0 < hits.sum() < len(hits):
        return False
    calibrated = left_out(scores, hits)
    return calibration_error(scores, hits) > calibration_error(calibrated, hits)


def calibration_error(probabilities: Floats, hits: Floats) -> float:
    """Return the expected calibration error, in 0..1, over ten bins of as many rows each.

    The mean over rows of |share of hits in a bin - mean probability in it|. Arguments as of `fit`.

    >>> import numpy as np
    >>> round(calibration_error(np.full(20, 0.3), np.array([1.0, 0.0] * 10)), 6)
    0.2
    """
    import numpy as np

    order = np.argsort(probabilities, kind="stable")
    error = 0.0
    for rows in np.array_split(order, min(_BINS, len(order))):
        error += len(rows) * abs(float(hits[rows].mean() - probabilities[rows].mean()))
    return error / len(order)
