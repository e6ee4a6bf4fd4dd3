"""The user of a request is found wherever the protocols put fields, and taken out."""

import json
from typing import Any

import pytest

from mlops_cli.serving.keys import of_header, taken_out
from mlops_cli.serving.refusal import Refused

ROW = {"size": 1.5}


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ({"user_id": "u1", "rows": [ROW]}, {"rows": [ROW]}),
        ({"rows": [{**ROW, "user_id": "u1"}] * 2}, {"rows": [ROW, ROW]}),
        ({"columns": {"size": [1], "user_id": ["u1"]}}, {"columns": {"size": [1]}}),
        (
            {"columns": ["user_id", "size"], "data": [["u1", 1], ["u1", 2]]},
            {"columns": ["size"], "data": [[1], [2]]},
        ),
        (
            {"dataframe_split": {"columns": ["size", "user_id"], "data": [[1, "u1"]]}},
            {"dataframe_split": {"columns": ["size"], "data": [[1]]}},
        ),
        ({"dataframe_records": [{**ROW, "user_id": "u1"}]}, {"dataframe_records": [ROW]}),
        ({"parameters": {"user_id": "u1"}, "inputs": []}, {"parameters": {}, "inputs": []}),
    ],
)
def test_the_field_is_found_and_taken_out(request_: Any, left: Any) -> None:
    key, body = taken_out(json.dumps(request_).encode(), "user_id", ["size"])
    assert (key, json.loads(body)) == (b"u1", left)


def test_an_input_of_the_model_stays() -> None:
    body = json.dumps({"rows": [{"user_id": 7}]}).encode()
    key, left = taken_out(body, "user_id", ["user_id"])
    assert (key, json.loads(left)) == (b"7", {"rows": [{"user_id": 7}]})


def test_a_number_and_its_text_are_the_same_user() -> None:
    assert (
        taken_out(b'{"user_id":7}', "user_id", [])[0]
        == taken_out(b'{"user_id":"7"}', "user_id", [])[0]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'{"rows":[]}',
        b'{"rows":"user_id"}',
        b'{"columns":["user_id"],"data":[1]}',
    ],
)
def test_what_has_no_such_field_comes_back_as_it_is(body: bytes) -> None:
    assert taken_out(body, "user_id", []) == (None, body)


@pytest.mark.parametrize("value", [None, True, 1.5, [1], {}, ""])
def test_what_is_no_key_counts_as_none(value: Any) -> None:
    assert taken_out(json.dumps({"user_id": value}).encode(), "user_id", [])[0] is None


def test_rows_of_different_users_are_refused() -> None:
    body = json.dumps({"rows": [{"user_id": "a"}, {"user_id": "b"}]}).encode()
    with pytest.raises(Refused, match="more than one 'user_id'") as caught:
        taken_out(body, "user_id", [])
    assert caught.value.status == 422


def test_a_header_has_the_key_where_that_is_said() -> None:
    assert of_header("header:X-User", {b"x-user": b"u1"}) == b"u1"
    assert of_header("header:X-User", {}) is None
    assert of_header("user_id", {b"user_id": b"u1"}) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows":[{"user_id":"a","user_id":"b","size":1}]}',
        b'{"user_id":"a","rows":[{"size":1,"size":2}]}',
    ],
)
def test_a_name_that_stands_twice_is_refused_before_it_is_lost(body: bytes) -> None:
    with pytest.raises(Refused, match="is twice in one object") as caught:
        taken_out(body, "user_id", [])
    assert caught.value.status == 400
