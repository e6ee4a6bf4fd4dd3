"""The z-test of means agrees with values worked out by hand, and with Welch's t in the limit."""

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from mlops_cli.monitor.statistics import means
from mlops_cli.monitor.statistics.pooled import of_samples


def test_z_is_welchs_t_and_p_is_normal():
    r = np.random.default_rng(3)
    first, second = r.normal(size=80).round(1), r.normal(0.3, 2, size=200).round(1)
    found = means.two_means(*of_samples(first, second))
    assert found.z == pytest.approx(-ttest_ind(first, second, equal_var=False).statistic, rel=1e-9)
    assert found.p == pytest.approx(2 * norm.sf(abs(found.z)), rel=1e-9)
    assert found.difference == pytest.approx(second.mean() - first.mean(), rel=1e-9)


def test_constants_that_differ_differ_surely_and_equal_ones_do_not():
    values = np.array([1.0, 2.0])
    apart = means.two_means(values, np.array([5, 0]), np.array([0, 5]))
    assert (apart.z, apart.p) == (np.inf, 0.0)
    alike = means.two_means(np.array([1.0]), np.array([5]), np.array([5]))
    assert (alike.z, alike.p) == (0.0, 1.0)


def test_the_deviation_is_numpys():
    sample = np.array([1.0, 1, 4, 7])
    found = means.deviation(np.array([1.0, 4, 7]), np.array([2, 1, 1]))
    assert found == pytest.approx(sample.std(), rel=1e-12)
