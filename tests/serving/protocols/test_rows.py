"""The bodies of `/predict`: three forms of one table, and words for what is none."""

import json
from typing import Any

import pytest

from mlops_cli.serving.protocols import rows
from tests.serving.protocols.lives import ROW, live, refusal

JSON = {b"content-type": b"application/json"}
LIVE = live()
NAMES = list(LIVE.signature.names)
VALUES = [ROW[name] for name in NAMES]


def read(body: Any) -> Any:
    return rows.read(body if isinstance(body, bytes) else json.dumps(body).encode(), JSON, LIVE)


def test_rows_columns_and_pandas_split_are_one_table() -> None:
    by_row = read({"rows": [ROW, ROW]})
    by_column = read({"columns": {name: [value] * 2 for name, value in ROW.items()}})
    split = read({"columns": NAMES, "index": [5, 6], "data": [VALUES, VALUES]})
    backwards = read({"data": [VALUES[::-1]] * 2, "columns": NAMES[::-1]})
    for table in (by_row, by_column, split, backwards):
        assert table.rows == 2
        assert [list(values) for values in table.columns] == [[value] * 2 for value in VALUES]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"columns": NAMES, "data": []}, 400, "no rows"),
        ({"columns": NAMES, "data": [VALUES, VALUES[:3]]}, 400, "row 1 must be a list of 7 values"),
        ({"columns": NAMES, "data": [3]}, 400, "row 0 must be a list of 7 values, got 3"),
        ({"columns": NAMES, "data": [[3]]}, 400, "row 0 must be a list of 7 values, got 1 value"),
        ({"columns": [*NAMES[:-1], "size"], "data": [VALUES]}, 400, "'size' is there more than"),
        ({"columns": [*NAMES[:-1], 3], "data": [VALUES]}, 400, "column 6 must be a string"),
        ({"columns": NAMES[:-1], "data": [VALUES[:-1]]}, 422, "field 'seen' is missing"),
        ({"columns": "size", "data": []}, 400, "must be lists"),
        ({"columns": NAMES, "data": [VALUES] * 1001}, 413, "1001 rows"),
        (b'{"rows": [{"size": 1}]}', 422, "'count' is missing"),
        (b'{"rows": [{"size": 1, "size": 2}]}', 400, "the name 'size' is twice in one object"),
        (b'{"columns": {"size": [1], "size": [2]}}', 400, "the name 'size' is twice"),
        (
            json.dumps({"rows": [ROW]}).replace("}", ', "count": 5}', 1).encode(),
            400,
            "the name 'count' is twice in one object",
        ),
        (b'{"rows": [], "rows": [1]}', 400, "the name 'rows' is twice in one object"),
        (json.dumps({"rows": [ROW | {"note": "a\ud800b"}]}).encode(), 422, "half of a surrogate"),
        ({"rows": [ROW | {"soil": "sand"}]}, 422, "row 0, field 'soil' must be a value that"),
        ({"rows": [ROW | {"count": 10**30}]}, 422, "row 0, field 'count' must be a whole number"),
        ({"rows": [ROW | {"size": float("nan")}]}, 422, "send null for a missing value"),
        ({"rows": [ROW | {f"x{i}": i for i in range(1000)}]}, 422, "'x0' is not an input"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_told_with_its_place(body: Any, status: int, words: str) -> None:
    refused = refusal(read, body)
    assert refused.status == status
    assert words in refused.message


def test_a_colon_in_a_text_is_no_second_name() -> None:
    table = read({"rows": [ROW | {"note": 'a "b": "c": d'}]})
    assert table.columns[5] == ('a "b": "c": d',)


@pytest.mark.parametrize(
    "content_type",
    [b"", b"text/plain", b"application/jsonp", b"application/json; charset=latin-1"],
)
def test_another_content_type_is_refused(content_type: bytes) -> None:
    refused = refusal(rows.read, b"{}", {b"content-type": content_type}, LIVE)
    assert refused.status == 415
    assert "Content-Type: application/json" in refused.message
