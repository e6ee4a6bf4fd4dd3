import pytest

from mlops_cli.core.ids import object_id
from mlops_cli.core.lockfile import LockedOutput, LockedStep, decode, encode, read
from mlops_cli.errors import RequestError

STEP = LockedStep(
    cmd=("python", "train.py"),
    deps={"data/raw.csv": object_id(b"raw")},
    params={"train.depth": 3, "name": "päth", "list": [1, 2.5, None]},
    outs={"model": LockedOutput(object_id(b"model"), "folder", 12)},
    metrics={"auc": 0.5, "loss": "nan"},
    run="0123456789ab",
    workdir="src",
    uncached={"report.html": LockedOutput(object_id(b"report"), "file", 6)},
)


def test_what_is_written_reads_back_equal() -> None:
    assert decode(encode({"train": STEP}), where="mlo.lock") == {"train": STEP}


def test_a_missing_file_holds_no_steps(tmp_path) -> None:
    assert read(tmp_path / "mlo.lock") == {}


def test_the_file_is_yaml_with_one_fact_a_line() -> None:
    import yaml

    text = encode({"train": STEP}).decode()
    assert yaml.safe_load(text)["steps"]["train"]["params"]["train.depth"] == 3
    assert sum(object_id(b"raw") in line for line in text.splitlines()) == 1


def test_what_the_store_does_not_keep_is_no_output_that_others_look_for() -> None:
    import json

    held = json.loads(encode({"train": STEP}))["steps"]["train"]
    assert held["outs"]["report.html"]["cache"] is False
    assert "cache" not in held["outs"]["model"]
    assert list(STEP.outs) == ["model"]
    assert list(STEP.written) == ["model", "report.html"]


def test_conflict_markers_are_named_by_line() -> None:
    data = encode({"train": STEP}).replace(b' "steps"', b'<<<<<<< HEAD\n "steps"')
    with pytest.raises(RequestError, match="line 2 has a merge conflict"):
        decode(data, where="mlo.lock")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"version": 2, "steps": {}}',
        b'{"version": 1}',
        b'{"version": 1, "steps": {"a": {}}}',
        encode({"train": STEP}).replace(object_id(b"raw").encode(), b"short"),
        encode({"train": STEP}).replace(b'"folder"', b'"socket"'),
        b'{"version": 1, "steps": {"a": {"cmd": "x", "outs": {"b": 1}}}}',
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError, match=r"'mlo.lock' is not a lock file"):
        decode(data, where="mlo.lock")
