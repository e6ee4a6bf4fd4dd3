"""Whatever bytes come in, in any protocol, are a table or a refusal, never another exception."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlops_cli.serving.guard.encoding import ENCODINGS, plain
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols import mlflow, rows
from mlops_cli.serving.protocols.v2 import rest
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Table
from tests.serving.protocols.lives import EVERY_KIND, NUMBERS, ROW, live

LIVES = (live(), live(NUMBERS), live([EVERY_KIND[0]], classes=None))
JSON = {b"content-type": b"application/json"}
NAMES = st.sampled_from(
    ["rows", "columns", "data", "index", "inputs", "outputs", "name", "datatype", "shape", "id"]
    + ["dataframe_split", "dataframe_records", "instances", "params", "parameters"]
    + ["binary_data_size", "binary_data", *ROW, "x0", "x1", "x2"]
)
WORDS = st.sampled_from(["FP32", "INT8", "BYTES", "BOOL", "predict", "loam", "\ud800", *ROW])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | WORDS
    | st.sampled_from(list(ROW.values()))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=25,
)
GOOD = [
    {"rows": [ROW]},
    {"columns": {name: [value] for name, value in ROW.items()}},
    {"columns": list(ROW), "data": [list(ROW.values())]},
    {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 3], "data": [1, 2, 3]}]},
    {"instances": [list(ROW.values())]},
    {"inputs": {name: [value] for name, value in ROW.items()}},
]


@st.composite
def nearly_good(draw: Any) -> bytes:
    """A good body of which one value is another, or one piece of its bytes."""
    body = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    at: Any = body
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key] or draw(st.booleans()):
            break
        at = at[key]
    at[key] = draw(VALUES)
    data = json.dumps(body).encode()
    cut = draw(st.integers(0, len(data)))
    return draw(st.sampled_from([data, data[:cut], data[:cut] + b"\xff" + data[cut:]]))


READERS = {
    "rows": lambda body, model: rows.read(body, JSON, model),
    "mlflow": lambda body, model: mlflow.read(body, JSON, model),
    "csv": lambda body, model: mlflow.read(body, {b"content-type": b"text/csv"}, model),
    "v2": lambda body, model: rest.read(body, {}, model),
    "v2 binary": lambda body, model: rest.read(
        body, {b"inference-header-content-length": b"%d" % (len(body) * 3 // 4)}, model
    ),
}


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60) | VALUES.map(lambda v: json.dumps(v).encode()) | nearly_good())
@example(body=b"[" * 100_000)
@example(body=b'{"a":' * 100_000)
@example(body=b"9" * 100_000)
@example(body=b'{"rows": [' + b"9" * 5000 + b"]}")
@example(body=b"\xef\xbb\xbf{}")
@example(body=b"")
def test_anything_is_a_table_or_a_refusal(reader: str, body: bytes) -> None:
    for model in LIVES:
        judge(READERS[reader], body, model)


MANY = [f"c{number}" for number in range(20_000)]
WIDE: dict[str, Any] = {
    "columns": {"columns": {name: [1] for name in MANY}},
    "data": {"columns": MANY, "data": [[1] * len(MANY)]},
    "inputs": {"inputs": {name: [1] for name in MANY}},
    "tensors": {
        "inputs": [{"name": name, "datatype": "INT8", "shape": [1], "data": [1]} for name in MANY]
    },
}


@pytest.mark.parametrize("form", ["rows", "csv", *WIDE])
def test_a_million_columns_are_refused_with_few_words(form: str) -> None:
    if form == "rows":
        fields = ",".join([f'"c{number}":1' for number in range(10**6)])
        body = f'{{"rows":[{{{fields}}}]}}'
    elif form == "csv":
        body = f"{','.join(MANY)}\n{','.join('1' for _ in MANY)}"
    else:
        body = json.dumps(WIDE[form])
    reader = {"inputs": "mlflow", "csv": "csv", "tensors": "v2"}.get(form, "rows")
    refused = taken_or_refused(lambda: READERS[reader](body.encode(), LIVES[0]))
    assert refused.status == 422
    assert "field '" in refused.message
    assert len(refused.body()) < 5000


def judge(read: Any, body: bytes, model: Live) -> None:
    table = taken_or_refused(lambda: read(body, model))
    if isinstance(table, Refused):
        assert 400 <= table.status < 500
        assert table.message
        assert json.loads(table.body())["error"]
    else:
        assert isinstance(table, Table)
        assert {len(values) for values in table.columns} == {table.rows}


def taken_or_refused(read: Any) -> Any:
    """Return what comes of it, which is a refusal or what was read."""
    try:
        return read()
    except Refused as refused:
        return refused


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_packed_bytes_are_a_body_or_a_refusal(encoding: str, body: bytes) -> None:
    made = taken_or_refused(lambda: plain(body, encoding.encode(), 1000))
    assert len(made) <= 1000 if isinstance(made, bytes) else made.status in {400, 413}
