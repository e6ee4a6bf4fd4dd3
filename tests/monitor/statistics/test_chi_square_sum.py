"""The tail of a sum of chi-squares is that of scipy where scipy knows it."""

import numpy as np
import pytest
from scipy.stats import chi2

from mlops_cli.monitor.statistics.chi_square_sum import upper_tail


@pytest.mark.parametrize("degrees", [1, 2, 4, 30])
@pytest.mark.parametrize("p", [0.9, 0.5, 0.1, 0.01, 1e-4, 1e-9])
def test_equal_weights_are_a_chi_square(degrees, p):
    value = 3 * chi2.isf(p, degrees)
    assert upper_tail(value, np.full(degrees, 3.0)) == pytest.approx(p, rel=0.12)


def test_unequal_weights_agree_with_a_simulation():
    weights = np.array([0.5, 0.3, 0.05, 0.01])
    draws = (np.random.default_rng(1).normal(size=(200_000, 4)) ** 2) @ weights
    for value in (0.2, 1.0, 2.5, 4.0):
        assert upper_tail(value, weights) == pytest.approx((draws >= value).mean(), rel=0.06)


def test_everything_lies_above_zero_and_the_mean_is_no_hole():
    weights = np.array([1.0, 2.0])
    assert upper_tail(0.0, weights) == 1.0
    around = [upper_tail(3.0 + step, weights) for step in (-1e-3, 0.0, 1e-3)]
    assert around[0] == pytest.approx(around[2], rel=1e-2)
    assert around[1] == pytest.approx(around[2], rel=1e-2)
