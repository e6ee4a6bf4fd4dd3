"""Metrics are those of evaluations, and their errors those that drawing the rows again gives."""

import numpy as np
import pytest

from mlops_cli.monitor.performance import drop, measure
from mlops_cli.registry.evaluation import bootstrap
from mlops_cli.registry.evaluation.answers import Answers, Labelled, Measured
from tests.monitor.performance.conftest import houses, patients


def three(rows: int, seed: int) -> Labelled:
    """Return answers to three classes."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([1, 1, 0.5], rows)
    truth = (shares.cumsum(1) < rng.random(rows)[:, None]).sum(1).clip(0, 2)
    return Labelled(("a", "b", "c"), truth, shares.argmax(1), shares)


ANSWERS = {
    "two": patients(1500, 1).answers,
    "three": three(1500, 2),
    "numbers": houses(1500, 3).answers,
}


def measured(answers: Answers) -> measure.Measures:
    """Return the metrics of either kind."""
    if isinstance(answers, Labelled):
        return measure.of_labels(answers)
    return measure.of_numbers(answers)


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_values_and_errors_are_those_of_evaluations(kind: str) -> None:
    drawn = bootstrap.estimates(ANSWERS[kind])
    for name, one in measured(ANSWERS[kind]).items():
        low, high = drop.interval(name, one)
        known = drawn[name]
        assert one.value == pytest.approx(known.value, abs=1e-12), name
        assert known.low is not None
        assert known.high is not None
        assert low is not None
        assert high is not None
        wide = known.high - known.low
        assert high - low == pytest.approx(wide, rel=0.12), name
        assert (low, high) == pytest.approx((known.low, known.high), abs=0.1 * wide), name


def test_metrics_of_certain_truth_are_the_same_as_of_probabilities_of_0_and_1() -> None:
    answers = patients(800, 4).answers
    assert isinstance(answers, Labelled)
    by_labels = measure.of_labels(answers)
    for name, one in measure.of_labels(answers, np.eye(2)[answers.truth]).items():
        assert (one.value, one.spread) == pytest.approx(
            (by_labels[name].value, by_labels[name].spread), abs=1e-12
        )


def test_without_a_row_of_a_label_the_area_has_no_value() -> None:
    answers = Labelled(
        ("no", "yes"), np.zeros(9, np.intp), np.zeros(9, np.intp), np.eye(2)[[0] * 9], 1
    )
    found = measure.of_labels(answers)
    assert np.isnan(found["roc_auc"].value)
    assert (found["precision"].value, found["accuracy"].value) == (0.0, 1.0)


def test_a_regressor_that_is_never_off() -> None:
    found = measure.of_numbers(Measured(np.arange(5.0), np.arange(5.0)))
    assert (found["mae"].value, found["rmse"].value, found["r2"].value) == (0.0, 0.0, 1.0)
    assert drop.p_value("rmse", found["rmse"], found["rmse"]) is None
