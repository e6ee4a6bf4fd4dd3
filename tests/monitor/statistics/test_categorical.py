"""Tests of categories are those of scipy, and merge what is too rare to test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from mlops_cli.monitor.statistics.categorical import (
    homogeneity,
    kept_apart,
    likelihood_ratio,
    total_variation,
    two_proportions,
)

tables = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), min_size=2, max_size=12)


@given(tables)
def test_the_test_is_that_of_scipy(table):
    first, second = (np.array(column) for column in zip(*table, strict=True))
    if not first.any():
        first[0] = 1
    ours = homogeneity(first, second)
    theirs = chi2_contingency(np.stack((first, second)), correction=False)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-12)
    assert ours.degrees == theirs.dof
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)


def test_both_samples_are_taken_as_samples():
    """A table worked by hand: all four cells are expected to hold 15 or 35."""
    found = homogeneity(np.array([20, 30]), np.array([10, 40]))
    assert found.statistic == pytest.approx(25 / 15 * 2 + 25 / 35 * 2)


def test_one_category_cannot_differ():
    assert homogeneity(np.array([4]), np.array([9])).p == 1.0


def test_total_variation_is_zero_for_equal_shares_and_one_for_no_overlap():
    assert total_variation(np.array([1, 3]), np.array([10, 30])) == 0.0
    assert total_variation(np.array([5, 0]), np.array([0, 7])) == 1.0


@given(tables, st.integers(2, 6))
def test_what_is_merged_holds_enough_and_what_is_kept_is_common(table, most):
    table.sort(key=sum, reverse=True)
    first, second = (np.array(column) for column in zip(*table, strict=True))
    if not first.any():
        first[0] = 1
    kept = kept_apart(first, second, expected=5, most=most)
    in_smaller = (first + second) * min(first.sum(), second.sum()) / (first + second).sum()
    assert kept + (kept < len(table)) <= most
    assert (in_smaller[:kept] >= 5).all()
    assert kept in (0, len(table)) or in_smaller[kept:].sum() >= 5


def test_nothing_is_merged_when_every_category_is_common():
    assert kept_apart(np.array([50, 30]), np.array([40, 40]), expected=5, most=100) == 2


@pytest.mark.parametrize(("first", "second"), [([30, 10], [20, 20]), ([5, 0, 7], [1, 9, 3])])
def test_the_g_test_is_scipys(first, second):
    ours = likelihood_ratio(np.array(first), np.array(second))
    theirs = chi2_contingency([first, second], correction=False, lambda_="log-likelihood")
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second"), [((30, 100), (45, 100)), ((1, 7), (900, 1000)), ((5, 50), (5, 50))]
)
def test_the_z_test_squared_is_pearsons(first, second):
    z, p = two_proportions(first, second)
    table = [[hits, rows - hits] for hits, rows in (first, second)]
    theirs = chi2_contingency(table, correction=False)
    assert z**2 == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-12)
    assert p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_no_hits_at_all_are_no_difference():
    assert two_proportions((0, 10), (0, 99)) == (0.0, 1.0)
