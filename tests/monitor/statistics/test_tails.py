"""Tails that are finite sums are scipy's to 1e-9."""

import numpy as np
import pytest
from scipy import special

from mlops_cli.monitor.statistics.tails import chi_square, normal


@pytest.mark.parametrize("degrees", [1, 2, 3, 10, 99, 100, 999])
def test_chi_square_is_scipys(degrees):
    for statistic in (0.0, 1e-9, 0.1, 1.0, degrees / 2, degrees, 1.5 * degrees, 3 * degrees, 700.0):
        expected = special.chdtrc(degrees, statistic)
        assert chi_square(degrees, statistic) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_an_infinite_statistic_has_no_tail():
    assert chi_square(3, float("inf")) == 0.0


def test_the_normal_tail_is_scipys():
    for z in np.linspace(-37, 9, 50).tolist():
        assert normal(z) == pytest.approx(special.ndtr(z), rel=1e-9)
