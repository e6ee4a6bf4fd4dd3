"""How differently groups are treated is what fairlearn says."""

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

from mlops_cli.registry.evaluation import fairness
from mlops_cli.registry.evaluation.answers import Labelled, Measured
from mlops_cli.registry.evaluation.fairness import Groups

RATES = [
    *("demographic_parity_difference", "demographic_parity_ratio"),
    *("equalized_odds_difference", "equalized_odds_ratio"),
    *("equal_opportunity_difference", "equal_opportunity_ratio"),
]


def groups(rows: int, seed: int) -> Groups:
    codes = np.random.default_rng(seed).integers(0, 3, rows)
    return Groups("region", ("east", "north", "west"), codes)


@pytest.mark.parametrize("seed", range(4))
def test_of_labels_it_is_what_fairlearn_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
    here = groups(300, seed + 100)
    found = fairness.compare(Labelled(("no", "yes"), truth, predicted, positive=1), here)
    wanted = {
        name: getattr(fairlearn, name)(truth, predicted, sensitive_features=here.codes)
        for name in RATES
    }
    frame = fairlearn.MetricFrame(
        metrics=accuracy_score, y_true=truth, y_pred=predicted, sensitive_features=here.codes
    )
    wanted |= {"accuracy_difference": frame.difference(), "accuracy_ratio": frame.ratio()}
    assert {name: one.value for name, one in found.items()} == pytest.approx(wanted)
    for one in found.values():
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        assert one.low < one.high


def test_of_numbers_it_is_what_fairlearn_says() -> None:
    rng = np.random.default_rng(5)
    truth, predicted = rng.normal(size=300), rng.normal(size=300)
    here = groups(300, 105)
    found = fairness.compare(Measured(truth, predicted), here)
    frame = fairlearn.MetricFrame(
        metrics={"mae": mean_absolute_error, "mean": fairlearn.mean_prediction},
        y_true=truth,
        y_pred=predicted,
        sensitive_features=here.codes,
    )
    assert found["mae_difference"].value == pytest.approx(frame.difference()["mae"])
    assert found["mae_ratio"].value == pytest.approx(frame.ratio()["mae"])
    assert found["mean_prediction_difference"].value == pytest.approx(frame.difference()["mean"])


def test_groups_of_a_regression_are_told_apart() -> None:
    answers = Measured(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 6.0]))
    found = fairness.of_groups(answers, Groups("sex", ("f", "m"), np.array([0, 0, 1])))
    assert {name: one.tolist() for name, one in found.items()} == {
        "mae": [0.5, 3.0],
        "mean_prediction": [2.0, 6.0],
    }


@pytest.mark.parametrize("seed", range(4))
def test_an_interval_holds_what_it_is_of(seed: int) -> None:
    """Groups that are treated alike are further apart in rows drawn again than they are."""
    here = Groups("region", tuple("abcdef"), np.arange(300) % 6)
    rng = np.random.default_rng(seed)
    labels = Labelled(
        ("no", "yes"), np.repeat([0, 1], 150), np.tile([0] * 6 + [1] * 6, 25), None, 1
    )
    numbers = Measured(np.zeros(300), np.repeat(rng.normal(9, 1, 50), 6))
    for answers in (labels, numbers):
        for one in fairness.compare(answers, here).values():
            assert one.value is not None
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.value <= one.high


def test_the_interval_of_a_difference_covers_the_true_one() -> None:
    rng = np.random.default_rng(3)
    wanted, hits, times = 0.2, 0, 60
    for _ in range(times):
        codes = rng.integers(0, 2, 200)
        predicted = (rng.random(200) < np.where(codes, 0.6, 0.4)).astype(int)
        answers = Labelled(("no", "yes"), predicted, predicted, positive=1)
        found = fairness.compare(answers, Groups("sex", ("f", "m"), codes))
        one = found["demographic_parity_difference"]
        assert one.low is not None
        assert one.high is not None
        hits += one.low <= wanted <= one.high
    assert hits / times > 0.88


def test_accuracy_of_groups_tells_all_labels_apart() -> None:
    """Also with a favourable label: mistaking one of the others for another is a mistake."""
    truth, predicted = np.array([0, 1, 2, 0, 2]), np.array([0, 2, 2, 1, 2])
    answers = Labelled(("a", "b", "c"), truth, predicted, positive=0)
    here = Groups("sex", ("f", "m"), np.array([0, 0, 0, 1, 1]))
    assert fairness.of_groups(answers, here)["accuracy"].tolist() == [2 / 3, 0.5]
    assert fairness.compare(answers, here)["accuracy_difference"].value == pytest.approx(1 / 6)


def test_a_group_without_true_rows_leaves_the_odds_unknown() -> None:
    truth, predicted = np.array([0, 1, 0, 0]), np.array([0, 1, 1, 0])
    here = Groups("sex", ("f", "m"), np.array([0, 0, 1, 1]))
    found = fairness.compare(Labelled((0, 1), truth, predicted, positive=1), here)
    assert found["equalized_odds_difference"].value is None
    assert found["demographic_parity_difference"].value == 0.0


def test_without_a_favourable_label_only_accuracy_is_compared() -> None:
    truth, predicted = np.array([0, 1, 2, 0]), np.array([0, 1, 1, 0])
    here = Groups("sex", ("f", "m"), np.array([0, 0, 1, 1]))
    found = fairness.compare(Labelled(("a", "b", "c"), truth, predicted), here)
    assert {name: one.value for name, one in found.items()} == {
        "accuracy_difference": 0.5,
        "accuracy_ratio": 0.5,
    }
