"""Metrics of some rows with how much they vary: what a test of two samples needs.

A metric's influence is how much each row moves it, a mean of zero over the rows. The standard error
of any metric is the deviation of its influence, divided by the root of the number of rows; of
the area under the ROC curve that is DeLong's. The truth of a row may be a probability, so the same
lines serve metrics by labels and metrics that are estimated without.

Source:
    F. R. Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69
    (1974) 383-393; E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Comparing the areas under
    two or more correlated receiver operating characteristic curves, Biometrics 44 (1988) 837-845.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from mlops_cli.registry.evaluation import classification
from mlops_cli.registry.evaluation.answers import Labelled, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOSSES = frozenset(["log_loss", "brier", "mae", "rmse"])
"""Metrics of which less is better; of the others here more is."""
_HUGE = 1e100
"""The sum of the squares of many smaller numbers is one too."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of some rows.

    Attributes:
        value: NaN where it has none.
        spread: the deviation of its influence over the rows.
        rows: how many.
        part: where it stands for a share, of how many rows how many; else None.
        fewest: how many rows the rarest label has, where all labels count alike; else `rows`.
    """

    value: float
    spread: float
    rows: int
    part: tuple[int, int] | None = None
    fewest: int = 0

    @property
    def error(self) -> float:
        """The standard error."""
        return self.spread / sqrt(self.rows) if self.rows else float("nan")


Measures = Mapping[str, Measure]


def of_labels(answers: Labelled, likely: Floats | None = None) -> dict[str, Measure]:
    """Return metrics of a classifier's answers.

    Those of two labels of which one is the favourable one are its own; of several, the plain
    means over the labels.

    Args:
        answers: at least one row.
        likely: how likely each label is the truth, shape (rows, labels); None takes the truth
            that `answers` has, else that is not looked at.
    """
    import numpy as np

    size = len(answers.labels)
    exact = likely is None
    true = np.eye(size)[answers.truth] if likely is None else likely
    right = true[np.arange(answers.rows), answers.predicted]
    found = {"accuracy": _mean(right)}
    places = [answers.positive] if answers.binary else range(size)
    each = [
        _of_one(
            true[:, place],
            answers.predicted == place,
            None if answers.shares is None else answers.shares[:, place],
        )
        for place in places
        if place is not None
    ]
    for name in each[0]:
        whole = name == "roc_auc"  # without one of the labels it is another metric
        measure = _together([one[name] for one in each], answers.rows, whole=whole)
        found[name] = replace(measure, fewest=int(true.sum(0).min()))
    if exact:
        found |= _settled(answers, found)
        found |= _losses(answers, true)
    return found


def of_numbers(answers: Measured) -> dict[str, Measure]:
    """Return metrics of a regressor's answers, at least one row."""
    import numpy as np

    unit = _unit(answers)
    truth = answers.truth / unit
    off = answers.predicted / unit - truth
    square = _mean(off**2)
    spread = float(truth.var())
    by_unit = {"mae": _mean(np.abs(off)), "rmse": root(square), "bias": _mean(off)}
    found = {name: _times(one, unit) for name, one in by_unit.items()}
    if spread:
        apart = (truth - truth.mean()) ** 2
        influence = square.value / spread**2 * (apart - spread) - (off**2 - square.value) / spread
        value, rows = 1 - square.value / spread, len(off)
        found["r2"] = Measure(value, float(influence.std()), rows, fewest=rows)
    return found


def _unit(answers: Measured) -> float:
    """Return what to divide by, so that no square is too large for a number; 1 but for the huge."""
    import numpy as np

    largest = float(max(np.abs(answers.predicted).max(), np.abs(answers.truth).max()))
    return largest if largest > _HUGE else 1.0


def _times(one: Measure, unit: float) -> Measure:
    most = sys.float_info.max
    value = max(min(one.value * unit, most), -most)
    return replace(one, value=value, spread=min(one.spread * unit, most))


def of_losses(absolute: Floats, squared: Floats) -> dict[str, Measure]:
    """Return metrics of errors that are expected, of shape (rows,), at least one row."""
    return {"mae": _mean(absolute), "rmse": root(_mean(squared))}


def root(square: Measure) -> Measure:
    """Return the root of a mean of squares."""
    value = sqrt(max(square.value, 0.0))
    spread = square.spread / (2 * value) if value else 0.0
    return replace(square, value=value, spread=spread)


def _mean(values: Floats) -> Measure:
    return Measure(float(values.mean()), float(values.std()), len(values), fewest=len(values))


_Influence = tuple[float, "Floats"]


def _of_one(true: Floats, said: NDArray[np.bool_], score: Floats | None) -> dict[str, _Influence]:
    """Return metrics of one label against the others, each with its influence."""
    hits = true * said
    found = {
        "precision": _ratio(hits, said.astype(float)),
        "recall": _ratio(hits, true),
        "f1": _ratio(2 * hits, said + true),
    }
    if score is not None:
        found["roc_auc"] = _area(true, score)
    return found


def _ratio(part: Floats, whole: Floats) -> _Influence:
    """Return the ratio of two means."""
    size = float(whole.mean())
    if not size:
        return float("nan"), part
    value = float(part.mean()) / size
    return value, (part - value * whole) / size


def _area(true: Floats, score: Floats) -> _Influence:
    """Return the area under the ROC curve; rows of one score are one step of it."""
    import numpy as np

    _, place = np.unique(score, return_inverse=True)
    rows = np.bincount(place).astype(float)
    hits = np.bincount(place, weights=true)
    misses = rows - hits
    share = float(true.mean())
    if not 0 < share < 1:
        return float("nan"), true
    below = (np.cumsum(misses) - misses / 2) / misses.sum()
    above = 1 - (np.cumsum(hits) - hits / 2) / hits.sum()
    value = float((hits * below).sum() / hits.sum())
    of_hits = true * (below[place] - value) / share
    return value, of_hits + (1 - true) * (above[place] - value) / (1 - share)


def _together(each: list[_Influence], rows: int, *, whole: bool) -> Measure:
    """Return the mean of metrics of single labels; unless `whole` those without do not count."""
    import numpy as np

    known = [one for one in each if isfinite(one[0])]
    if not known or (whole and len(known) < len(each)):
        return Measure(float("nan"), float("nan"), rows)
    influence = np.mean([one[1] for one in known], axis=0)
    return Measure(float(np.mean([one[0] for one in known])), float(influence.std()), rows)


def _settled(answers: Labelled, found: Mapping[str, Measure]) -> dict[str, Measure]:
    """Return the metrics that counts settle, as evaluations have them; shares with their counts.

    F1 rises with the share of the rows that are favourable, or said to be, that are both.
    """
    counts = classification.confusion(answers)
    values = classification.of_counts(counts.astype(float), positive=answers.positive)
    parts = {"accuracy": (int(counts.trace()), answers.rows)}
    if answers.binary:
        place = answers.positive
        both, true, said = (
            int(one) for one in (counts[place, place], counts[place].sum(), counts[:, place].sum())
        )
        parts |= {
            "precision": (both, said),
            "recall": (both, true),
            "f1": (both, true + said - both),
        }
    return {
        name: replace(found[name], value=float(values[name]), part=parts.get(name))
        for name in ("accuracy", "precision", "recall", "f1")
    }


def _losses(answers: Labelled, true: Floats) -> dict[str, Measure]:
    import numpy as np

    if answers.shares is None:
        return {}
    least = np.finfo(np.float64).eps
    shares = np.clip(answers.shares, least, 1 - least)
    shares = shares / shares.sum(1, keepdims=True)
    surprise = -np.log(shares[np.arange(answers.rows), answers.truth])
    square = ((answers.shares - true) ** 2).sum(1)
    if answers.binary:
        square = (answers.shares - true)[:, answers.positive] ** 2
    return {"log_loss": _mean(surprise), "brier": _mean(square)}
