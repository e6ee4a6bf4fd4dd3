"""Promises of comparing what files say: numbers within the tolerance, all else equal."""

import io
import json
import zipfile

import numpy as np
import pytest

from mlops_cli.pipeline.reproduction.closeness import Tolerance
from mlops_cli.pipeline.reproduction.contents import compare

NEAR = 1.0 + 1e-12
ADDRESS = "an address in memory that scikit-learn keeps"


def saved(values) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def zipped(**values) -> bytes:
    out = io.BytesIO()
    np.savez(out, **values)
    return out.getvalue()


def archive(stamp: int, **parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as held:
        for name, data in parts.items():
            held.writestr(zipfile.ZipInfo(name.replace("_", "."), (stamp, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def schema(address: int, **values: str) -> bytes:
    """Return what skops writes of an object: its values, each with an address."""
    content = {
        name: {"__loader__": "JsonNode", "content": value, "__id__": address + at}
        for at, (name, value) in enumerate(values.items())
    }
    state = {"__class__": "dict", "content": content, "__id__": address}
    return json.dumps({"__class__": "Tfidf", "content": state}).encode()


@pytest.mark.parametrize(
    ("name", "then", "now"),
    [
        ("m.json", b'{"auc": 0.5, "n": [1, 2]}', b'{"n": [1, 2],  "auc": 0.5000000000001}'),
        ("m.json", b'{"auc": NaN}', b'{"auc":NaN}'),
        ("t.csv", b"a,b\n1.0,x\n2.0,\n", b"a,b\n1.0000000000001,x\n2.0,\n"),
        ("t.tsv", b"a\tb\n1\tx\n", b"a\tb\n1.0\tx\n"),
        ("t.jsonl", b'{"a": 1.0}\n', b'{"a": 1.0000000000001}\n'),
        ("x.npy", saved([1.0, np.nan]), saved([NEAR, np.nan])),
        ("x.npz", zipped(a=[1.0], b=["x"]), zipped(a=[NEAR], b=["x"])),
        ("x.zip", archive(1990, a_txt=b"a"), archive(1991, a_txt=b"a")),
        ("x.zip", archive(1990, a_npy=saved([1.0])), archive(1990, a_npy=saved([NEAR]))),
    ],
)
def test_numbers_close_enough_are_equal(name: str, then: bytes, now: bytes) -> None:
    assert compare(name, then, now, Tolerance()).equal


@pytest.mark.parametrize(
    ("name", "then", "now", "why"),
    [
        ("m.json", b'{"auc": 0.5}', b'{"auc": 0.6}', "auc: 0.5 -> 0.6"),
        ("m.json", b'{"auc": 0.5}', b'{"f1": 0.5}', "{'auc': 0.5} -> {'f1': 0.5}"),
        ("m.json", b'{"on": true}', b'{"on": 1}', "on: True -> 1"),
        ("m.json", b"{not", b"{NOT", "3 of 4 bytes differ"),
        ("t.csv", b"a\n1\n", b"a\n1\n2\n", "1 rows and 1 columns, 2 and 1 here"),
        ("t.csv", b"a\n1\n", b"b\n1\n", "it has other columns"),
        ("t.csv", b"a,b\n1,x\n", b"a,b\n1,y\n", "b: other values"),
        ("t.csv", b"a\n1\n4\n", b"a\n1\n3\n", "a: values apart by up to 0.25"),
        ("t.csv", b"a\n1\n", b"a\n\n", "1 rows and 1 columns, 0 and 1 here"),
        ("x.npy", saved([1.0, 2.0]), saved([1.0]), "shape (2,), (1,) here"),
        ("x.npy", saved([1.0, 2.0]), saved([1.0, np.nan]), "other values"),
        ("x.npy", saved([1.0, 2.0]), saved([1.0, np.inf]), "other values"),
        ("x.npz", zipped(a=[1]), zipped(b=[1]), "it holds other arrays"),
        ("x.zip", archive(1990, a_txt=b"a"), archive(1990, b_txt=b"a"), "it holds other parts"),
        (
            "m.skops",
            archive(1990, schema_json=schema(1, C="1.0"), a_npy=b"1"),
            archive(1990, schema_json=schema(9, C="2.0"), b_npy=b"1"),
            "C: '1.0' -> '2.0'",
        ),
        (
            "m.skops",
            archive(1990, schema_json=schema(1, C="1.0"), a_npy=b"1"),
            archive(1990, schema_json=schema(9, C="1.0"), b_npy=b"1"),
            "its parts are called by addresses in memory, as skops does by itself",
        ),
        (
            "m.skops",
            archive(1990, schema_json=schema(1, _stop_words_id="1")),
            archive(1990, schema_json=schema(9, _stop_words_id="2")),
            f"_stop_words_id: '1' -> '2', {ADDRESS}",
        ),
        ("m.zip", b"PK\3\4 is none", b"PK\3\4 as well", "5 of 12 bytes differ"),
        ("note.txt", b"one", b"two", "3 of 3 bytes differ"),
        ("note.txt", b"one", b"three", "3 bytes, 5 here"),
    ],
)
def test_what_differs_is_said(name: str, then: bytes, now: bytes, why: str) -> None:
    found = compare(name, then, now, Tolerance())
    assert (found.equal, found.why) == (False, why)


def test_a_metric_has_its_own_tolerance_in_its_file_too() -> None:
    then, now = (json.dumps({"fit": {"seconds": s}, "auc": 0.5}).encode() for s in (1.0, 3.0))
    assert not compare("m.json", then, now, Tolerance()).equal
    assert compare("m.json", then, now, Tolerance(named={"*.seconds": float("inf")})).equal


def test_arrays_that_would_run_code_are_compared_by_bytes() -> None:
    then, now = (saved(np.array([{"a": value}], dtype=object)) for value in (1, 2))
    assert not compare("x.npy", then, now, Tolerance()).equal
