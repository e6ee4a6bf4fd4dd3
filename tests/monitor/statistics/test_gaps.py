"""One walk along two columns finds what the tests find in arrays of both."""

import numpy as np
import pytest
from scipy import stats

from mlops_cli.monitor.distribution import pair
from mlops_cli.monitor.sources import numbers
from mlops_cli.monitor.statistics import anderson_darling, distances, gaps, ks


def column(values):
    return numbers.summed("number", len(values), np.array(values, float))


def samples(kind, rows, others):
    rng = np.random.default_rng([rows, others])
    drawn = {
        "no ties": lambda n: rng.normal(size=n),
        "ties": lambda n: rng.integers(0, 7, n),
        "half zero": lambda n: np.where(rng.random(n) < 0.5, 0.0, rng.normal(size=n)),
        "rounded": lambda n: np.round(rng.normal(size=n), 2),
    }[kind]
    return drawn(rows), drawn(others) + 0.01


@pytest.mark.parametrize("sizes", [(3, 5), (50, 20_000), (20_000, 9_000)])
@pytest.mark.parametrize("kind", ["no ties", "ties", "half zero", "rounded"])
def test_the_walk_finds_what_arrays_of_both_give(kind, sizes):
    first, second = (column(one) for one in samples(kind, *sizes))
    found, both = gaps.between(first, second), pair(first, second)
    test = anderson_darling.of_counts(both.first, both.second)
    assert found.distance == pytest.approx(ks.distance(both.first, both.second), abs=1e-12)
    assert found.test.statistic == pytest.approx(test.statistic, rel=1e-9, abs=1e-9)
    assert found.test.p == pytest.approx(test.p, rel=1e-9)
    area = distances.wasserstein(both.values, both.first, both.second)
    assert found.area == pytest.approx(area, rel=1e-9)


def test_it_is_scipys_distance_and_area():
    first, second = samples("rounded", 3_000, 20_000)
    found = gaps.between(column(first), column(second))
    assert found.distance == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)
    assert found.area == pytest.approx(stats.wasserstein_distance(first, second), rel=1e-9)


def test_either_side_may_come_first():
    first, second = (column(one) for one in samples("half zero", 300, 10_000))
    one, other = gaps.between(first, second), gaps.between(second, first)
    assert one.distance == other.distance
    assert one.area == pytest.approx(other.area, rel=1e-12)


def test_equal_columns_lie_no_way_apart():
    one = column(np.random.default_rng(1).normal(size=20_000))
    found = gaps.between(one, one)
    assert (found.distance, found.area) == (0.0, 0.0)


def test_columns_that_do_not_meet_lie_all_the_way_apart():
    found = gaps.between(column(np.arange(9_000.0)), column(np.arange(9_000.0) + 1e6))
    assert found.distance == pytest.approx(1.0)
    assert found.area == pytest.approx(1e6)


def test_of_many_rows_the_deviation_takes_its_limit():
    exact, limit = (anderson_darling._deviation(n, 40_000) for n in (60_000, 60_001))
    assert limit == pytest.approx(exact, rel=1e-7)
