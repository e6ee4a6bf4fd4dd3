"""Both samples are drawn over the same bins."""

import numpy as np
import pytest

from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.statistics import histogram


def numbers(sample):
    """Return a sample as a column in sum."""
    values, counts = np.unique(np.asarray(sample, float), return_counts=True)
    return Distribution("number", len(sample), values=values, counts=counts)


def test_shares_of_each_side_add_up_to_one_and_outliers_are_in_the_end_bins():
    rng = np.random.default_rng(0)
    current = np.sort(np.append(rng.normal(3, 1, 500), [1e9, np.inf, -np.inf]))
    shapes = histogram.of_numbers(numbers(rng.normal(size=500)), numbers(current))
    assert len(shapes.bins) == len(shapes.reference) == len(shapes.current) == histogram.BINS
    assert sum(shapes.reference) == pytest.approx(1.0)
    assert sum(shapes.current) == pytest.approx(1.0)
    assert shapes.bins == tuple(sorted(shapes.bins))
    assert shapes.bins[-1] < 10


def test_one_constant_is_one_bin():
    shapes = histogram.of_numbers(numbers([5.0] * 9), numbers([5.0] * 4))
    assert (shapes.bins, shapes.reference, shapes.current) == ((5.0,), (1.0,), (1.0,))


def test_the_whole_range_of_floats_does_not_overflow():
    ends = numbers([-1.7e308, 1.7e308])
    assert sum(histogram.of_numbers(ends, ends).current) == 1.0


@pytest.mark.parametrize("sample", [[], [np.inf, -np.inf]])
def test_there_is_no_shape_without_finite_values(sample):
    assert histogram.of_numbers(numbers(sample), numbers([0, 1, 2])) is None


def test_categories_beyond_the_commonest_are_drawn_as_one():
    names = [f"c{i}" for i in range(12)]
    shapes = histogram.of_categories(names, np.arange(12, 0, -1), np.ones(12, dtype=int))
    assert shapes.bins == (*names[:8], "(other)")
    assert shapes.current[-1] == pytest.approx(4 / 12)
    assert sum(shapes.reference) == pytest.approx(1.0)


def test_there_is_no_shape_of_no_categories():
    assert histogram.of_categories(["a"], np.array([3]), np.array([0])) is None
