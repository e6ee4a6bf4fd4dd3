"""Many runs at a glance, read from the index alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import open_run
from mlops_cli.runs.finish import reap
from mlops_cli.runs.index import Index, open_index


@dataclass(frozen=True, slots=True)
class Listed:
    """One run in a list; an open one has no id yet, and is known by its key."""

    id: ObjectId | None
    key: str
    name: str
    command: str
    started: str
    seconds: float | None
    status: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


def listed(
    repo: Repository, *, sort: str | None = None, status: str | None = None, limit: int = 20
) -> list[Listed]:
    """Return runs, newest first; those that are open now come before all others.

    Args:
        repo: where the runs are.
        sort: a metric to order by, largest first; with `-` before it, smallest first. Runs
            without it are left out.
        status: only runs of this status.
        limit: at most so many.

    Raises:
        RequestError: no run has the metric to sort by.
    """
    reap(repo)
    with open_index(repo) as index:
        ids = _ordered(index, sort, status, limit)
        ended = [_row(index, oid) for oid in ids]
    if sort is not None or status not in (None, "running"):
        return ended
    running = [_running(run) for run in open_run.each(repo)]
    return [*reversed(running), *ended][:limit]


def _ordered(index: Index, sort: str | None, status: str | None, limit: int) -> list[ObjectId]:
    where, values = ("1", []) if status is None else ("status = ?", [status])
    if sort is None:
        return index.ids(where, values, limit=limit)
    name = sort.removeprefix("-")
    direction = "ASC" if sort.startswith("-") else "DESC"
    rows = index.connection.execute(
        f"SELECT runs.id FROM metrics JOIN runs ON runs.id = metrics.run "  # noqa: S608  our text
        f"WHERE metrics.name = ? AND metrics.value IS NOT NULL AND NOT removed AND ({where}) "
        f"ORDER BY metrics.value {direction}, started DESC LIMIT ?",
        (name, *values, limit),
    ).fetchall()
    if not rows:
        raise RequestError(
            f"no run has the metric '{name}'", hint="see what they have: mlo runs list --json"
        )
    return [ObjectId(row[0]) for row in rows]


def _row(index: Index, oid: ObjectId) -> Listed:
    ask = index.connection.execute
    key, name, command, started, seconds, status = ask(
        "SELECT key, name, command, started, seconds, status FROM runs WHERE id = ?", (oid,)
    ).fetchone()
    metrics = ask("SELECT name, value FROM metrics WHERE run = ? ORDER BY name", (oid,))
    params = ask("SELECT name, value FROM params WHERE run = ? ORDER BY name", (oid,))
    return Listed(
        id=oid,
        key=key,
        name=name,
        command=command,
        started=started,
        seconds=seconds,
        status=status,
        metrics=dict(metrics.fetchall()),
        params={name: json.loads(value) for name, value in params},
    )


def _running(run: open_run.OpenRun) -> Listed:
    head = run.head
    command = head.command if isinstance(head.command, str) else " ".join(head.command)
    return Listed(
        id=None,
        key=head.key,
        name=head.name,
        command=command,
        started=head.started,
        seconds=None,
        status="running",
        params=dict(head.params),
    )
