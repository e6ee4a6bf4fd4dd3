"""A drop is tested as scipy tests it, and a sample of any size raises few false alarms."""

import numpy as np
import pytest
from scipy.stats import fisher_exact, ttest_ind

from mlops_cli.monitor.performance import drop, measure
from mlops_cli.monitor.performance.measure import Measure
from mlops_cli.registry.evaluation.answers import Measured


@pytest.mark.parametrize(
    ("hits", "rows", "hits_before", "rows_before"),
    [(1, 10, 11, 14), (90, 100, 9500, 10_000), (0, 5, 3, 7), (5, 5, 5, 5), (0, 3, 0, 9)],
)
def test_shares_by_fishers_test(hits: int, rows: int, hits_before: int, rows_before: int) -> None:
    table = [[hits, rows - hits], [hits_before, rows_before - hits_before]]
    theirs = fisher_exact(table, alternative="less")[1]
    found = drop.fisher(hits, rows, hits_before, rows_before)
    assert found == pytest.approx(theirs, rel=1e-9)


def test_other_metrics_by_students_test_where_the_spreads_are_alike() -> None:
    rng = np.random.default_rng(1)
    errors = rng.normal(size=400)
    before, now = np.concatenate([errors, -errors]), np.concatenate([errors, -errors]) + 0.1
    zeros = np.zeros(800)
    past = measure.of_numbers(Measured(zeros, before))["bias"]
    found = measure.of_numbers(Measured(zeros, now))["bias"]
    theirs = ttest_ind(now, before, alternative="greater").pvalue
    assert drop.p_value("bias", past, found) == pytest.approx(theirs, rel=0.03)


def test_what_has_no_value_or_too_few_rows_of_a_label_is_not_tested() -> None:
    good = Measure(0.9, 0.3, 500, fewest=200)
    assert drop.p_value("roc_auc", good, Measure(float("nan"), 0.3, 500, fewest=200)) is None
    assert drop.p_value("roc_auc", good, Measure(0.5, 0.3, 500, fewest=9)) is None
    assert drop.p_value("roc_auc", good, Measure(0.5, 0.3, 500, fewest=10)) == pytest.approx(
        0, abs=1e-4
    )


def test_heavy_tails_raise_no_more_alarms_than_the_test_says() -> None:
    """Where the reference has few rows the usual test alarms four times as often as it says."""
    rng = np.random.default_rng(2)

    def rmse(rows: int) -> Measure:
        return measure.of_numbers(Measured(np.zeros(rows), rng.standard_t(3, rows)))["rmse"]

    p_values = [drop.p_value("rmse", rmse(200), rmse(2000)) for _ in range(300)]
    assert np.mean([p is not None and p < 0.025 for p in p_values]) <= 0.025
