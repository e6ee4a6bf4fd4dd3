"""A file of predictions is whole, in order, and leads back to what answered."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlops_cli.audit import chain
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry import models, predict
from mlops_cli.registry.batch.spread import Ended, work
from mlops_cli.registry.inputs import typed
from mlops_cli.registry.models import Version
from mlops_cli.registry.register import register
from mlops_cli.registry.signature import Column, Signature
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
    monkeypatch.setattr(predict, "PART_ROWS", 2)
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
    monkeypatch.setattr(predict, "PART_ROWS", 2)
    given = pd.read_csv(rows)
    given.to_parquet(rows.with_suffix(".parquet"))
    target = rows.with_name("out.parquet")
    predict.predict(workshop.repo, version, rows.with_suffix(".parquet"), target)
    found = pd.read_parquet(target)
    assert found[["id", "income", "age"]].equals(given)
    expected = models.load(workshop.repo, version).predict(given)
    assert found["prediction"].tolist() == expected.tolist()
    predict.predict(workshop.repo, version, rows, target, force=True)
    assert pd.read_parquet(target)[["income", "age"]].equals(given[["income", "age"]])
    given.head(0).to_parquet(rows.with_suffix(".parquet"))
    source = rows.with_suffix(".parquet")
    assert predict.predict(workshop.repo, version, source, target, force=True).rows == 0
    assert len(pd.read_parquet(target)) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,age\n1,2\n", "no column 'income'"),
        ("id,age\n", "no column 'income'"),
        ("", "it is empty"),
        (
            "age,income\n1,2\n3,four\n",
            "rows.csv' row 2, 'income': must be a number, got the string 'four'",
        ),
        ("age,income\n1,2\n3,\n", "row 2, 'income': must not be null"),
        ("age,income,note\n1,2,x\n3,4\n", "row 2 has 2 of 3 values"),
        ("age,income,prediction\n1,2,3\n", "has a column 'prediction'"),
        ("age,income,probability_1\n1,2,3\n", "has a column 'probability_1'"),
        ("age,age,income\n1,2,3\n", "more than one column 'age'"),
        ("age,income\n1,2,3\n", "more values in a row than its 2 columns"),
    ],
    ids=[
        "missing column",
        "missing column without rows",
        "empty file",
        "text",
        "missing value",
        "short row",
        "taken name",
        "taken share",
        "double",
        "long row",
    ],
)
def test_a_bad_file_is_named_and_leaves_nothing(
    workshop: Workshop, version: Version, rows: Path, content: str, message: str
) -> None:
    rows.write_text(content)
    with pytest.raises(RequestError, match=message):
        predict.predict(workshop.repo, version, rows, rows.with_name("out.csv"))
    assert [path.name for path in rows.parent.glob("*out*")] == []


def test_the_input_is_repeated_as_it_is_written(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    rows.write_text("id,age,note,income\n007,20,NA,1.50\n010,3e1,,2\n", encoding="utf-8-sig")
    target = rows.with_name("out.csv")
    predict.predict(workshop.repo, version, rows, target)
    lines = [line.split(",")[:4] for line in target.read_text().splitlines()]
    assert lines == [
        ["id", "age", "note", "income"],
        ["007", "20", "NA", "1.50"],
        ["010", "3e1", "", "2"],
    ]


def test_json_keeps_its_values_and_takes_numbers_from_text(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    source = rows.with_suffix(".jsonl")
    lines = [
        {"id": "007", "age": 20, "income": "1.5", "made_at": "2020-01-01", "big": 2**53 + 1},
        {"id": "008", "age": 30, "income": 2, "tags": ["a"]},
    ]
    source.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    target = rows.with_name("out.jsonl")
    predict.predict(workshop.repo, version, source, target)
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert [one["id"] for one in found] == ["007", "008"]
    assert [one["income"] for one in found] == ["1.5", 2]
    assert [one.get("made_at", "-") for one in found] == ["2020-01-01", "-"]
    assert (found[0]["big"], found[1]["tags"]) == (2**53 + 1, ["a"])


def test_a_line_of_json_keeps_every_character(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    source, target = rows.with_suffix(".jsonl"), rows.with_name("out.jsonl")
    line = '{"id": 1.10, "big": 123456789012345678901234567890, "age": 20, "income": 2.50 }'
    source.write_text(line + "\n")
    predict.predict(workshop.repo, version, source, target)
    assert target.read_text().startswith(line[:-2] + ',"prediction":')


def test_a_column_that_begins_late_is_not_lost_in_a_table(
    workshop: Workshop, version: Version, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "PART_ROWS", 1)
    source = rows.with_suffix(".jsonl")
    source.write_text('{"age": 1, "income": 2}\n{"age": 1, "income": 2, "note": "x"}\n')
    with pytest.raises(RequestError, match="'note' begins after"):
        predict.predict(workshop.repo, version, source, rows.with_name("out.csv"))
    predict.predict(workshop.repo, version, source, rows.with_name("out.jsonl"))


def test_missing_values_are_taken_where_the_training_table_had_some() -> None:
    columns = (
        Column("size", "number", nullable=True),
        Column("count", "integer", nullable=True),
        Column("soil", "category", categories=("NA", "clay"), nullable=True),
    )
    given = pd.DataFrame({"size": ["NA", "1.5"], "count": ["", "3"], "soil": ["NA", ""]})
    found = typed(given, Signature(columns), first_row=0, where="a.csv", text=True)
    assert found.isna().to_numpy().tolist() == [[True, True, False], [False, False, True]]
    for name, cell, problem in (
        ("size", "inf", "finite"),
        ("size", "1_000", "a number"),
        ("count", "2.5", "whole"),
        ("soil", "sand", "a value that the training data have"),
    ):
        bad = given.assign(**{name: [given[name][0], cell]})
        with pytest.raises(RequestError, match=f"'a.csv' row 2, '{name}': must be .*{problem}"):
            typed(bad, Signature(columns), first_row=0, where="a.csv", text=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"age": 1', "line 2 is no JSON"),
        ("[1, 2]", "line 2 is no object"),
        ('{"age": 1, "income": NaN}', "row 2, 'income': must be a finite number, got NaN"),
        ('{"age": 1}', "row 2, 'income': must not be null"),
        ('{"age": [1], "income": 2}', "row 2, 'age': must be a whole number, got a list"),
    ],
)
def test_a_bad_line_of_json_is_named(
    workshop: Workshop, version: Version, rows: Path, line: str, message: str
) -> None:
    source = rows.with_suffix(".jsonl")
    source.write_text('{"age": 1, "income": 2}\n' + line + "\n")
    with pytest.raises(RequestError, match=message):
        predict.predict(workshop.repo, version, source, rows.with_name("out.jsonl"))


class Here:
    """Does parts in this process, as an engine does them in others."""

    def __init__(self) -> None:
        self.done: list[Ended] = []

    def width(self) -> int:
        return 1

    def submit(self, key: str, payload: Mapping[str, Any]) -> None:
        try:
            self.done.append(Ended(key, None, work(payload, 0, None)))
        except MloError as error:
            self.done.append(Ended(key, error.message))

    def ended(self, _wait_s: float) -> list[Ended]:
        done, self.done = self.done, []
        return done


def test_a_column_that_lacks_is_refused_alike_by_one_process_and_by_many(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    rows.write_text("id,age\n1,2\n")
    for doer in (None, Here()):
        with pytest.raises(RequestError, match="no column 'income', which the model takes"):
            predict.predict(workshop.repo, version, rows, rows.with_name("out.csv"), doer=doer)


def test_what_json_lines_lack_is_refused(workshop: Workshop, version: Version, rows: Path) -> None:
    source = rows.with_suffix(".jsonl")
    source.write_text("")
    with pytest.raises(RequestError, match="it is empty"):
        predict.predict(workshop.repo, version, source, rows.with_name("out.jsonl"))
    source.write_text('{"age": 1, "income": 2}\n{"age": 3}\n')
    with pytest.raises(RequestError, match="row 2, 'income': must not be null"):
        predict.predict(workshop.repo, version, source, rows.with_name("out.jsonl"))


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"age,income\n1,2\n\xe9,3\n", "no UTF-8: line 3 has the byte 0xe9", "iconv -f latin1"),
        (b"age;income\n1;2\n", "semicolons between its values", "write it with commas"),
        (b"age\tincome\n1\t2\n", "tabs between its values", "rename it to .tsv"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_another_habit_is_told_what_to_do(
    workshop: Workshop,
    version: Version,
    rows: Path,
    content: bytes,
    message: str,
    hint: str,
    suffix: str,
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    rows.write_bytes(content)
    with pytest.raises(RequestError, match=message) as caught:
        predict.predict(workshop.repo, version, rows, rows.with_name("out" + suffix))
    assert hint in str(caught.value.hint)


def test_columns_without_rows_give_no_predictions(
    workshop: Workshop, version: Version, rows: Path
) -> None:
    rows.write_text("age,income\n")
    target = rows.with_name("out.csv")
    assert predict.predict(workshop.repo, version, rows, target).rows == 0
    header = target.read_text().strip().split(",")
    assert header[-5:] == [
        "prediction",
        "probability_0",
        "probability_1",
        "model_version",
        "batch_id",
    ]


def test_a_column_is_parsed_by_its_kind_whatever_a_chunk_holds() -> None:
    signature = Signature(
        (
            Column("code", "category", categories=("12", "A1")),
            Column("level", "category", categories=(1, 2)),
            Column("flag", "boolean"),
            Column("day", "datetime"),
            Column("word", "text", nullable=True),
        )
    )
    given = pd.DataFrame(
        {
            "code": ["12", "12"],
            "level": ["1", "2"],
            "flag": ["true", "False"],
            "day": ["2020-01-01", "2020-01-02T10:00:00"],
            "word": ["007", "NA"],
        }
    )
    found = typed(given, signature, first_row=0, where="a.csv", text=True)
    assert found["code"].tolist() == ["12", "12"]
    assert found["level"].tolist() == [1, 2]
    assert found["flag"].tolist() == [True, False]
    assert found["day"].tolist() == [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02 10:00")]
    assert found["word"].isna().tolist() == [False, True]
    for name, value in (("level", "x"), ("flag", "maybe"), ("day", "soon")):
        with pytest.raises(RequestError, match=f"'a.csv' row 12, '{name}': must be .* '{value}'"):
            bad = given.assign(**{name: [given[name][0], value]})
            typed(bad, signature, first_row=10, where="a.csv", text=True)


def test_without_a_signature_numbers_are_guessed() -> None:
    given = pd.DataFrame({"a": ["1", "NA"], "b": ["x", "2"]})
    found = typed(given, None, first_row=0, where="a.csv", text=True)
    assert found["a"].sum() == 1
    assert found["b"].tolist() == ["x", "2"]


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
