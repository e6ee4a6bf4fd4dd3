"""Metrics of labels: from counts of label by label, or from rows that count several times.

Everything here is checked against scikit-learn in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlops_cli.registry.evaluation.answers import Labelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Weighted = Callable[["Floats | None"], float]
"""A metric of rows that each count as often as they are given; None: once each."""

BINS = 10


def confusion(answers: Labelled) -> NDArray[np.int64]:
    """Return how many rows have a true label (first axis) and a predicted one (second axis)."""
    import numpy as np

    size = len(answers.labels)
    pairs = answers.truth * size + answers.predicted
    return np.bincount(pairs, minlength=size * size).reshape(size, size).astype(np.int64)


def of_counts(counts: Floats, *, positive: int | None) -> dict[str, Floats]:
    """Return the metrics that counts settle, for counts of shape (..., labels, labels).

    With a favourable one of two labels, precision, recall and F1 are its own; else they are the
    plain means over all labels that occur, as of scikit-learn's `macro`. A label that was never
    predicted has the precision 0. Without rows all is NaN.
    """
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        hits = np.diagonal(counts, axis1=-2, axis2=-1)
        true, said = counts.sum(-1), counts.sum(-2)
        rows = counts.sum((-2, -1))
        recalls = hits / true
        known = np.where(true > 0, recalls, 0.0).sum(-1) / (true > 0).sum(-1)
        found = {"accuracy": hits.sum(-1) / rows, "balanced_accuracy": known}
        found |= _rates(hits, true, said, positive if counts.shape[-1] == 2 else None)
        expected = (true * said).sum(-1)
        spread = (rows**2 - (true**2).sum(-1)) * (rows**2 - (said**2).sum(-1))
        agreed = hits.sum(-1) * rows - expected
        found["mcc"] = np.where(spread > 0, agreed / np.sqrt(np.where(spread > 0, spread, 1)), 0.0)
        return {name: np.where(rows > 0, value, np.nan) for name, value in found.items()}


def _rates(hits: Floats, true: Floats, said: Floats, positive: int | None) -> dict[str, Floats]:
    import numpy as np

    there = (true + said) > 0
    rates = {
        "precision": np.where(said > 0, hits / said, 0.0),
        "recall": np.where(true > 0, hits / true, 0.0),
        "f1": 2 * hits / (true + said),
    }
    if positive is not None:
        return {
            name: np.where(there[..., positive], rate[..., positive], 0.0)
            for name, rate in rates.items()
        }
    return {
        name: np.where(there, rate, 0.0).sum(-1) / there.sum(-1) for name, rate in rates.items()
    }


def of_rows(answers: Labelled) -> dict[str, Weighted]:
    """Return the metrics that take probabilities, ready to be computed for many weights.

    None without probabilities. The area under the curve is that of the favourable label; of
    several labels, the plain mean of each against the rest. Brier's score of two labels is the
    mean square of the difference; of several, the sum over the labels, as Brier defined it.
    """
    if answers.shares is None:
        return {}
    found = {"log_loss": _log_loss(answers), "brier": _brier(answers)}
    found["calibration_error"] = _calibration_error(answers)
    if answers.binary and answers.positive is not None:
        ranked = Ranked(answers.shares[:, answers.positive], answers.truth == answers.positive)
        found |= {"roc_auc": ranked.area, "average_precision": ranked.average_precision}
    else:
        found["roc_auc"] = _mean_area(answers)
    return found


def _log_loss(answers: Labelled) -> Weighted:
    import numpy as np

    assert answers.shares is not None
    least = np.finfo(np.float64).eps
    shares = np.clip(answers.shares, least, 1 - least)
    shares = shares / shares.sum(1, keepdims=True)
    return _mean(-np.log(shares[np.arange(answers.rows), answers.truth]))


def _brier(answers: Labelled) -> Weighted:
    import numpy as np

    assert answers.shares is not None
    wanted = np.eye(len(answers.labels))[answers.truth]
    if answers.binary:
        return _mean((answers.shares[:, answers.positive] - wanted[:, answers.positive]) ** 2)
    return _mean(((answers.shares - wanted) ** 2).sum(1))


def _mean(values: Floats) -> Weighted:

    def mean(weights: Floats | None) -> float:
        if not len(values):
            return float("nan")
        return float(values.mean() if weights is None else product(values, weights) / weights.sum())

    return mean


def product(first: Floats, second: Floats) -> float:
    """Return the scalar product, by one thread: BLAS would wake others for each draw of rows."""
    import numpy as np

    return float(np.einsum("i,i->", first, second))


def _mean_area(answers: Labelled) -> Weighted:
    import numpy as np

    assert answers.shares is not None
    every = [
        Ranked(answers.shares[:, place], answers.truth == place)
        for place in range(len(answers.labels))
    ]

    def area(weights: Floats | None) -> float:
        return float(np.mean([one.area(weights) for one in every]))

    return area


class Ranked:
    """Rows in the order of a score, the highest first, whose true ones are sought."""

    def __init__(self, score: Floats, true: NDArray[np.bool_]) -> None:
        """`score` and `true` have the shape (rows,)."""
        import numpy as np

        self._order = np.argsort(-score, kind="stable")
        ordered = score[self._order]
        self._true = true[self._order].astype(np.float64)
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])

    def _groups(self, weights: Floats | None) -> tuple[Floats, Floats]:
        """Return how many true and how many false rows have each score."""
        import numpy as np

        if not len(self._true):
            return np.zeros(0), np.zeros(0)
        each = np.ones(len(self._true)) if weights is None else weights[self._order]
        hits = np.add.reduceat(each * self._true, self._starts)
        return hits, np.add.reduceat(each, self._starts) - hits

    def area(self, weights: Floats | None) -> float:
        """Return the area under the ROC curve; NaN when all rows are true, or none is."""
        import numpy as np

        hits, misses = self._groups(weights)
        both = float(hits.sum() * misses.sum())
        if not both:
            return float("nan")
        above = np.cumsum(hits) - hits / 2
        return product(misses, above) / both

    def average_precision(self, weights: Floats | None) -> float:
        """Return the mean precision over the true rows; NaN when there is none."""
        import numpy as np

        hits, misses = self._groups(weights)
        total = float(hits.sum())
        if not total:
            return float("nan")
        found, seen = np.cumsum(hits), np.cumsum(hits + misses)
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        return product(hits, precision) / total


def confidence(answers: Labelled) -> tuple[Floats, NDArray[np.bool_]]:
    """Return a probability for each row, and whether what it stands for is so.

    Of two labels it is that of the favourable one; of several, that of the label predicted.
    """
    assert answers.shares is not None
    if answers.binary:
        return answers.shares[:, answers.positive], answers.truth == answers.positive
    return answers.shares.max(1), answers.shares.argmax(1) == answers.truth


def bin_of(probability: Floats, bins: int = BINS) -> NDArray[np.intp]:
    """Return in which of so many bins of equal width each probability is.

    >>> import numpy as np
    >>> bin_of(np.array([0.0, 0.05, 0.1, 1.0])).tolist()
    [0, 0, 1, 9]
    """
    import numpy as np

    return np.clip((probability * bins).astype(np.intp), 0, bins - 1)


def _calibration_error(answers: Labelled) -> Weighted:
    """Return how far probability and truth are apart on average, over bins of equal width."""
    import numpy as np

    probability, so = confidence(answers)
    place = bin_of(probability)
    gap = probability - so

    def error(weights: Floats | None) -> float:
        if not len(gap):
            return float("nan")
        each = np.ones(len(gap)) if weights is None else weights
        apart = np.bincount(place, weights=each * gap, minlength=BINS)
        return float(np.abs(apart).sum() / each.sum())

    return error
