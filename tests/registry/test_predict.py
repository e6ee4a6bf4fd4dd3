"""A file of predictions is whole, in order, and leads back to what answered."""

from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.audit import chain
from mlops_cli.errors import RequestError
from mlops_cli.registry import models, predict
from mlops_cli.registry.models import Version
from mlops_cli.registry.register import register
from tests.registry.conftest import Workshop


@pytest.fixture
def version(workshop: Workshop) -> Version:
    return register(workshop.repo, "churn", run=workshop.run({"auc": 0.9})).version


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    frame = pd.DataFrame({"id": range(5), "income": [1.5] * 5, "age": [20, 30, 40, 50, 60]})
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_every_row_is_answered_in_order_and_names_its_version_and_batch(
    workshop: Workshop, version: Version, rows: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK_ROWS", 2)
    target = rows.with_name("out" + suffix)
    batch = predict.predict(workshop.repo, version, rows, target)
    if suffix == ".jsonl":
        found = pd.read_json(target, lines=True)
    else:
        found = pd.read_csv(target, sep="\t" if suffix == ".tsv" else ",")
    given = pd.read_csv(rows)
    model = models.load(workshop.repo, version)
    assert batch.rows == 5
    assert found[["id", "income", "age"]].equals(given)
    assert found["prediction"].tolist() == model.predict(given).tolist()
    shares = model.predict_proba(given)
    assert shares is not None
    assert found["probability_1"].tolist() == pytest.approx(shares[:, 1].tolist())
    assert set(found["model_version"]) == {"churn v1"}
    assert set(found["batch_id"].astype(str)) == {batch.id}
    entry = chain.entries(workshop.repo)[-1]
    assert (entry.action, entry.subject, entry.detail["rows"]) == ("predict", batch.id, 5)
    assert list(rows.parent.glob(".out*")) == []


def test_parquet_goes_in_and_comes_out(
    workshop: Workshop, version: Version, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="an extra; the same path as CSV but for reading")
    monkeypatch.setattr(predict, "CHUNK_ROWS", 2)
    given = pd.read_csv(rows)
    given.to_parquet(rows.with_suffix(".parquet"))
    target = rows.with_name("out.parquet")
    predict.predict(workshop.repo, version, rows.with_suffix(".parquet"), target)
    found = pd.read_parquet(target)
    assert found[["id", "income", "age"]].equals(given)
    expected = models.load(workshop.repo, version).predict(given)
    assert found["prediction"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,age\n1,2\n", "no column 'income'"),
        ("", "cannot be read"),
        ("age,income\n1,2\n3,four\n", "refuses the rows"),
        ("age,income,prediction\n1,2,3\n", "has a column 'prediction'"),
    ],
    ids=["missing column", "empty file", "text", "taken name"],
)
def test_a_bad_file_is_named_and_leaves_nothing(
    workshop: Workshop, version: Version, rows: Path, content: str, message: str
) -> None:
    rows.write_text(content)
    with pytest.raises(RequestError, match=message):
        predict.predict(workshop.repo, version, rows, rows.with_name("out.csv"))
    assert [path.name for path in rows.parent.glob("*out*")] == []


def test_nothing_is_overwritten_unless_forced(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    target = rows.with_name("out.csv")
    target.write_text("precious")
    with pytest.raises(RequestError, match="exists already"):
        predict.predict(workshop.repo, version, rows, target)
    assert target.read_text() == "precious"
    predict.predict(workshop.repo, version, rows, target, force=True)
    with pytest.raises(RequestError, match="same file"):
        predict.predict(workshop.repo, version, rows, rows, force=True)


def test_kinds_that_are_not_known_are_refused_before_any_work(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    with pytest.raises(RequestError, match=r"out\.xls"):
        predict.predict(workshop.repo, version, rows, rows.with_name("out.xls"))
    with pytest.raises(RequestError, match="no file"):
        predict.predict(workshop.repo, version, rows.with_name("none.csv"), rows.with_name("o.csv"))
