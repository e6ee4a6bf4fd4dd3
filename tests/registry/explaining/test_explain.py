"""The columns that a model goes by are found, whatever kind of model it is."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import RequestError, StateError
from mlops_cli.registry import formats, models, signature
from mlops_cli.registry.explaining import kept, picture
from mlops_cli.registry.explaining.explain import explain
from mlops_cli.registry.register import Said, register


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a project with models of which it is known what they go by."""
    found = create(tmp_path_factory.mktemp("explained") / "project")
    rng = np.random.default_rng(1)
    rows = 400
    table = pd.DataFrame(
        {
            "big": rng.normal(size=rows),
            "small": rng.normal(size=rows),
            "noise": rng.normal(size=rows),
            "city": rng.choice(["Bern", "Zürich"], rows),
        }
    )
    sum_ = 4 * table["big"] + table["small"]
    label = np.where(sum_ + 3 * (table["city"] == "Bern") > 1, "yes", "no")
    numbers = table[["big", "small", "noise"]]
    table.assign(label=label).to_csv(found.root / "rows.csv", index=False)
    numbers.assign(sum=sum_).to_csv(found.root / "numbers.csv", index=False)
    encoded = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    mixed = make_pipeline(encoded, LogisticRegression()).fit(table, label)
    linear = LinearRegression().fit(numbers, sum_)
    for name, model, data, target in (
        ("mixed", mixed, "rows.csv", "label"),
        ("linear", linear, "numbers.csv", "sum"),
    ):
        frame = pd.read_csv(found.root / data)
        formats.save(model, found.root / name, signature.for_model(model, frame), target=target)
        register(
            found,
            name,
            path=found.root / name,
            data=found.root / data,
            said=Said(compile=False),
        )
    return found


def weights(found) -> dict[str, float]:
    return {one.column: one.value for one in found.weights}


def test_shuffling_finds_the_columns_that_matter_in_their_order(repo: Repository) -> None:
    found = explain(repo, "linear")
    assert [one.column for one in found.weights] == ["big", "small", "noise"]
    assert found.of == "loss of r2"
    assert found.score == pytest.approx(1)
    assert weights(found)["big"] == pytest.approx(2 * 16 / 17, abs=0.2)
    assert weights(found)["noise"] == pytest.approx(0, abs=1e-9)
    assert found.weights[0].std is not None
    assert any("training data" in note for note in found.notes)
    assert explain(repo, "linear") == found


def test_a_classifier_of_mixed_columns_is_explained(repo: Repository) -> None:
    found = explain(repo, "mixed", data="rows.csv", most=200)
    assert (found.of, found.rows, found.all_rows) == ("loss of roc_auc", 200, 400)
    assert found.weights[0].column == "big"
    assert explain(repo, "mixed", metric="log_loss").of == "loss of log_loss"
    with pytest.raises(RequestError, match="cannot be scored by 'r2'"):
        explain(repo, "mixed", metric="r2")


def test_without_the_truth_it_is_told_how_much_answers_change(repo: Repository) -> None:
    bare = pd.read_csv(repo.root / "rows.csv").drop(columns="label")
    bare.to_csv(repo.root / "bare.csv", index=False)
    found = explain(repo, "mixed", data="bare.csv")
    assert found.score == 1
    assert any("does not hold the truth" in note for note in found.notes)


def test_a_row_may_be_json_a_number_or_the_example(repo: Repository) -> None:
    text = json.dumps({"big": 2.0, "small": 0.0, "noise": 0.0})
    found = explain(repo, "linear", text)
    assert found.answer == pytest.approx(8)
    assert weights(found)["big"] == pytest.approx(8, abs=1.5)
    assert weights(found)["noise"] == pytest.approx(0, abs=1e-9)
    third = pd.read_csv(repo.root / "numbers.csv").iloc[2]
    assert explain(repo, "linear", "3").answer == pytest.approx(third["sum"])
    first = explain(repo, "mixed", "example")
    assert first.row is not None
    assert first.row["city"] in ("Bern", "Zürich")
    assert first.of.startswith("the probability of '")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("0", "no row 0"),
        ("401", "no row 401"),
        ("{", "is no row"),
        ("[1, 2]", "an object"),
        ('{"big": 1}', "the row has no 'small'"),
        ('{"big": "x", "small": 1, "noise": 1}', "row 1, 'big'"),
    ],
)
def test_what_is_no_row_is_one_clear_line(repo: Repository, row: str, what: str) -> None:
    with pytest.raises(RequestError, match=what):
        explain(repo, "linear", row)


def test_shapley_values_sum_to_the_difference_from_the_average(repo: Repository) -> None:
    for name, row in (("linear", "3"), ("mixed", "5")):
        found = explain(repo, name, row, method="shap")
        assert found.score is not None
        assert found.base is not None
        assert sum(weights(found).values()) == pytest.approx(found.score - found.base, abs=1e-6)
    predictor = models.load(repo, models.resolve(repo, "linear"))
    slope = predictor.model.coef_[0]
    background = explain(repo, "linear", "3", method="shap")
    assert background.row is not None
    assert weights(background)["noise"] == pytest.approx(0, abs=1e-9)
    assert abs(weights(background)["big"]) < abs(slope) * 5


def test_shapley_values_of_a_whole_model_are_how_far_columns_move_it(repo: Repository) -> None:
    found = explain(repo, "linear", method="shap")
    assert [one.column for one in found.weights] == ["big", "small", "noise"]
    assert weights(found)["big"] == pytest.approx(4 * np.sqrt(2 / np.pi), rel=0.3)


def test_without_shap_it_is_said_what_to_install(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(StateError, match="need shap") as caught:
        explain(repo, "linear", method="shap")
    assert caught.value.hint == "pip install 'mlo[explain]'"


def test_the_page_asks_for_nothing_and_shows_everything(repo: Repository, tmp_path: Path) -> None:
    page = picture.page(explain(repo, "mixed", "5"))
    assert "http://www.w3.org/2000/svg" in page
    assert page.count("http") == page.count("http://www.w3.org") + page.count("http-equiv")
    assert "<script" not in page
    for told in ("city = ", "big", "the probability of"):
        assert told in page
    drawn = picture.svg(explain(repo, "linear"))
    assert drawn.startswith("<svg")
    assert drawn.count("<rect") == 3


def test_what_a_model_goes_by_is_kept_for_drift(repo: Repository) -> None:
    shutil.rmtree(repo.layout.importance, ignore_errors=True)  # what other tests had kept
    version = models.resolve(repo, "linear")
    explain(repo, "linear", data="numbers.csv")
    explain(repo, "linear", "5")
    assert kept.known(repo, version) is None
    found = explain(repo, "linear")
    held = kept.known(repo, version)
    assert held == kept.of(found)
    assert max(held.columns, key=held.columns.__getitem__) == "big"
    assert kept.compute(repo, version).columns.keys() == held.columns.keys()
