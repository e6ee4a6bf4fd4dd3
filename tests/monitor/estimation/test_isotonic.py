"""Calibration is scikit-learn's isotonic regression, and is left out where it does not help."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from mlops_cli.monitor.estimation import isotonic


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_the_curve_is_scikit_learns(decimals):
    rng = np.random.default_rng(decimals)
    scores = rng.random(2000).round(decimals)
    hits = (rng.random(2000) < scores**2).astype(float)
    theirs = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(scores, hits)
    asked = np.linspace(-0.2, 1.2, 300)
    assert isotonic.fit(scores, hits)(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)


def test_scores_that_exaggerate_are_calibrated_and_honest_ones_left_alone():
    rng = np.random.default_rng(2)
    p = rng.random(4000)
    hits = (rng.random(4000) < p).astype(float)
    assert isotonic.helps(np.clip(2 * p - 0.5, 0, 1), hits)
    assert isotonic.calibration_error(p, hits) < 0.03


def test_too_few_rows_or_one_outcome_are_not_calibrated():
    assert not isotonic.helps(np.linspace(0, 1, 99), np.repeat([0.0, 1.0], [50, 49]))
    assert not isotonic.helps(np.linspace(0, 1, 500), np.zeros(500))
