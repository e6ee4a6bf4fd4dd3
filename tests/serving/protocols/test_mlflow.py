"""MLflow's `/invocations`: all its forms come to the same table."""

import json
from typing import Any

import pytest

from mlops_cli.registry.signature import Column
from mlops_cli.serving.protocols import mlflow
from tests.serving.protocols.lives import NUMBERS, ROW, answered, live, refusal

JSON = {b"content-type": b"application/json; charset=utf-8"}
CSV = {b"content-type": b"text/csv"}
LIVE = live()
NAMES = list(LIVE.signature.names)
VALUES = [ROW[name] for name in NAMES]


def read(body: Any, model: Any = LIVE) -> Any:
    return mlflow.read(json.dumps(body).encode(), JSON, model)


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "index": [0, 1], "data": [VALUES, VALUES]}},
        {"dataframe_records": [ROW, ROW]},
        {"instances": [ROW, ROW], "params": {}},
        {"instances": [VALUES, VALUES]},
        {"inputs": {name: [value] * 2 for name, value in ROW.items()}},
        {"inputs": {name: [[value]] * 2 for name, value in ROW.items()}},
        {"inputs": [ROW, ROW], "signature_name": "serving_default"},
    ],
)
def test_every_form_is_the_same_table(body: Any) -> None:
    table = read(body)
    assert table.rows == 2
    assert [list(values) for values in table.columns] == [[value] * 2 for value in VALUES]


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "inputs", "instances"])
def test_nan_is_taken_for_missing_where_the_model_takes_that(form: str) -> None:
    nan = float("nan")

    def body(row: dict[str, Any]) -> Any:
        if form == "dataframe_split":
            return {form: {"columns": list(row), "data": [list(row.values())]}}
        if form == "inputs":
            return {form: {name: [value] for name, value in row.items()}}
        return {form: [row]}

    table = read(body(ROW | {"size": nan, "soil": nan}))
    assert (list(table.columns[0]), list(table.columns[3])) == ([None], [None])
    refused = refusal(read, body(ROW | {"count": nan}))
    assert (refused.status, "row 0, field 'count'" in refused.message) == (422, True)


def test_csv_is_read_by_the_kinds_of_the_columns() -> None:
    lines = 'note,size,count,wild,soil,grade,seen\n"a, b",,3.0,TRUE,loam,2,2026-01-31\n'
    table = mlflow.read(lines.encode("utf-8-sig"), CSV, LIVE)
    assert [values[0] for values in table.columns] == [
        *(None, 3, True, "loam", 2, "a, b", "2026-01-31"),
    ]


@pytest.mark.parametrize(
    ("lines", "status", "words"),
    [
        (b"", 400, "no rows"),
        (b"x0,x1,x2\n", 400, "no rows"),
        (b"x0,x1,x2\n1,2\n", 400, "row 0 has 2 fields"),
        (b"x0,x1,x1\n1,2,3\n", 400, "'x1' is there more than once"),
        (b"x0,x1,x2\n1,2,3\n1,no,3\n", 422, "row 1, field 'x1' must be a finite number"),
        (b"x0,x1,x2\nnan,2,3\n", 422, "row 0, field 'x0' must be a finite number"),
        (b"x0,x1,x2\n1,2,3.5\n", 422, "row 0, field 'x2' must be a whole number"),
        (b"x0,x1,x2\n1,2," + b"9" * 5000 + b"\n", 422, "row 0, field 'x2'"),
        (b"x0,x1,x2\n1,,\n", 422, "row 0, field 'x2'"),
        (b'x0,x1,x2\n1,"2,3\n', 400, "not CSV"),
        (b"x0,x1,x2\n1,2,\xff\n", 400, "not text in UTF-8"),
        (b"x0,x1,x2\n" + b"1,2,3\n" * 1001, 413, "1001 rows"),
    ],
)
def test_csv_that_does_not_fit_is_told_with_row_and_field(
    lines: bytes, status: int, words: str
) -> None:
    refused = refusal(mlflow.read, lines, CSV, live(NUMBERS))
    assert refused.status == status
    assert words in refused.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "must be an object"),
        ({}, "send one of"),
        ({"rows": []}, "'rows' is not part"),
        ({"instances": [], "inputs": []}, "send one of"),
        ({"instances": []}, "no rows"),
        ({"instances": 3}, "must be a list"),
        ({"instances": [[1, 2]]}, "row 0 must be a list of 7 values"),
        ({"inputs": "text"}, "must be a list"),
        ({"dataframe_split": {"data": []}}, "the lists 'columns' and 'data'"),
        ({"dataframe_split": []}, "must be an object"),
        ({"dataframe_records": [ROW], "params": {"depth": 3}}, "'params' are not taken"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_request_is_refused(body: Any, words: str) -> None:
    refused = refusal(read, body)
    assert refused.status == 400
    assert words in refused.message


def test_a_model_of_one_column_takes_bare_values() -> None:
    table = read({"instances": [1.5, 2.5]}, live([Column("x", "number")]))
    assert [list(values) for values in table.columns] == [[1.5, 2.5]]


def test_the_answer_is_what_mlflows_clients_read_and_names_the_version() -> None:
    reply = mlflow.write(answered(LIVE, ["yes"], [[0.2, 0.8]]), read({"instances": [ROW]}))
    assert json.loads(reply.body) == {
        "predictions": ["yes"],
        "model": "plant",
        "version": 3,
        "ids": ["00c0ffee00c0ffee-17"],
    }
