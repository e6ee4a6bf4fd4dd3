"""Tensors of the Open Inference Protocol: every datatype, in JSON and in binary."""

import json
import struct
from typing import Any

import numpy
import pytest

from mlops_cli.registry.signature import Column
from mlops_cli.serving.protocols.v2 import metadata, rest
from mlops_cli.serving.protocols.v2.tensors import DATATYPES, from_bytes, to_bytes
from tests.serving.protocols.lives import NUMBERS, ROW, answered, live, refusal

LIVE = live()
TYPES = {"size": "FP64", "count": "INT64", "wild": "BOOL", "grade": "INT64"}


def tensor(name: str, *values: Any, datatype: str | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype or TYPES.get(name, "BYTES"),
        "shape": [len(values)],
        "data": list(values),
    }


GOOD = [tensor(name, value) for name, value in ROW.items()]


def read(inputs: Any, model: Any = LIVE, **beside: Any) -> Any:
    return rest.read(json.dumps({"inputs": inputs} | beside).encode(), {}, model)


def binary(tensors: list[tuple[dict[str, Any], bytes]], model: Any, **beside: Any) -> Any:
    inputs = [record | {"parameters": {"binary_data_size": len(raw)}} for record, raw in tensors]
    head = json.dumps({"inputs": inputs} | beside).encode()
    length = {b"inference-header-content-length": b"%d" % len(head)}
    return rest.read(head + b"".join(raw for _, raw in tensors), length, model)


def test_a_tensor_for_each_column_is_a_row() -> None:
    table = read(GOOD)
    assert [values[0] for values in table.columns] == list(ROW.values())
    deep = [one | {"shape": [1, 1], "data": [one["data"]]} for one in GOOD]
    assert read(deep).columns == table.columns


def test_one_tensor_has_all_columns_in_order_flat_or_nested() -> None:
    matrix = {"name": "input-0", "datatype": "FP32", "shape": [2, 3]}
    flat = read([matrix | {"data": [1.5, 2, 3, 4, 5, 6]}], live(NUMBERS))
    nested = read([matrix | {"data": [[1.5, 2, 3], [4, 5, 6]]}], live(NUMBERS))
    raw = struct.pack("<6f", 1.5, 2, 3, 4, 5, 6)
    packed = binary([(matrix, raw)], live(NUMBERS))
    for table in (flat, nested, packed):
        assert [list(values) for values in table.columns] == [[1.5, 4], [2, 5], [3, 6]]
    assert type(packed.columns[2][0]) is int


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name != "BYTES"])
def test_every_datatype_has_numpys_bytes(datatype: str) -> None:
    kinds = {"BOOL": "?", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}
    kind = kinds.get(datatype) or f"<{datatype[0].lower()}{int(datatype.lstrip('UINT')) // 8}"
    values = numpy.array([0, 1, 100], dtype=kind)
    assert to_bytes(datatype, values.tolist()) == values.tobytes()
    back = from_bytes("x", datatype, [3], values.tobytes())
    assert list(back.values) == values.tolist()
    assert refusal(from_bytes, "x", datatype, [3], values.tobytes()[:-1]).status == 400
    column = Column("x", "boolean" if datatype == "BOOL" else "integer")
    table = binary(
        [({"name": "x", "datatype": datatype, "shape": [3]}, values.tobytes())], live([column])
    )
    assert [type(value) for value in table.columns[0]] == [type(values.tolist()[0])] * 3 or (
        datatype.startswith("FP")
    )


def test_text_in_binary_has_lengths_before_it() -> None:
    raw = to_bytes("BYTES", ["größer", ""])
    table = binary(
        [({"name": "t", "datatype": "BYTES", "shape": [2]}, raw)], live([Column("t", "text")])
    )
    assert list(table.columns[0]) == ["größer", ""]
    for bad in (raw[:-1], raw + b"\0", raw[:3], b"", b"\xff\xff\xff\xff", raw + raw):
        assert refusal(from_bytes, "t", "BYTES", [2], bad).status == 400
    not_text = struct.pack("<I", 1) + b"\xff"
    refused = refusal(from_bytes, "t", "BYTES", [1], not_text)
    assert (refused.status, "value 0 is not text" in refused.message) == (422, True)


def test_nan_in_binary_is_a_missing_value() -> None:
    matrix = {"name": "x", "datatype": "FP64", "shape": [1, 3]}
    nan = float("nan")
    table = binary([(matrix, struct.pack("<3d", 1, nan, 3))], live(NUMBERS))
    assert [values[0] for values in table.columns] == [1, None, 3]
    refused = refusal(binary, [(matrix, struct.pack("<3d", nan, nan, 3))], live(NUMBERS))
    assert (refused.status, refused.message.startswith("row 0, field 'x0'")) == (422, True)


def changed(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [one | changes if one["name"] == name else one for one in GOOD]


@pytest.mark.parametrize(
    ("inputs", "status", "words"),
    [
        (3, 400, "send {"),
        ([], 422, "field 'size' is missing"),
        ([3], 400, "input 0 must be an object"),
        (GOOD[1:], 422, "field 'size' is missing"),
        ([*GOOD, GOOD[0]], 400, "'size' is there more than once"),
        ([*GOOD, tensor("extra", 1, datatype="INT8")], 422, "'extra' is not an input"),
        (changed("size", datatype="FP128"), 400, "datatype must be one of BOOL,"),
        (changed("size", datatype=None), 400, "got null"),
        (changed("size", shape=[2]), 400, "'data' has 1 values, the shape [2] 2"),
        (changed("size", shape=[-1]), 400, "the shape must be a list"),
        (changed("size", shape="1"), 400, "the shape must be a list"),
        (changed("size", shape=[1, 2], data=[1, 2]), 400, "must be [rows] or [rows, 1]"),
        (changed("size", shape=[1.0]), 400, "the shape must be a list"),
        (changed("size", shape=[]), 400, "the shape must be a list"),
        (changed("size", data="text"), 400, "'data' must be a list"),
        (changed("size", data=["7.5"]), 422, "row 0, input 'size' must be FP64, got the string"),
        (changed("size", data=[[[[1]]]]), 422, "must be FP64, got a list"),
        (changed("count", datatype="INT8", data=[300]), 422, "must be INT8, got 300"),
        (changed("count", datatype="UINT8", data=[-1]), 422, "must be UINT8, got -1"),
        (changed("count", data=[True]), 422, "must be INT64, got true"),
        (changed("count", datatype="FP32", data=[1.5]), 422, "field 'count' must be a whole"),
        (changed("soil", data=["sand"]), 422, "row 0, field 'soil' must be a value"),
        (changed("grade", data=[9]), 422, "row 0, field 'grade' must be a value"),
        (changed("seen", data=["now"]), 422, "row 0, field 'seen' must be a time"),
        (changed("count", shape=[2], data=[1, 2]), 422, "has 2 values, 'size' has 1"),
        (changed("size", parameters=3), 400, "'parameters' must be an object"),
        (changed("size", parameters={"binary_data_size": 8}), 400, "must be from 0 to 0"),
        ([one | {"shape": [0], "data": []} for one in GOOD], 400, "no rows"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_told_with_its_place(inputs: Any, status: int, words: str) -> None:
    refused = refusal(read, inputs)
    assert refused.status == status
    assert words in refused.message


def test_a_matrix_of_another_width_is_told_what_is_due() -> None:
    refused = refusal(read, [tensor("x", 1, 2) | {"shape": [1, 2], "datatype": "FP32"}])
    assert "must be [rows, 7]" in refused.message


@pytest.mark.parametrize("length", [b"0", b"-1", b"1e2", b"99999999999999999999", b"x", b"500"])
def test_a_head_longer_than_the_body_is_refused(length: bytes) -> None:
    headers = {b"inference-header-content-length": length}
    refused = refusal(rest.read, json.dumps({"inputs": GOOD[:1]}).encode(), headers, LIVE)
    assert refused.status == 400
    assert "Inference-Header-Content-Length must be" in refused.message


def test_bytes_that_belong_to_nothing_are_refused() -> None:
    record = {"name": "x0", "datatype": "FP32", "shape": [1]}
    refused = refusal(binary, [(record, b"1234"), (record | {"parameters": {}}, b"12345")], LIVE)
    assert refused.status == 400


def test_the_answer_has_what_was_asked_for() -> None:
    said = answered(LIVE, ["yes", "no"], [[0.2, 0.8], [0.7, 0.3]])
    table = read(GOOD, id="request 7")
    whole = json.loads(rest.write(said, table).body)
    assert (whole["model_name"], whole["model_version"], whole["id"]) == ("plant", "3", "request 7")
    outputs = {one["name"]: one for one in whole["outputs"]}
    assert outputs["predict"]["data"] == ["yes", "no"]
    assert outputs["predict_proba"]["shape"] == [2, 2]
    assert outputs["predict_proba"]["data"] == [0.2, 0.8, 0.7, 0.3]
    assert outputs["prediction_id"]["data"] == ["00c0ffee00c0ffee-17", "00c0ffee00c0ffee-18"]
    only = read(GOOD, outputs=[{"name": "predict_proba", "parameters": {"binary_data": True}}])
    reply = rest.write(said, only)
    ((name, length),) = reply.headers
    assert name == b"inference-header-content-length"
    head = json.loads(reply.body[: int(length)])
    assert [one["name"] for one in head["outputs"]] == ["predict_proba"]
    assert struct.unpack("<4d", reply.body[int(length) :]) == (0.2, 0.8, 0.7, 0.3)
    for bad in ([{"name": "nothing"}], [{"name": "predict"}] * 2, [3], 3):
        assert refusal(lambda outputs=bad: read(GOOD, outputs=outputs)).status == 400


def test_metadata_describe_what_is_taken_and_answered() -> None:
    said = metadata.model([LIVE])
    assert (said["name"], said["versions"]) == ("plant", ["3"])
    assert {one["name"]: one["datatype"] for one in said["inputs"]} == {
        **dict.fromkeys(ROW, "BYTES"),
        **TYPES,
    }
    assert [one["name"] for one in said["outputs"]] == ["predict", "predict_proba", "prediction_id"]
    regression = metadata.model([live(NUMBERS, classes=None)])
    assert regression["outputs"][0] == {"name": "predict", "datatype": "FP64", "shape": [-1]}


def test_a_page_of_another_site_cannot_ask_without_a_content_type() -> None:
    body = json.dumps({"inputs": GOOD}).encode()
    assert refusal(rest.read, body, {b"origin": b"https://evil.example"}, LIVE).status == 415
    assert refusal(rest.read, body, {b"content-type": b"text/plain"}, LIVE).status == 415
