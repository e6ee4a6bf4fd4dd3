"""Errors without labels are estimated as near as NannyML comes, on the data that it carries.

Its figures are those of NannyML 0.13.1, `DLE(..., chunk_size=10000)`, with the true ones beside.
"""

import numpy as np
import pandas as pd
import pytest

from mlops_cli.monitor.estimation import loss
from tests.monitor.estimation.test_confidence import table

INPUTS = [
    "car_age",
    "km_driven",
    "price_new",
    "accident_count",
    "door_count",
    "fuel",
    "transmission",
]
THEIRS = {0: (850.4354, 1066.1817), 3: (714.3362, 928.661)}
"""MAE and RMSE by the number of the chunk; cars change after the third."""
TRUE = {0: (854.8105, 1070.2085), 3: (698.7994, 906.9885)}


def answers(frame):
    return frame["y_pred"].to_numpy(float)


def test_errors_of_a_regressor():
    reference = table("regression_synthetic_reference.csv").iloc[::10]
    learned = loss.fit(reference[INPUTS], answers(reference), reference["y_true"].to_numpy(float))
    analysed = table("regression_synthetic_analysis.csv")
    for number, theirs in THEIRS.items():
        chunk = analysed.iloc[number * 10_000 : (number + 1) * 10_000]
        found = loss.estimate(learned, chunk[INPUTS], answers(chunk))
        assert (found.mae, found.rmse) == pytest.approx(theirs, rel=0.04)
        assert (found.mae, found.rmse) == pytest.approx(TRUE[number], rel=0.05)


def test_words_never_seen_and_gaps_are_answered():
    rng = np.random.default_rng(1)
    inputs = pd.DataFrame({"x": rng.normal(size=300), "kind": rng.choice(["a", "b"], 300)})
    off = np.where(inputs["kind"] == "a", 1.0, 5.0)
    learned = loss.fit(inputs, np.zeros(300), off)
    new = pd.DataFrame({"x": [np.nan, 0.0], "kind": ["a", "c"]})
    found = loss.estimate(learned, new, np.zeros(2))
    assert 0.5 < found.mae < 5.5
    same = pd.DataFrame({"x": [0.0] * 9, "kind": ["b"] * 9})
    assert loss.estimate(learned, same, np.zeros(9)).mae == pytest.approx(5.0, abs=0.1)
