"""Distances agree with scipy's to 1e-9, or with values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from mlops_cli.monitor.statistics import distances
from mlops_cli.monitor.statistics.pooled import of_samples

COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12)


def split(pairs):
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    first[0] += 1
    second[-1] += 1
    return first, second


@given(COUNTS)
@settings(max_examples=60, deadline=None)
def test_jensen_shannon_is_scipys(pairs):
    first, second = split(pairs)
    theirs = jensenshannon(first, second, base=2)
    assert distances.jensen_shannon(first, second) == pytest.approx(theirs, abs=1e-7)
    assert distances.jensen_shannon(first, second) ** 2 == pytest.approx(theirs**2, abs=1e-9)


@given(COUNTS)
@settings(max_examples=60, deadline=None)
def test_hellinger_is_one_less_the_overlap(pairs):
    first, second = split(pairs)
    overlap = np.sqrt(first / first.sum() * second / second.sum()).sum()
    found = distances.hellinger(first, second)
    assert found**2 == pytest.approx(1 - overlap, abs=1e-9)
    assert found == distances.hellinger(second, first)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_wasserstein_is_scipys(first, second):
    theirs = wasserstein_distance(first, second)
    ours = distances.wasserstein(*of_samples(np.array(first), np.array(second)))
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_population_stability_by_hand():
    """p = (50.5, 50.5) / 101, q = (80.5, 20.5) / 101."""
    q, r = 80.5 / 101, 20.5 / 101
    worked = (q - 0.5) * np.log(q / 0.5) + (r - 0.5) * np.log(r / 0.5)
    found = distances.population_stability(np.array([50, 50]), np.array([80, 20]))
    assert found == pytest.approx(worked, rel=1e-12)


def test_an_empty_bin_leaves_the_index_finite():
    found = distances.population_stability(np.array([100, 0]), np.array([50, 50]))
    assert 0 < found < 10


def test_equal_shares_are_at_distance_zero():
    first, second = np.array([10, 20, 30]), np.array([100, 200, 300])
    assert distances.jensen_shannon(first, second) == 0.0
    assert distances.hellinger(first, second) == pytest.approx(0, abs=1e-9)
