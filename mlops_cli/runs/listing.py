"""Which runs there are, in the order and number that somebody asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import open_run
from mlops_cli.runs.finish import reap
from mlops_cli.runs.index import Index, open_index
from mlops_cli.runs.metrics import number
from mlops_cli.runs.record import Number

STATUSES = ("running", "done", "failed", "interrupted", "killed")
_COLUMNS = ("started", "seconds", "name", "status", "command")


@dataclass(frozen=True, slots=True)
class Line:
    """One run in a list; `id` is None and `seconds` too while it is running."""

    id: ObjectId | None
    key: str
    name: str
    command: str
    started: str
    seconds: float | None
    status: str
    exit_code: int | None
    metrics: Mapping[str, Number]
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs in order, and how many there are in all that fit."""

    runs: tuple[Line, ...]
    total: int


def listing(
    repo: Repository,
    *,
    sort: str | None = None,
    status: str | None = None,
    limit: int | None = None,
) -> Listing:
    """Return the runs, newest first.

    `sort` names a column, a metric or a parameter: highest first, or with `-` before it lowest
    first; runs without it come last. `status` keeps those of one status.

    Raises:
        RequestError: no run has what is to be sorted by, or there is no such status.
    """
    if status is not None and status not in STATUSES:
        raise RequestError(f"'{status}' is no status", hint="one of: " + ", ".join(STATUSES))
    reap(repo)
    with open_index(repo) as index:
        ids = _sorted(index, sort, status)
        shown = ids if limit is None else ids[:limit]
        lines = _lines(index, shown)
    running = _running(repo) if status in (None, "running") else []
    return Listing((*running, *lines), len(ids) + len(running))


def _sorted(index: Index, sort: str | None, status: str | None) -> list[ObjectId]:
    where, values = ("status = ?", [status]) if status else ("1", [])
    ids = index.ids(where, values)
    if sort is None:
        return ids
    name, sign = (sort[1:], 1) if sort.startswith("-") else (sort, -1)
    keys = _sort_keys(index, name)
    if not keys:
        raise RequestError(
            f"no run has '{name}' to sort by",
            hint=f"a metric, a parameter, or one of: {', '.join(_COLUMNS)}",
        )
    having = [oid for oid in ids if keys.get(oid) is not None]
    numeric = all(isinstance(keys[oid], int | float) for oid in having)
    having.sort(key=lambda oid: keys[oid] if numeric else str(keys[oid]), reverse=sign < 0)
    return having + [oid for oid in ids if keys.get(oid) is None]


def _sort_keys(index: Index, name: str) -> dict[str, Any]:
    if name in _COLUMNS:
        return dict(index.connection.execute(f"SELECT id, {name} FROM runs"))  # noqa: S608  a known word
    query = "SELECT run, value FROM metrics WHERE name = ?"
    found: dict[str, Any] = dict(index.connection.execute(query, (name,)))
    if found:
        return found
    rows = index.connection.execute("SELECT run, value FROM params WHERE name = ?", (name,))
    return {run: json.loads(value) for run, value in rows}


def _lines(index: Index, ids: Sequence[ObjectId]) -> list[Line]:
    lines = []
    for oid in ids:
        key, name, command, started, seconds, status, exit_code = index.connection.execute(
            "SELECT key, name, command, started, seconds, status, exit_code FROM runs WHERE id = ?",
            (oid,),
        ).fetchone()
        metrics = index.connection.execute("SELECT name, value FROM metrics WHERE run = ?", (oid,))
        params = index.connection.execute("SELECT name, value FROM params WHERE run = ?", (oid,))
        lines.append(
            Line(
                id=oid,
                key=key,
                name=name,
                command=command,
                started=started,
                seconds=seconds,
                status=status,
                exit_code=exit_code,
                metrics={one: "nan" if at is None else number(at) for one, at in metrics},
                params={one: json.loads(value) for one, value in params},
            )
        )
    return lines


def _running(repo: Repository) -> list[Line]:
    heads = sorted(
        (run.head for run in open_run.each(repo)), key=lambda head: head.started, reverse=True
    )
    return [
        Line(
            None,
            head.key,
            head.name,
            head.command if isinstance(head.command, str) else " ".join(head.command),
            head.started,
            None,
            "running",
            None,
            {},
            head.params,
        )
        for head in heads
    ]
