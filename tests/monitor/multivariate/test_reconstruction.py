"""Main directions and errors are those of scikit-learn's PCA on standardized columns."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from mlops_cli.monitor.multivariate import reconstruction


def together(r, rows, rho):
    """Return rows of six columns of which neighbours correlate."""
    common = r.normal(size=(rows, 1))
    return rho * common + np.sqrt(1 - rho**2) * r.normal(size=(rows, 6))


def test_errors_are_those_of_scikit_learn():
    r = np.random.default_rng(2)
    rows, others = together(r, 300, 0.6) * [1, 5, 1, 1, 9, 1], together(r, 50, 0.2)
    scaler = StandardScaler().fit(rows)
    pca = PCA(n_components=0.65).fit(scaler.transform(rows))
    for each in (rows, others):
        scaled = scaler.transform(each)
        back = pca.inverse_transform(pca.transform(scaled))
        theirs = np.linalg.norm(scaled - back, axis=1)
        found = reconstruction.fit(rows).errors(each)
        assert found == pytest.approx(theirs, rel=1e-9)


def test_columns_that_no_longer_go_together_are_reconstructed_worse():
    r = np.random.default_rng(3)
    found = reconstruction.compare(together(r, 1000, 0.9), together(r, 500, 0.0), rng=r)
    assert found.p < 1e-6
    assert found.error > found.high > found.reference > found.low


def test_alike_tables_are_reconstructed_alike():
    """Of 100 trials 5 are due below 0.05; more than 12 have a chance below 1 in 500."""
    r = np.random.default_rng(4)
    ps = [
        reconstruction.compare(together(r, 100, 0.5), together(r, 80, 0.5), rng=r).p
        for _ in range(100)
    ]
    assert sum(p < 0.05 for p in ps) <= 12


def test_constants_are_reconstructed_without_an_error():
    r = np.random.default_rng(5)
    found = reconstruction.compare(np.ones((9, 2)), np.ones((5, 2)), rng=r)
    assert (found.error, found.p) == (0.0, 1.0)
