"""How differently groups of people are treated, by the definitions of fairlearn.

A difference is the largest value of any group less the smallest, a ratio the smallest over the
largest. Checked against fairlearn in the tests.

Source:
    M. Hardt, E. Price, N. Srebro, Equality of Opportunity in Supervised Learning (2016);
    https://fairlearn.org/main/user_guide/assessment/common_fairness_metrics.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.registry.evaluation import bootstrap
from mlops_cli.registry.evaluation.answers import Labelled, Measured
from mlops_cli.registry.evaluation.bootstrap import Estimate
from mlops_cli.registry.evaluation.classification import product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group each row belongs to: `codes` names them by place, -1 for none."""

    column: str
    names: tuple[str, ...]
    codes: NDArray[np.intp]


def rates(counts: Floats) -> dict[str, Floats]:
    """Return rates for counts of shape (..., group, true or not, selected or not).

    A rate is NaN where a group has no rows that it is a share of.
    """
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        rows = counts.sum((-2, -1))
        return {
            "selection_rate": counts[..., 1].sum(-1) / rows,
            "true_positive_rate": counts[..., 1, 1] / counts[..., 1, :].sum(-1),
            "false_positive_rate": counts[..., 0, 1] / counts[..., 0, :].sum(-1),
            "accuracy": (counts[..., 1, 1] + counts[..., 0, 0]) / rows,
        }


def of_rates(found: dict[str, Floats]) -> dict[str, Floats]:
    """Return the metrics of fairness for rates whose last axis is the group."""
    import numpy as np

    apart = {name: one.max(-1) - one.min(-1) for name, one in found.items()}
    ratio = {name: _over(one.min(-1), one.max(-1)) for name, one in found.items()}
    odds = ("true_positive_rate", "false_positive_rate")
    return {
        "demographic_parity_difference": apart["selection_rate"],
        "demographic_parity_ratio": ratio["selection_rate"],
        "equalized_odds_difference": np.maximum(*(apart[one] for one in odds)),
        "equalized_odds_ratio": np.minimum(*(ratio[one] for one in odds)),
        "equal_opportunity_difference": apart["true_positive_rate"],
        "equal_opportunity_ratio": ratio["true_positive_rate"],
        "accuracy_difference": apart["accuracy"],
        "accuracy_ratio": ratio["accuracy"],
    }


def _over(low: Floats, high: Floats) -> Floats:
    """Return the ratio; NaN where the largest is none."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(high > 0, low / high, np.nan))


def counts_of(answers: Labelled, groups: Groups) -> Floats:
    """Return how many rows of each group are of the favourable label, and how many get it."""
    import numpy as np

    place = answers.positive
    true, selected = answers.truth == place, answers.predicted == place
    known = groups.codes >= 0
    cell = (groups.codes * 4 + true * 2 + selected)[known]
    shape = (len(groups.names), 2, 2)
    return np.bincount(cell, minlength=4 * shape[0]).reshape(shape).astype(np.float64)


def of_labels(answers: Labelled, groups: Groups) -> dict[str, Estimate]:
    """Return the metrics of fairness of a classifier with 95 % intervals.

    Without a favourable label only accuracy can be compared between groups.
    """
    import numpy as np

    rng = np.random.default_rng(bootstrap.SEED)
    times = bootstrap.draws(answers.rows)
    if answers.positive is not None:
        counts = counts_of(answers, groups)
        many = of_rates(rates(bootstrap.again(counts, rng, times)))
        return {
            name: bootstrap.estimate(float(value), many[name])
            for name, value in of_rates(rates(counts)).items()
        }
    known = groups.codes >= 0
    cell = (groups.codes * 2 + (answers.truth == answers.predicted))[known]
    counts = np.bincount(cell, minlength=2 * len(groups.names)).reshape(-1, 2).astype(np.float64)

    def shares(counts: Floats) -> dict[str, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            right = counts[..., 1] / counts.sum(-1)
        low, high = right.min(-1), right.max(-1)
        return {"accuracy_difference": high - low, "accuracy_ratio": _over(low, high)}

    many = shares(bootstrap.again(counts, rng, times))
    return {
        name: bootstrap.estimate(float(one), many[name]) for name, one in shares(counts).items()
    }


def of_numbers(answers: Measured, groups: Groups) -> dict[str, Estimate]:
    """Return how differently a regression treats groups: in its errors, and in its answers."""
    import numpy as np

    size = np.abs(answers.predicted - answers.truth)
    places = [np.flatnonzero(groups.codes == place) for place in range(len(groups.names))]

    def of(each: Floats) -> dict[str, float]:
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = np.array([each[place].sum() for place in places])
            errors = np.array([product(size[place], each[place]) for place in places]) / rows
            means = np.array([product(answers.predicted[p], each[p]) for p in places]) / rows
        return {
            "mae_difference": float(errors.max() - errors.min()),
            "mae_ratio": float(_over(errors.min(), errors.max())),
            "mean_prediction_difference": float(means.max() - means.min()),
        }

    rng = np.random.default_rng(bootstrap.SEED)
    drawn = [of(bootstrap.weights(answers.rows, rng)) for _ in range(bootstrap.draws(answers.rows))]
    return {
        name: bootstrap.estimate(one, np.array([found[name] for found in drawn]))
        for name, one in of(np.ones(answers.rows)).items()
    }
