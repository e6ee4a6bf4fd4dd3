"""Naming a schema in the settings, and nothing else of them changed."""

from pathlib import Path

import pytest

from mlops_cli.core.repository import create, open_repository
from mlops_cli.data.validation.declare import declare
from mlops_cli.errors import RequestError

WRITTEN = "data:\n  data/raw.csv:\n    schema: schemas/raw.yaml\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, WRITTEN),
        ("# mine\n", "# mine\n\n" + WRITTEN),
        ("params: {a: 1}", "params: {a: 1}\n\n" + WRITTEN),
        ("data:\nparams: {}\n", WRITTEN + "params: {}\n"),
        (
            "data:\n    # why\n    other.csv: {key: id}\nparams: {}\n",
            "data:\n    # why\n    data/raw.csv:\n      schema: schemas/raw.yaml\n"
            "    other.csv: {key: id}\nparams: {}\n",
        ),
        (
            "data: {other.csv: {key: id}}\n",
            "data: {data/raw.csv: {schema: schemas/raw.yaml}, other.csv: {key: id}}\n",
        ),
        (
            "data:\n  data/raw.csv:\n    key: id  # rows\n",
            "data:\n  data/raw.csv:\n    schema: schemas/raw.yaml\n    key: id  # rows\n",
        ),
        (
            "data:\n  data/raw.csv: {key: id}\n",
            "data:\n  data/raw.csv: {schema: schemas/raw.yaml, key: id}\n",
        ),
    ],
)
def test_the_schema_is_named_and_all_else_stays(
    tmp_path: Path, before: str | None, after: str
) -> None:
    repo = create(tmp_path)
    file = tmp_path / ".mlops.yaml"
    file.unlink(missing_ok=True) if before is None else file.write_text(before)
    assert declare(repo, "data/raw.csv", "schemas/raw.yaml")
    assert file.read_text() == after
    assert not declare(open_repository(tmp_path), "data/raw.csv", "schemas/raw.yaml")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("data: {data/raw.csv: {schema: a.yaml}}\n", "names another schema for 'data/raw.csv'"),
        ("x: &x {key: id}\n", "'x' is not a known key"),
        ("data:\n  data/raw.csv: &x {key: id}\n  b.csv: *x\n", "cannot be edited safely"),
    ],
)
def test_what_cannot_be_edited_is_left_as_it_is(tmp_path: Path, before: str, told: str) -> None:
    repo = create(tmp_path)
    (tmp_path / ".mlops.yaml").write_text(before)
    with pytest.raises(RequestError, match=told):
        declare(repo, "data/raw.csv", "schemas/raw.yaml")
    assert (tmp_path / ".mlops.yaml").read_text() == before
