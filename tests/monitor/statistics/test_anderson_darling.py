"""The Anderson-Darling test has scipy's statistic, published p-values, and a right error rate."""

import warnings

import numpy as np
import pytest
from scipy.stats import anderson_ksamp

from mlops_cli.monitor.statistics import anderson_darling


def samples(seed, m, n):
    rng = np.random.default_rng(seed)
    yield rng.normal(size=m), rng.normal(0.3, size=n)
    yield np.round(rng.normal(size=m), 1), np.round(rng.normal(size=n), 1)
    yield rng.poisson(2, m).astype(float), rng.poisson(3, n).astype(float)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (7, 30), (100, 100), (400, 900)])
def test_the_statistic_is_scipys(m, n):
    for first, second in samples(m, m, n):
        ours = anderson_darling.two_sample(np.sort(first), np.sort(second))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scipy's p ends at the ends of its table
            theirs = anderson_ksamp([first, second])
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("squared", "p"), [(1.933, 0.10), (2.492, 0.05), (3.070, 0.025), (3.857, 0.01)]
)
def test_p_is_that_of_the_published_table_within_a_tenth(squared, p):
    """The limiting points of A²: M. A. Stephens, JASA 69 (1974) 730-737, table 1, case 0."""
    untied = np.ones(1000, dtype=np.int64)
    weights = anderson_darling._weights(untied)
    assert anderson_darling.upper_tail(squared, weights) == pytest.approx(p, rel=0.1)


def make(rng, kind, rows):
    if kind == "untied":
        return rng.normal(size=rows)
    if kind == "counts":
        return rng.poisson(2, rows).astype(float)
    return np.where(rng.random(rows) < 0.5, 0.0, rng.lognormal(size=rows))


@pytest.mark.parametrize("kind", ["untied", "counts", "half zero"])
def test_unchanged_data_is_flagged_as_often_as_said(kind):
    """Of 1,000 trials 50 are due; less than 30 or more than 72 has a chance below 1 in 500."""
    rng = np.random.default_rng(len(kind))
    flagged = 0
    for _ in range(1000):
        first, second = np.sort(make(rng, kind, 80)), np.sort(make(rng, kind, 60))
        flagged += anderson_darling.two_sample(first, second).p < 0.05
    assert 30 <= flagged <= 72


def test_counts_and_values_give_the_same():
    first, second = np.array([0.0, 0, 1, 2, 2, 5]), np.array([0.0, 1, 1, 3, 5])
    counted = anderson_darling.of_counts(np.array([2, 1, 2, 0, 1]), np.array([1, 2, 0, 1, 1]))
    assert anderson_darling.two_sample(first, second) == counted


def test_the_order_of_the_samples_does_not_matter():
    first, second = next(samples(3, 50, 80))
    first.sort()
    second.sort()
    one = anderson_darling.two_sample(first, second)
    other = anderson_darling.two_sample(second, first)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-12)
    assert one.p == pytest.approx(other.p, rel=1e-9)


def test_a_constant_is_no_change():
    same = np.full(60, 7.0)
    assert anderson_darling.two_sample(same, same) == anderson_darling.AndersonDarling(0.0, 1.0)


def test_p_stays_positive_and_small_for_samples_far_apart():
    found = anderson_darling.two_sample(np.arange(400.0), np.arange(900.0, 1500.0))
    assert 0 < found.p < 1e-50
