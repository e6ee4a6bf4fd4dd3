"""`mlo.log_model` writes a model as it should be kept, with what it takes."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import mlops_cli.api as mlo
from mlops_cli.core.repository import create
from mlops_cli.errors import RequestError
from mlops_cli.registry import example, formats, profile
from mlops_cli.registry.explaining.explain import explain
from mlops_cli.registry.register import Said, register

pytestmark = pytest.mark.filterwarnings("ignore:mlo records nothing")
ROWS = pd.DataFrame({"age": [20, 30, 40, 50], "left": [0, 0, 1, 1]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder that is in no project, so that nothing opens a run of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fitted() -> LogisticRegression:
    return LogisticRegression().fit(ROWS[["age"]], ROWS["left"])


def test_a_table_that_is_given_leaves_an_example(folder: Path, fitted: LogisticRegression) -> None:
    mlo.log_model(fitted, "model", ROWS, "left")
    described = formats.describe(folder / "model")
    assert described.example is not None
    assert described.example.records() == [{"age": 20}, {"age": 30}, {"age": 40}]
    repo = create(folder / "project")
    shutil.copytree(folder / "model", folder / "project/model")
    said = Said(compile=False)
    version = register(repo, "churn", path=folder / "project/model", said=said).version
    assert version.example is not None
    assert example.decode(repo.objects.get(version.example)) == described.example
    assert version.profile is not None
    assert profile.decode(repo.objects.get(version.profile)) == described.profile
    assert described.profile is not None
    assert described.profile.rows == len(ROWS)
    with pytest.raises(RequestError, match="none of the rows that explaining needs"):
        explain(repo, "churn")
    assert mlo.load_model("model").predict(ROWS).tolist() == [0, 0, 1, 1]


def test_no_example_is_kept_of_rows_that_nobody_may_see(
    folder: Path, fitted: LogisticRegression
) -> None:
    mlo.log_model(fitted, "model", ROWS, "left", example=False)
    assert formats.describe(folder / "model").example is None


def test_an_array_is_an_example_too(folder: Path) -> None:
    numbers = np.array([[1.0, np.nan], [2.0, 3.0]])
    model = LogisticRegression().fit(np.nan_to_num(numbers), [0, 1])
    mlo.log_model(model, "model", numbers)
    shown = formats.describe(folder / "model").example
    assert shown is not None
    assert shown.records() == [{"x0": 1.0, "x1": None}, {"x0": 2.0, "x1": 3.0}]


def test_the_format_is_the_one_that_is_asked_for(folder: Path, fitted: LogisticRegression) -> None:
    mlo.log_model(fitted, "model", ROWS, "left")
    mlo.log_model(fitted, "model", ROWS, "left", format="joblib")
    assert {one.name for one in (folder / "model").iterdir()} == {
        "mlo-model.json",
        "model.joblib",
    }
    with pytest.raises(RequestError, match="is a joblib file"):
        mlo.load_model("model")
    assert mlo.load_model("model", trust=True).classes == (0, 1)
