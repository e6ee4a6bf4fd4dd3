"""What is estimated without labels is what NannyML estimates, on the data that it carries.

Its figures are those of NannyML 0.13.1, `CBPE(..., chunk_size=10000)`, for the first and the last
chunk; the last one of each set lies after the change that the data have.
"""

import os
from dataclasses import astuple
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor.estimation import confidence, isotonic

CARDS = ["prepaid_card", "highstreet_card", "upmarket_card"]
LOANS = {
    0: (0.9425565439, 0.9578682937, 0.9270387551, 0.9583913388, 0.9422014005, 0.9709228299),
    4: (0.9130603404, 0.9422147206, 0.8879301632, 0.94051244, 0.9142673654, 0.9619630738),
}
"""Accuracy, precision, recall, specificity, F1, ROC AUC by the number of the chunk."""
OF_CARDS = {
    0: (0.7551436734, 0.7551290502, 0.755126941, 0.877544922, 0.7551064159, 0.9085820532),
    5: (0.6399706505, 0.6361697253, 0.6344849547, 0.8184927269, 0.6349094129, 0.8217190767),
}


def table(name):
    """Return one of NannyML's tables, which lie in its package; that itself is not imported."""
    found = find_spec("nannyml")
    if found is None or found.origin is None:
        if os.environ.get("CI"):
            pytest.fail("NannyML is not installed: pip install --no-deps nannyml")
        pytest.skip("NannyML is not installed")
    return pd.read_csv(Path(found.origin).parent / "datasets/data" / name)


def test_two_classes():
    reference = table("synthetic_car_loan_reference.csv")
    scores = reference["y_pred_proba"].to_numpy()
    hits = reference["repaid"].to_numpy(float)
    assert isotonic.helps(scores, hits)
    calibrate = isotonic.fit(scores, hits)
    analysed = table("synthetic_car_loan_analysis.csv")
    for number, theirs in LOANS.items():
        chunk = analysed.iloc[number * 10_000 : (number + 1) * 10_000]
        scores = chunk["y_pred_proba"].to_numpy()
        ours = confidence.binary(scores, calibrate(scores), chunk["y_pred"].to_numpy() == 1)
        assert astuple(ours) == pytest.approx(theirs, abs=2e-9)


def test_three_classes():
    """NannyML's folds find that the first class needs no calibration, so here it gets none."""
    reference, analysed = table("mc_reference.csv"), table("mc_analysis.csv")
    columns = [f"y_pred_proba_{card}" for card in CARDS]
    curves = [
        isotonic.fit(reference[column].to_numpy(), (reference["y_true"] == card).to_numpy(float))
        for column, card in zip(columns[1:], CARDS[1:], strict=True)
    ]
    for number, theirs in OF_CARDS.items():
        chunk = analysed.iloc[number * 10_000 : (number + 1) * 10_000]
        scores = chunk[columns].to_numpy()
        calibrated = scores.copy()
        for place, curve in enumerate(curves, 1):
            calibrated[:, place] = curve(scores[:, place])
        calibrated /= calibrated.sum(axis=1, keepdims=True)
        ours = confidence.multiclass(
            scores, calibrated, chunk["y_pred"].map(CARDS.index).to_numpy()
        )
        assert astuple(ours)[:-1] == pytest.approx(theirs[:-1], abs=2e-9)
        # rows of equal score stand in any order there, and as one step here
        assert ours.roc_auc == pytest.approx(theirs[-1], abs=1e-6)


def test_calibrated_answers_are_as_good_as_they_say():
    rng = np.random.default_rng(5)
    p = rng.random(50_000)
    truth, said = rng.random(50_000) < p, p > 0.4
    found = confidence.binary(p, p, said)
    assert found.accuracy == pytest.approx((said == truth).mean(), abs=0.01)
    assert found.recall == pytest.approx(said[truth].mean(), abs=0.01)


def test_what_has_no_value_is_nan():
    found = confidence.binary(np.zeros(3), np.zeros(3), np.zeros(3, dtype=bool))
    assert found.accuracy == 1.0
    assert np.isnan([found.precision, found.recall, found.f1, found.roc_auc]).all()
