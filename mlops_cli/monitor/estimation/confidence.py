"""Confidence-based performance estimation (CBPE) of classifiers.

If of the rows that a model gives 0.8 eight in ten come about, its probabilities tell how often it
is right, and need no labels for that. It holds as long as the probabilities stay calibrated: it
sees a change of the inputs, and is blind to one of what the inputs mean.

Source:
    J. Białek, W. Kuberski, N. Perrakis and A. Bifet, Estimating model performance under covariate
    shift without labels, arXiv 2401.08348 (2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimated:
    """What metrics are expected to be; NaN where one has no value. All in 0..1.

    Of several classes each metric but accuracy is the plain mean over the classes, each of them
    against all others.
    """

    accuracy: float
    precision: float
    recall: float
    specificity: float
    f1: float
    roc_auc: float


def binary(scores: Floats, calibrated: Floats, said: Booleans) -> Estimated:
    """Return the metrics that a classifier of two classes is expected to have on some rows.

    Args:
        scores: what the model gives the positive class, shape (n,), n >= 1; they order the rows.
        calibrated: the probability of the positive class, shape (n,), in 0..1.
        said: whether the model said that the row is positive, shape (n,).

    >>> import numpy as np
    >>> p = np.array([0.9, 0.8, 0.3, 0.1])
    >>> found = binary(p, p, p > 0.5)
    >>> round(found.accuracy, 6), round(found.precision, 6), round(found.roc_auc, 6)
    (0.825, 0.85, 0.863409)
    """
    right = float(calibrated[said].sum())
    alarms = int(said.sum()) - right
    missed = float(calibrated[~said].sum())
    quiet = int((~said).sum()) - missed
    return Estimated(
        accuracy=(right + quiet) / len(said),
        precision=_share(right, alarms),
        recall=_share(right, missed),
        specificity=_share(quiet, alarms),
        f1=_share(2 * right, alarms + missed),
        roc_auc=_area(scores, calibrated),
    )


def multiclass(scores: Floats, calibrated: Floats, said: Integers) -> Estimated:
    """Return the metrics that a classifier of several classes is expected to have on some rows.

    Args:
        scores: what the model gives each class, shape (n, k), n >= 1, k >= 2.
        calibrated: the probability of each class, shape (n, k); a row adds up to 1.
        said: the place of the class that the model said, shape (n,), in 0..k-1.
    """
    import numpy as np

    one_by_one = [
        binary(scores[:, place], calibrated[:, place], said == place)
        for place in range(scores.shape[1])
    ]
    means = {
        name: float(np.mean([getattr(one, name) for one in one_by_one]))
        for name in ("precision", "recall", "specificity", "f1", "roc_auc")
    }
    rows = np.arange(len(said))
    return Estimated(accuracy=float(calibrated[rows, said].mean()), **means)


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else float("nan")


def _area(scores: Floats, calibrated: Floats) -> float:
    """Return the area under the expected ROC curve; rows of one score are one step of it."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    hits = np.append(0.0, np.cumsum(calibrated[order])[ends])
    misses = np.append(0, ends + 1) - hits
    if hits[-1] <= 0 or misses[-1] <= 0:
        return float("nan")
    return float(np.trapezoid(hits, misses) / (hits[-1] * misses[-1]))
