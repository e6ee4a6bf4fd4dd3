"""Intervals hold what they say they do, and a paired test tells noise from progress."""

import numpy as np
import pytest
from scipy import stats

from mlops_cli.registry.evaluation import bootstrap, paired
from mlops_cli.registry.evaluation.answers import Labelled, Measured


def coin(rows: int, right: float, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, rows)
    said = np.where(rng.random(rows) < right, truth, 1 - truth)
    share = np.clip(np.where(said == 1, 0.7, 0.3) + rng.normal(0, 0.1, rows), 0.01, 0.99)
    return Labelled((0, 1), truth, said, np.stack((1 - share, share), 1), 1)


def test_the_interval_of_accuracy_is_that_of_the_binomial() -> None:
    found = bootstrap.estimates(coin(400, 0.8, 1))["accuracy"]
    assert found.value is not None
    low, high = stats.binom.interval(0.95, 400, found.value)
    assert (found.low, found.high) == pytest.approx((low / 400, high / 400), abs=0.008)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    for seed in range(30):
        found = bootstrap.estimates(coin(150, 0.75, seed))["accuracy"]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.75 <= found.high
    assert held >= 25


def test_the_same_answers_give_the_same_numbers() -> None:
    assert bootstrap.estimates(coin(50, 0.8, 1)) == bootstrap.estimates(coin(50, 0.8, 1))


def test_a_regression_has_intervals_too() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    found = bootstrap.estimates(Measured(truth, truth + rng.normal(size=200)))
    assert all(
        one.low is not None and one.value is not None and one.high is not None
        for one in found.values()
    )
    assert found["rmse"].low < 1 < found["rmse"].high  # type: ignore[operator]


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (3, 1), (20, 4), (4, 20), (3000, 2900)])
def test_mcnemar_is_the_exact_binomial_test(better: int, worse: int) -> None:
    both = better + worse
    wanted = stats.binomtest(better, both, alternative="greater").pvalue if both else 1.0
    assert paired.mcnemar(better, worse) == pytest.approx(wanted)


def test_what_differs_by_noise_is_not_progress() -> None:
    passed = 0
    for seed in range(15):
        first, second = coin(200, 0.8, seed), coin(200, 0.8, seed + 1000)
        second = Labelled((0, 1), first.truth, np.where(
            second.predicted == second.truth, first.truth, 1 - first.truth
        ), None, 1)  # fmt: skip
        passed += paired.compare(first, second, "accuracy", higher=True, confidence=0.95).p < 0.05
    assert passed <= 3


def test_a_small_gain_on_the_same_rows_is_told_although_the_intervals_overlap() -> None:
    worse = coin(300, 0.8, 1)
    said = worse.predicted.copy()
    wrong = np.flatnonzero(said != worse.truth)[:12]
    said[wrong] = worse.truth[wrong]
    better = Labelled((0, 1), worse.truth, said, worse.shares, 1)
    first, second = (bootstrap.estimates(one)["accuracy"] for one in (better, worse))
    assert first.low is not None
    assert second.high is not None
    assert first.low < second.high
    found = paired.compare(better, worse, "accuracy", higher=True, confidence=0.95)
    assert (found.test, found.p < 0.001) == ("mcnemar", True)
    assert found.gain == pytest.approx(12 / 300)
    assert 0 < found.least < found.gain
    assert paired.compare(worse, better, "accuracy", higher=True, confidence=0.95).p > 0.99


def test_what_is_better_by_less_is_told_the_other_way() -> None:
    one, other = coin(300, 0.9, 1), coin(300, 0.6, 1)
    found = paired.compare(one, other, "log_loss", higher=False, confidence=0.95)
    assert found.gain > 0
    assert found.p < 0.01
    assert found.test == "paired bootstrap"


def test_the_same_answers_are_neither_better_nor_worse() -> None:
    one = coin(100, 0.8, 1)
    for metric in ("accuracy", "roc_auc"):
        found = paired.compare(one, one, metric, higher=True, confidence=0.95)
        assert (found.gain, found.least, found.p) == (0, 0, 1)
