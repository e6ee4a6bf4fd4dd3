"""Metrics of numbers are those of scikit-learn, also for rows that count several times."""

import numpy as np
import pytest
from sklearn import metrics

from mlops_cli.registry.evaluation import regression
from mlops_cli.registry.evaluation.answers import Measured


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 101, 200])
def test_they_are_what_scikit_learn_says(rows: int, weighted: bool) -> None:
    rng = np.random.default_rng(rows)
    truth = rng.normal(size=rows)
    predicted = truth + rng.normal(size=rows)
    each = rng.multinomial(rows, np.ones(rows) / rows).astype(float) if weighted else None
    found = {
        name: metric(each)
        for name, metric in regression.of_rows(Measured(truth, predicted)).items()
    }
    if each is not None:
        again = np.repeat(np.arange(rows), each.astype(int))
        truth, predicted = truth[again], predicted[again]
    wanted = {
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "median_ae": metrics.median_absolute_error(truth, predicted),
        "mape": metrics.mean_absolute_percentage_error(truth, predicted),
        "bias": float(np.mean(predicted - truth)),
    }
    if len(set(truth)) > 1:
        wanted["r2"] = metrics.r2_score(truth, predicted)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
