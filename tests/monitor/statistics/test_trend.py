"""Trends have scipy's tau, p and slope."""

import numpy as np
import pytest
from scipy.stats import kendalltau, theilslopes

from mlops_cli.monitor.statistics import trend


@pytest.mark.parametrize("n", [4, 7, 20, 33])
def test_without_ties_tau_and_p_are_scipys_exact_ones(n):
    values = (np.random.default_rng(n).normal(size=n) + np.arange(n) * 0.05).tolist()
    ours, theirs = trend.of(values), kendalltau(range(n), values, method="exact")
    assert ours.tau == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert ours.slope == pytest.approx(theilslopes(values).slope, rel=1e-9)


@pytest.mark.parametrize("n", [6, 30, 80])
def test_with_ties_tau_and_p_are_scipys_approximate_ones(n):
    values = [float(one) for one in np.random.default_rng(n).integers(0, 4, n)]
    ours, theirs = trend.of(values), kendalltau(range(n), values, method="asymptotic")
    assert ours.tau == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_a_direction_is_told_when_it_is_sure():
    assert trend.of([1.0, 2, 3, 4, 5]).direction == "rising"
    assert trend.of([5.0, 4, 3, 2, 1]).direction == "falling"
    assert trend.of([1.0, 2, 3, 4]).direction == "steady"
    assert trend.of([1.0] * 9).direction == "steady"
    assert trend.of([1.0, 2, 3]) is None
