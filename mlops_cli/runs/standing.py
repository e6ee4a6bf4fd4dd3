"""All that is known of one run: its record, and what was said or made of it since."""

import json
from collections.abc import Mapping
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject
from mlops_cli.runs import reproduced
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run
from mlops_cli.runs.reproduced import Statement


@dataclass(frozen=True, slots=True)
class Relative:
    """A run above or below another."""

    key: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A run, and what it is in the midst of.

    Attributes:
        tags, note: as they are now; the record has those it began with.
        reproduced: whether it could be made again; None when nobody tried.
        statement: who said so, and what was found.
        parent: the run that it is a part of; its status is empty when it is not here.
        children: its parts, oldest first.
        environment: see `runs/environment.py`; empty when it is not here.
    """

    run: Run
    tags: Mapping[str, str]
    note: str | None
    reproduced: bool | None
    statement: Statement | None
    removed: bool
    parent: Relative | None
    children: tuple[Relative, ...]
    environment: Mapping[str, Any]


def standing(repo: Repository, run: Run) -> Standing:
    """Return what is known of a run."""
    with open_index(repo) as index:
        note, holds, removed, tags = index.connection.execute(
            "SELECT note, reproduced, removed, tags FROM runs JOIN told ON told.run = n "
            "WHERE id = ?",
            (run.id,),
        ).fetchone()
        below = index.connection.execute(
            "SELECT key, name, status FROM runs WHERE parent = ? AND NOT removed ORDER BY started",
            (run.key,),
        ).fetchall()
        parent = None
        if run.parent is not None:
            above = index.connection.execute(
                "SELECT status FROM runs WHERE key = ?", (run.parent,)
            ).fetchone()
            status = "" if above is None else str(above[0])
            parent = Relative(run.parent, index.name_of(run.parent), status)
    return Standing(
        run,
        json.loads(tags),
        note,
        None if holds is None else bool(holds),
        None if holds is None else reproduced.latest(repo, run),
        bool(removed),
        parent,
        tuple(Relative(*row) for row in below),
        _environment(repo, run.environment),
    )


def _environment(repo: Repository, oid: ObjectId | None) -> Mapping[str, Any]:
    try:
        return {} if oid is None else dict(canonical.decode(repo.objects.get(oid)))
    except MissingObject:
        return {}
