"""The maximum mean discrepancy agrees with a plain sum over all pairs."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel

from mlops_cli.monitor.multivariate import mmd


def plain(first, second, width):
    """Return (3) of Gretton et al. by sums over pairs."""
    gamma = 1 / (2 * width**2)
    m, n = len(first), len(second)
    within = [rbf_kernel(each, gamma=gamma) for each in (first, second)]
    sums = [(one.sum() - np.trace(one)) for one in within]
    across = rbf_kernel(first, second, gamma=gamma).sum()
    return sums[0] / (m * (m - 1)) + sums[1] / (n * (n - 1)) - 2 * across / (m * n)


@pytest.mark.parametrize(("m", "n"), [(2, 3), (30, 30), (50, 12)])
def test_the_statistic_is_that_of_all_pairs_with_the_median_distance(m, n):
    r = np.random.default_rng(m)
    first, second = r.normal(size=(m, 3)), r.normal(0.4, size=(n, 3))
    found = mmd.compare(first, second, permutations=9, rng=r)
    assert found.width == pytest.approx(np.median(pdist(np.vstack((first, second)))), rel=1e-9)
    assert found.squared == pytest.approx(plain(first, second, found.width), rel=1e-9, abs=1e-12)


def test_p_is_the_share_of_permutations_that_differ_as_much():
    r = np.random.default_rng(0)
    first = r.normal(size=(60, 2))
    assert mmd.compare(first, r.normal(1, size=(60, 2)), permutations=99, rng=r).p == 0.01
    found = [
        mmd.compare(r.normal(size=(30, 2)), r.normal(size=(20, 2)), permutations=99, rng=r).p
        for _ in range(60)
    ]
    assert 0 <= sum(p <= 0.1 for p in found) <= 13
    assert np.mean(found) == pytest.approx(0.5, abs=0.15)


def test_equal_rows_are_no_reason_to_divide_by_zero():
    r = np.random.default_rng(0)
    assert mmd.compare(np.ones((5, 2)), np.ones((4, 2)), permutations=9, rng=r).p == 1.0
    mostly = np.vstack((np.zeros((20, 2)), np.ones((2, 2))))
    assert np.isfinite(mmd.compare(mostly, mostly, permutations=9, rng=r).squared)
