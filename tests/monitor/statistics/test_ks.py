"""The Kolmogorov-Smirnov test has the p-values of scipy, and exact ones under ties."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import kolmogorov
from scipy.stats import ks_2samp

from mlops_cli.monitor.statistics import ks


@pytest.mark.parametrize(
    ("m", "n", "shift"),
    [
        (1, 1, 0.0),
        (3, 2, 1.0),
        (5, 5, 9.0),
        (50, 50, 0.0),
        (60, 200, 0.4),
        (100, 3, 0.0),
        (300, 285, 0.2),
        (1000, 40, 0.5),
    ],
)
def test_p_is_exact_for_samples_without_ties(m, n, shift):
    rng = np.random.default_rng(m * n)
    first, second = rng.normal(size=m), rng.normal(shift, size=n)
    ours, theirs = ks.two_sample(first, second), ks_2samp(first, second, method="exact")
    assert ours.distance == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0, 0, 1, 1], [0, 1, 1]),
        ([0, 1, 2, 2, 2], [0, 0, 0, 1]),
        ([1, 1, 1], [0, 0, 1, 1]),
        ([0, 0, 0], [1, 1, 1]),
        ([0, 1, 1, 3, 3], [0, 2, 3, 3, 3]),
    ],
)
def test_p_counts_the_ways_to_deal_out_tied_values(first, second):
    pooled = np.array(first + second, dtype=float)
    found = ks.two_sample(np.array(first, dtype=float), np.array(second, dtype=float))
    ways = list(itertools.combinations(range(len(pooled)), len(first)))
    reached = 0
    for chosen in ways:
        one = np.zeros(len(pooled), dtype=bool)
        one[list(chosen)] = True
        reached += ks.two_sample(pooled[one], pooled[~one]).distance >= found.distance - 1e-12
    assert found.p == pytest.approx(reached / len(ways), rel=1e-12)


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=25),
    st.lists(st.integers(0, 6), min_size=1, max_size=25),
)
@settings(max_examples=60, deadline=None)
def test_ties_only_make_p_smaller_than_the_untied_bound(first, second):
    one, two = np.array(first, dtype=float), np.array(second, dtype=float)
    found = ks.two_sample(one, two)
    assert 0 < found.p <= 1
    m, n = sorted((len(one), len(two)))
    gap = round(found.distance * m * n)
    assert gap == 0 or found.p <= ks._walk_in_rows(m, n, gap) * (1 + 1e-9)
    assert found == ks.two_sample(two, one)


def test_both_walks_agree_where_both_apply():
    for m, n, gap in [(7, 11, 30), (20, 20, 120), (13, 40, 200), (150, 170, 4000)]:
        rows = ks._walk_in_rows(m, n, gap)
        groups = ks._walk_over_ties(m, n, gap, np.arange(1, m + n + 1))
        assert rows == pytest.approx(groups, rel=1e-9)


def test_large_samples_get_the_limiting_value_and_it_is_close():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=1500), rng.normal(0.05, size=1200)
    found = ks.two_sample(first, second)
    root = math.sqrt(1500 * 1200 / 2700)
    assert found.p == pytest.approx(kolmogorov(found.distance * root), rel=1e-12)
    assert found.p == pytest.approx(ks_2samp(first, second, method="exact").pvalue, rel=0.05)


def test_equal_samples_are_at_distance_zero_with_certainty():
    sample = np.array([3.0, 1.0, 2.0, 2.0])
    assert ks.two_sample(sample, sample) == ks.KolmogorovSmirnov(0.0, 1.0)


def test_counts_and_samples_give_the_same():
    first, second = np.array([0.0, 0, 1, 4]), np.array([0.0, 1, 1, 2])
    of_first, of_second = np.array([2, 1, 0, 1]), np.array([1, 2, 1, 0])
    found = ks.two_sample(first, second)
    assert ks.of_counts(of_first, of_second) == found
    assert ks.of_counts(of_first + 0.0, of_second + 1e-12) == found
    assert ks.distance(of_first, of_second) == pytest.approx(found.distance, rel=1e-12)


def test_infinite_values_are_the_largest_and_smallest():
    first = np.array([-np.inf, 0.0, 1.0, np.inf])
    second = np.array([-9.0, 0.0, 1.0, 9.0])
    ours, theirs = ks.two_sample(first, second), ks.two_sample(first.clip(-99, 99), second)
    assert ours == theirs


def test_p_stays_positive_and_small_for_samples_far_apart():
    found = ks.two_sample(np.arange(40.0), np.arange(100.0, 150.0))
    assert found.distance == 1.0
    assert found.p == pytest.approx(2 / math.comb(90, 40), rel=1e-9)
