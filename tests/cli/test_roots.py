"""A remote can make a clone believe nothing that it could not read afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.cli.roots import bring
from mlops_cli.core.canonical import encode
from mlops_cli.core.objects import Kind
from mlops_cli.core.progress import SILENT
from mlops_cli.core.repository import create
from mlops_cli.errors import IntegrityError
from mlops_cli.registry import models
from mlops_cli.remotes.push import push
from tests.remotes.conftest import remote_of

EVENT = {
    "v": 1,
    "prev": None,
    "model": "m",
    "kind": "promote",
    "time": "2026-01-31T12:00:00.000000Z",
    "who": {"name": "Eve", "email": ""},
    "number": 1,
    "detail": {"stage": "production"},
}


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        (Kind.EVENT, {"a": 1}),
        (Kind.EVENT, EVENT),
        (Kind.EVENT, {**EVENT, "kind": "register", "detail": {}}),
        (Kind.EVENT, {**EVENT, "model": "other"}),
        (Kind.RUN, {"a": 1}),
        (Kind.RUN, {"v": 1, "key": 7}),
    ],
    ids=["nonsense", "never registered", "empty version", "another model", "run", "half a run"],
)
def test_records_that_make_no_sense_are_not_kept(
    tmp_path: Path, kind: Kind, record: Mapping[str, Any]
) -> None:
    evil, victim = create(tmp_path / "evil"), create(tmp_path / "victim")
    oid = evil.objects.put(encode(record), kind)
    if kind is Kind.EVENT:
        evil.refs.move({"models/m": (None, oid)})
    push(evil, remote_of(evil, tmp_path / "remote"))
    with pytest.raises(IntegrityError):
        bring(
            victim,
            remote_of(victim, tmp_path / "remote"),
            None,
            everything=True,
            progress=SILENT,
        )
    assert victim.refs.all() == {}
    assert models.names(victim) == []
    assert list(victim.objects.each(Kind.RUN)) == []
