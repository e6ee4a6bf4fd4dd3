"""Bins are cut where numpy would cut them, and hold what numpy says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_cli.monitor.statistics import binning

SAMPLES = st.lists(st.integers(-5, 5), min_size=1, max_size=40)


def counted(sample):
    return np.unique(np.array(sample, float), return_counts=True)


@given(SAMPLES, st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_edges_are_numpys_quantiles(sample, bins):
    values, counts = counted(sample)
    inner = np.unique(np.quantile(sample, np.arange(1, bins) / bins))
    theirs = inner[inner > values[0]]
    assert binning.quantile_edges(values, counts, bins) == pytest.approx(theirs, abs=1e-9)


@given(SAMPLES, st.lists(st.integers(-6, 6), max_size=6, unique=True))
@settings(max_examples=60, deadline=None)
def test_rows_in_bins_are_numpys(sample, edges):
    edges = np.sort(np.array(edges, float))
    theirs = np.histogram(sample, bins=np.concatenate(([-np.inf], edges, [np.inf])))[0]
    assert binning.binned(*counted(sample), edges).tolist() == theirs.tolist()
