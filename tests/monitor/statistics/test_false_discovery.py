"""q-values are those of Benjamini and Hochberg."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from mlops_cli.monitor.statistics.false_discovery import q_values


def test_q_values_of_the_example_in_the_paper():
    """Benjamini and Hochberg, section 3.2: with 15 tests at 0.05, the first four are rejected."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    q = q_values(p)
    assert sum(one <= 0.05 for one in q) == 4
    assert q[3] == pytest.approx(0.0095 * 15 / 4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_are_those_of_scipy(p):
    assert q_values(p) == pytest.approx(false_discovery_control(p).tolist(), rel=1e-12, abs=1e-300)


def test_no_test_has_no_q_value():
    assert q_values([]) == []
