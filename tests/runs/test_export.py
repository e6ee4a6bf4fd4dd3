"""Runs as tables: what is written is what was recorded, in each form."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import export
from mlops_cli.runs.listing import Wanted, lines_of
from tests.runs.recorded import record


@pytest.fixture
def exported(repo: Repository) -> Repository:
    lines = b"".join(
        b'{"metrics":{"loss":%s},"time":1.5,"step":%d}\n' % (value, at)
        for at, value in enumerate((b"1", b'"nan"', b"0.5"))
    )
    record(
        repo,
        [
            {
                "params": {"x": 1, "kind": 'a,b\n"c"', "mixed": 1, "on": True, "many": [1, "ä"]},
                "metrics": {"auc": 0.5, "odd": "inf"},
                "history": repo.objects.put(lines),
                "tags": ("best", "team=a"),
            },
            {"params": {"x": 2.5, "mixed": "text"}, "metrics": {"auc": "nan"}},
        ],
    )
    return repo


def written(repo: Repository, form: export.Form, *, history: bool = False) -> bytes:
    out = io.BytesIO()
    lines = lines_of(repo, Wanted())
    columns, rows = export.points(repo, lines, ()) if history else export.runs(lines)
    export.write(columns, rows, form, out)
    return out.getvalue()


def test_csv_has_a_row_for_each_run(exported: Repository) -> None:
    rows = list(csv.DictReader(io.StringIO(written(exported, "csv").decode())))
    assert [row["name"] for row in rows] == ["run-1", "run-0"]
    assert rows[1]["params.kind"] == 'a,b\n"c"'
    assert rows[1]["params.many"] == '[1, "ä"]'
    assert rows[1]["metrics.odd"] == "inf"
    assert rows[0]["metrics.auc"] == "nan"
    assert rows[0]["metrics.odd"] == ""
    assert rows[1]["tags"] == "best team=a"


def test_json_has_what_there_is(exported: Repository) -> None:
    other, one = json.loads(written(exported, "json"))
    assert one["params.many"] == [1, "ä"]
    assert one["metrics.odd"] == "inf"
    assert "params.many" not in other
    assert json.loads(written(exported, "json", history=True))[1] == {
        "run": "000000000001",
        "name": "run-0",
        "metric": "loss",
        "step": 1,
        "time": 1.5,
        "value": "nan",
    }


def test_parquet_has_types(exported: Repository) -> None:
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(written(exported, "parquet")))
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["params.x"] == "double"
    assert kinds["params.on"] == "bool"
    assert kinds["params.mixed"] == "string"
    assert kinds["metrics.auc"] == "double"
    assert table["params.mixed"].to_pylist() == ["text", "1"]
    assert math.isinf(table["metrics.odd"].to_pylist()[1])
    points = pq.read_table(io.BytesIO(written(exported, "parquet", history=True)))
    assert points["step"].to_pylist() == [0, 1, 2]


def test_no_runs_give_an_empty_table(repo: Repository) -> None:
    assert written(repo, "json") == b"[]\n"
    assert written(repo, "csv").startswith(b"id,key,name,")
    assert written(repo, "csv").count(b"\n") == 1


def test_a_file_appears_whole_or_not_at_all(exported: Repository, tmp_path: Path) -> None:
    target = tmp_path / "runs.csv"
    target.write_text("before")

    def broken():
        yield {"a": 1}
        raise RequestError("half way")

    with pytest.raises(RequestError):
        export.write({"a": int}, broken(), "csv", target)
    assert target.read_text() == "before"
    assert list(tmp_path.glob(".*part")) == []
    assert export.write({"a": int}, [{"a": 1}], "csv", target) == 1
    assert target.read_text() == "a\n1\n"


def test_the_form_is_asked_for_or_told_by_the_name() -> None:
    assert export.form_of(None, None) == "csv"
    assert export.form_of(Path("a.PARQUET"), None) == "parquet"
    assert export.form_of(Path("a.txt"), "json") == "json"
    with pytest.raises(RequestError, match="txt is no form of a table"):
        export.form_of(Path("a.txt"), None)
