"""A classifier tells tables apart that differ, and is said to be better than chance rarely else."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mlops_cli.monitor.multivariate import domain

COLUMNS = {"a": [0], "b": [1], "c": [2]}


def test_the_area_is_scikit_learns():
    r = np.random.default_rng(0)
    scores, labels = r.integers(0, 9, 80).astype(float), r.integers(0, 2, 80)
    found = domain.area(scores, labels)
    assert found == pytest.approx(roc_auc_score(labels, scores), rel=1e-12)


def test_columns_that_only_together_differ_give_tables_away():
    r = np.random.default_rng(1)
    first, second = r.normal(size=(600, 3)), r.normal(size=(600, 3))
    second[:, 1] = 0.8 * second[:, 0] + 0.6 * second[:, 1]
    found = domain.tell_apart(first, second, COLUMNS, seed=0)
    assert found.auc > found.usual > 0.5
    assert found.p < 1e-6
    assert sorted(list(found.gives_away)[:2]) == ["a", "b"]
    assert found.effect == pytest.approx(2 * found.auc - 1)


def test_alike_tables_are_rarely_told_apart():
    """At 0.025 one of 40 is due, and the variance taken is larger than it need be."""
    r = np.random.default_rng(2)
    found = [
        domain.tell_apart(r.normal(size=(60, 3)), r.normal(size=(60, 3)), COLUMNS, seed=i)
        for i in range(25)
    ]
    assert sum(one.p < 0.025 for one in found) <= 3
    assert all(not one.gives_away for one in found if one.p >= 0.025)
