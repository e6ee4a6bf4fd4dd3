"""How differently groups of people are treated, by the definitions of fairlearn.

A difference is the largest value of any group less the smallest, a ratio the smallest over the
largest. Accuracy is the share of rows whose label is right, all labels told apart, also where
one of several is the favourable one. Checked against fairlearn in the tests.

Groups that are treated alike still differ in rows drawn again, so the percentiles of a difference
lie above it. An interval here is therefore the estimate with a margin on both sides: as much as
the differences of all pairs of groups are off at once in 95 % of the draws (ratios: their
logarithms). It always holds the estimate; of three groups or more it is rather too wide.

Source:
    M. Hardt, E. Price, N. Srebro, Equality of Opportunity in Supervised Learning (2016);
    https://fairlearn.org/main/user_guide/assessment/common_fairness_metrics.html;
    P. Hall, On Symmetric Bootstrap Confidence Intervals, J. R. Stat. Soc. B 50 (1988) 35-45;
    J. W. Tukey's allowance for all pairs at once: R. G. Miller, Simultaneous Statistical
    Inference (1981), chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.registry.evaluation import bootstrap
from mlops_cli.registry.evaluation.answers import Answers, Labelled, Measured
from mlops_cli.registry.evaluation.bootstrap import Estimate
from mlops_cli.registry.evaluation.classification import product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Rates = Mapping[str, "Floats"]
"""What is said of each group, by name; the last axis is the group."""
_COMPARED = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
    "accuracy": ("accuracy",),
    "mae": ("mae",),
    "mean_prediction": ("mean_prediction",),
}
"""Which rates a metric compares; of several the one that differs most counts."""
_NO_RATIO = frozenset(["mean_prediction"])
"""What may be negative has no ratio."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group each row belongs to: `codes` names them by place, -1 for none."""

    column: str
    names: tuple[str, ...]
    codes: NDArray[np.intp]


def of_groups(answers: Answers, groups: Groups) -> Rates:
    """Return what each group meets: shares of its rows, or of a regression the means.

    A rate is NaN where a group has no rows that it is a share of. Without a favourable label
    there is only accuracy.
    """
    import numpy as np

    if isinstance(answers, Labelled):
        return _shares(_counts(answers, groups), favourable=answers.positive is not None)
    return _Means(answers, groups)(np.ones(answers.rows))


def compare(answers: Answers, groups: Groups) -> dict[str, Estimate]:
    """Return the metrics of fairness with their 95 % intervals."""
    import numpy as np

    rng = np.random.default_rng(bootstrap.SEED)
    times = bootstrap.draws(answers.rows)
    drawn: Rates
    if isinstance(answers, Labelled):
        again = bootstrap.again(_counts(answers, groups), rng, times)
        drawn = _shares(again, favourable=answers.positive is not None)
    else:
        means = _Means(answers, groups)
        every = [means(bootstrap.weights(answers.rows, rng)) for _ in range(times)]
        drawn = {name: np.array([one[name] for one in every]) for name in every[0]}
    found = of_groups(answers, groups)
    metrics: dict[str, Estimate] = {}
    for name, needed in _COMPARED.items():
        if all(one in found for one in needed):
            here, often = [found[one] for one in needed], [drawn[one] for one in needed]
            most = 1.0 if isinstance(answers, Labelled) else float("inf")
            metrics[f"{name}_difference"] = _difference(here, often, most)
            if name not in _NO_RATIO:
                metrics[f"{name}_ratio"] = _ratio(here, often)
    return metrics


def _counts(answers: Labelled, groups: Groups) -> Floats:
    """Return counts of shape (group, favourable or not, selected or not, right or not)."""
    import numpy as np

    place = -1 if answers.positive is None else answers.positive
    true, selected = answers.truth == place, answers.predicted == place
    right = answers.truth == answers.predicted
    known = groups.codes >= 0
    cell = (groups.codes * 8 + true * 4 + selected * 2 + right)[known]
    shape = (len(groups.names), 2, 2, 2)
    return np.bincount(cell, minlength=8 * shape[0]).reshape(shape).astype(np.float64)


def _shares(counts: Floats, *, favourable: bool) -> Rates:
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = counts[..., 1].sum((-2, -1)) / counts.sum((-3, -2, -1))
        if not favourable:
            return {"accuracy": accuracy}
        cells = counts.sum(-1)
        return {
            "selection_rate": cells[..., 1].sum(-1) / cells.sum((-2, -1)),
            "true_positive_rate": cells[..., 1, 1] / cells[..., 1, :].sum(-1),
            "false_positive_rate": cells[..., 0, 1] / cells[..., 0, :].sum(-1),
            "accuracy": accuracy,
        }


class _Means:
    """The mean error and the mean answer of each group, for rows that may count several times."""

    def __init__(self, answers: Measured, groups: Groups) -> None:
        import numpy as np

        self._places = [np.flatnonzero(groups.codes == at) for at in range(len(groups.names))]
        self._values = {
            "mae": np.abs(answers.predicted - answers.truth),
            "mean_prediction": answers.predicted,
        }

    def __call__(self, weights: Floats) -> Rates:
        import numpy as np

        with np.errstate(invalid="ignore", divide="ignore"):
            rows = np.array([weights[place].sum() for place in self._places])
            return {
                name: np.array([product(values[at], weights[at]) for at in self._places]) / rows
                for name, values in self._values.items()
            }


def _difference(found: Sequence[Floats], drawn: Sequence[Floats], most: float) -> Estimate:
    import numpy as np

    value = float(np.max([one.max() - one.min() for one in found]))
    margin = _margin([each - one for one, each in zip(found, drawn, strict=True)])
    if not value >= 0:
        return Estimate(None)
    if margin is None:
        return Estimate(value)
    return Estimate(value, max(0.0, value - margin), min(most, value + margin))


def _ratio(found: Sequence[Floats], drawn: Sequence[Floats]) -> Estimate:
    """Return the smallest ratio of two groups; of 0, which has no logarithm, without interval."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(np.min([one.min() / one.max() for one in found]))
        margin = _margin([np.log(each / one) for one, each in zip(found, drawn, strict=True)])
    if not value >= 0:
        return Estimate(None)
    if not value or margin is None:
        return Estimate(value)
    less = math.exp(-margin)
    return Estimate(value, value * less, min(1.0, value / less) if less else 1.0)


def _margin(off: Sequence[Floats]) -> float | None:
    """Return what the differences of all pairs are off by at most, in 95 % of the draws.

    Each of `off` has the shape (draws, groups): by how much a group's rate was off. None if in
    no draw all groups have the rate.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):
        widest = np.max([one.max(-1) - one.min(-1) for one in off], axis=0)
    known = np.sort(widest[~np.isnan(widest)])
    if not len(known):
        return None
    return float(known[math.ceil(bootstrap.CONFIDENCE * len(known)) - 1])
