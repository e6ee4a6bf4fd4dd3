"""The bodies of `/feedback`, and what is answered."""

import json
from typing import Any

import pytest

from mlops_cli.data.feedback import Label, Recorded
from mlops_cli.serving.protocols import labels
from tests.serving.protocols.lives import refusal

JSON = {b"content-type": b"application/json"}
ID = "00c0ffee00c0ffee-17"


def read(body: Any, most: int = 3) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return labels.read(data, JSON, most=most, now_us=7)


def test_one_label_or_several_with_or_without_a_time() -> None:
    assert read({"id": ID, "label": "yes"}) == [Label(ID, "yes", 7)]
    many = [{"id": ID, "label": 1.5, "time": "1970-01-01T00:00:01"}]
    many += [{"id": ID, "label": False, "time": "1970-01-01T01:00:01+01:00"}]
    assert read({"feedback": many}) == [Label(ID, 1.5, 1_000_000), Label(ID, False, 1_000_000)]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not JSON"),
        (b'{"id": "a", "id": "b"}', 400, "the name 'id' is twice"),
        ([], 400, "must be an object"),
        ({"feedback": []}, 400, "send {"),
        ({"feedback": [3]}, 400, "label 0 must be an object"),
        ({"feedback": [{"id": ID, "label": 1, "more": 2}]}, 400, "label 0 must be an object"),
        ({"feedback": [{"id": ID, "label": 1}] * 4}, 413, "4 labels are more than the 3"),
        ({"id": "17", "label": 1}, 422, "row 0, field 'id' must be a prediction id"),
        ({"id": ID}, 422, "row 0, field 'label' must be a value, got null"),
        ({"id": ID, "label": []}, 422, "field 'label' must be a value, got a list"),
        ({"id": ID, "label": 1, "time": "noon"}, 422, "field 'time' must be a time in ISO"),
        ({"id": ID, "label": 1, "time": 5}, 422, "field 'time' must be a time in ISO"),
        ({"id": ID, "label": 1, "time": "2050-01-01"}, 422, "field 'time' must not be still to"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_label_is_told_with_its_place(body: Any, status: int, words: str) -> None:
    refused = refusal(read, body)
    assert refused.status == status
    assert words in refused.message


def test_ids_that_nobody_knows_are_told() -> None:
    some = labels.write(Recorded(new=1, unknown=1, examples=(ID,)))
    none = labels.write(Recorded(unknown=1, examples=(ID,)))
    assert (some.status, none.status) == (200, 404)
    assert json.loads(none.body)["error"] == f"no prediction here has the id '{ID}'"


def test_labels_that_cannot_count_are_told() -> None:
    some = labels.write(Recorded(new=1, unusable=1, examples=(ID,)))
    none = labels.write(Recorded(unusable=1, examples=(ID,)))
    assert (some.status, none.status) == (200, 422)
    assert "cannot count" in json.loads(none.body)["error"]
