"""Promises of comparing models: by what they predict, and never by running code unasked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlops_cli.cli.models_alike import comparer
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.reproduction.closeness import Tolerance
from mlops_cli.registry import formats

ROWS = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0], "y": [0, 1, 1, 1]})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    ROWS.to_csv(path, index=False)
    return path


def saved(folder: Path, model, model_format: formats.Format = "skops") -> Path:
    formats.save(model.fit(ROWS[["a", "b"]], ROWS["y"]), folder, model_format=model_format)
    return folder


def test_predictions_within_tolerance_are_equal_and_settings_told(
    tmp_path: Path, table: Path
) -> None:
    then = saved(tmp_path / "then", LogisticRegression(max_iter=100))
    now = saved(tmp_path / "now", LogisticRegression(max_iter=101))
    found = comparer(trust=False)(then, now, [table], Tolerance())
    assert found is not None
    assert found.equal
    assert found.why == "bytes differ, predictions are equal on rows.csv; max_iter: 100 -> 101"


def test_predictions_apart_are_told_by_how_much(tmp_path: Path, table: Path) -> None:
    then = saved(tmp_path / "then", DummyRegressor(strategy="constant", constant=1.0))
    now = saved(tmp_path / "now", DummyRegressor(strategy="constant", constant=2.0))
    found = comparer(trust=False)(then, now, [table], Tolerance())
    assert found is not None
    assert not found.equal
    assert "predictions: values apart by up to 0.5 on rows.csv" in found.why
    near = comparer(trust=False)(then, now, [table], Tolerance(relative=0.6))
    assert near is not None
    assert near.equal


def test_files_that_run_code_are_loaded_only_when_trusted(tmp_path: Path, table: Path) -> None:
    then = saved(tmp_path / "then", LinearRegression(), "joblib")
    now = saved(tmp_path / "now", LinearRegression(copy_X=False), "joblib")
    with pytest.raises(RequestError, match="--trust compares what it predicts"):
        comparer(trust=False)(then, now, [table], Tolerance())
    found = comparer(trust=True)(then, now, [table], Tolerance())
    assert found is not None
    assert found.equal


def test_the_first_table_that_fits_is_asked_about(tmp_path: Path, table: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("c\n1\n")
    then = saved(tmp_path / "then", LinearRegression())
    now = saved(tmp_path / "now", LinearRegression(copy_X=False))
    found = comparer(trust=False)(then, now, [other, table], Tolerance())
    assert found is not None
    assert "rows.csv" in found.why
    with pytest.raises(RequestError, match="no table that the run read fits"):
        comparer(trust=False)(then, now, [other], Tolerance())


def test_what_is_no_model_is_left_to_others(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "x.npy", np.ones(1))
    assert comparer(trust=False)(tmp_path / "one", tmp_path / "two", [], Tolerance()) is None
