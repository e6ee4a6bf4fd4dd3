"""Which runs there are: those that fit, in the order and number that somebody asked for."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlops_cli.core import journal
from mlops_cli.core.conditions import MISSING
from mlops_cli.core.expression import Expression
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import filters, open_run, said
from mlops_cli.runs.filters import COLUMNS, Sql
from mlops_cli.runs.find import resolve
from mlops_cli.runs.finish import reap
from mlops_cli.runs.index import Index, open_index
from mlops_cli.runs.metrics import merge
from mlops_cli.runs.names import SHARED
from mlops_cli.runs.order import ordered
from mlops_cli.runs.record import Number

STATUSES = ("running", "done", "failed", "interrupted", "killed")
_AT_ONCE = 10_000
_TAIL = 64 * 1024  # bytes of a journal in which the last of each metric is, as a rule


@dataclass(frozen=True, slots=True)
class Line:
    """One run in a list; `id` is None and `seconds` too while it is running.

    Attributes:
        tags: by name; "" is the value of a tag that has none.
        children: how many runs have this one as their parent, such as the trials of a sweep; not
            the one that made what these share.
        depth: how far it is below the run at the top that it is shown under.
        reproduced: whether it could be made again; None when nobody tried.
    """

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
    ended: str | None = None
    parent: str | None = None
    who: str | None = None
    host: str | None = None
    branch: str | None = None
    revision: str | None = None
    note: str | None = None
    reproduced: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    children: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs in order, and how many there are in all that fit; children shown below count not.

    Attributes:
        unreadable: records of runs that are damaged, malformed, or of a newer mlo, with the reason.
    """

    runs: tuple[Line, ...]
    total: int
    unreadable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are asked for.

    Attributes:
        filter: a condition on columns, metrics, parameters and tags.
        status: one of `STATUSES`.
        tags: each `name` or `name=value`; all must be there.
        since: a moment; runs that began earlier are left out.
        removed: those that were taken off the list, in the place of the others.
        children: "below" their parents, "beside" other runs, or "hidden".
    """

    filter: Expression | None = None
    status: str | None = None
    tags: Sequence[str] = ()
    since: str | None = None
    removed: bool = False
    children: str = "beside"


_ALL = Wanted()


def listing(
    repo: Repository,
    wanted: Wanted = _ALL,
    *,
    sort: Sequence[str] = (),
    limit: int | None = None,
    columns: Sequence[str] = (),
) -> Listing:
    """Return the runs that are wanted, newest first.

    Each of `sort` names a column, a metric or a parameter: highest first, or with `-` before it
    lowest first. Later ones decide between runs that are equal in the earlier. What is not finite
    comes after all numbers, and runs without it come last.

    Raises:
        RequestError: no run has what is to be sorted by or to be shown as one of `columns`, or
            there is no such status.
    """
    if wanted.status is not None and wanted.status not in STATUSES:
        raise RequestError(f"'{wanted.status}' is no status", hint="one of: " + ", ".join(STATUSES))
    reap(repo)
    with open_index(repo) as index:
        filters.prepare(index)
        _check_columns(index, columns)
        running = _running(repo, wanted)
        where = _where(index, wanted, [line.key for line in running])
        lines = _lines(index, ordered(index, where, sort, limit))
        total = _count(index, where)
        if wanted.children == "below":
            lines = _with_children(index, lines)
        unreadable = dict(index.unreadable())
    return Listing((*running, *lines), total + len(running), unreadable)


def _check_columns(index: Index, columns: Sequence[str]) -> None:
    names = filters.Names(index)
    for name in columns:
        if name != "tags" and names.find(name) is None:
            _, hint = names.unknown(name)
            columns_hint = f"--columns {','.join(COLUMNS[:6])}"
            raise RequestError(
                f"no run has '{name}' to show", hint=hint if hint.endswith("?") else columns_hint
            )


def lines_of(
    repo: Repository, wanted: Wanted, references: Sequence[str] | None = None
) -> list[Line]:
    """Return the runs that have ended: those that references mean, or all that are wanted.

    Raises:
        RequestError: a reference fits no run, or the condition names what no run has.
    """
    chosen = None if not references else [resolve(repo, text).id for text in references]
    if chosen is None:
        reap(repo)
    with open_index(repo) as index:
        filters.prepare(index)
        where = _where(index, wanted, ())
        if chosen is not None:
            some = Sql("runs.id IN (SELECT value FROM json_each(?))", (json.dumps(chosen),))
            where = filters.joined(" AND ", [where, some])
        return _lines(index, ordered(index, where, (), None))


def matching(repo: Repository, wanted: Wanted) -> list[ObjectId]:
    """Return the ids of the runs that have ended and are wanted, newest first.

    Raises:
        RequestError: the condition names what no run has.
    """
    return [line.id for line in lines_of(repo, wanted) if line.id is not None]


def _where(index: Index, wanted: Wanted, running: Sequence[str]) -> Sql:
    parts = [Sql("runs.removed" if wanted.removed else "NOT runs.removed")]
    if wanted.status is not None:
        parts.append(Sql("runs.status = ?", (wanted.status,)))
    if wanted.since is not None:
        parts.append(Sql("runs.started >= ?", (wanted.since,)))
    for name, value in said.parsed(wanted.tags).items():
        kind, held = filters.typed(filters.Column("tags", name))
        test = Sql(f"{kind.text} IS NOT NULL", kind.values)
        parts.append(test if not value else Sql(f"{held.text} = ?", (*held.values, value)))
    if wanted.children != "beside":
        parts.append(
            Sql(
                "(runs.parent IS NULL OR (runs.parent NOT IN (SELECT value FROM json_each(?)) AND "
                "NOT EXISTS (SELECT 1 FROM runs AS above WHERE above.key = runs.parent "
                "AND NOT above.removed)))",
                (json.dumps(list(running)),),
            )
        )
    if wanted.filter is not None:
        parts.append(filters.condition(index, wanted.filter))
    return filters.joined(" AND ", parts)


def _count(index: Index, where: Sql) -> int:
    told = "JOIN told ON told.run = runs.n" if "told." in where.text else ""
    row = index.connection.execute(
        f"SELECT count(*) FROM runs {told} WHERE {where.text}",  # noqa: S608  our own text
        where.values,
    ).fetchone()
    return int(row[0])


_READ = (
    "SELECT n, id, key, name, command, started, seconds, status, exit_code, "  # noqa: S608  ours
    "metrics, params, "
    "ended, parent, who, host, branch, revision, note, reproduced, tags, "
    "(SELECT count(*) FROM runs AS below WHERE below.parent = runs.key AND NOT below.removed "
    f"AND below.name != runs.name || '{SHARED}') "
    "FROM runs JOIN told ON told.run = runs.n WHERE n IN (SELECT value FROM json_each(?))"
)


def _lines(index: Index, numbers: Sequence[int]) -> list[Line]:
    lines: list[Line] = []
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        rows = index.connection.execute(_READ, (json.dumps(list(some)),))
        found = {row[0]: _line(row[1:]) for row in rows}
        lines.extend(found[n] for n in some if n in found)
    return lines


def _line(row: Sequence[Any]) -> Line:
    held = list(row)
    for at in (8, 9, 18):
        held[at] = json.loads(held[at])
    held[17] = None if held[17] is None else bool(held[17])
    return Line(*held)


def _with_children(index: Index, lines: Sequence[Line], depth: int = 0) -> list[Line]:
    """Return the lines, each followed by the runs below it, oldest first."""
    found: list[Line] = []
    for line in lines:
        found.append(replace(line, depth=depth))
        rows = index.connection.execute(
            "SELECT n FROM runs WHERE parent = ? AND NOT removed ORDER BY started", (line.key,)
        )
        below = _lines(index, [row[0] for row in rows])
        fresh = [one for one in below if one.key != line.key]
        found += _with_children(index, fresh, depth + 1)
    return found


def _running(repo: Repository, wanted: Wanted) -> list[Line]:
    """Return the runs that have not ended, with what they have logged of late."""
    if wanted.removed or wanted.status not in (None, "running"):
        return []
    lines = [_open_line(run) for run in open_run.each(repo)]
    lines.sort(key=lambda line: line.started, reverse=True)
    keys = {line.key for line in lines}
    return [line for line in lines if _fits(line, wanted, keys)]


def _fits(line: Line, wanted: Wanted, keys: set[str]) -> bool:
    if wanted.since is not None and line.started < wanted.since:
        return False
    if wanted.children != "beside" and line.parent in keys:
        return False
    for name, value in said.parsed(wanted.tags).items():
        if name not in line.tags or value not in ("", line.tags[name]):
            return False
    return wanted.filter is None or wanted.filter.holds(looked_up(line))


def looked_up(line: Line) -> Callable[[str], Any]:
    """Return what answers what a name stands for in a run."""
    groups: dict[str, Mapping[str, Any]] = {
        "metrics": {name: float(value) for name, value in line.metrics.items()},
        "params": line.params,
        "tags": line.tags,
    }

    def look_up(name: str) -> Any:
        if name in COLUMNS:
            return getattr(line, name)
        group, _, rest = name.partition(".")
        if group in groups and rest:
            return groups[group].get(rest, MISSING)
        return next((held[name] for held in groups.values() if name in held), MISSING)

    return look_up


def _open_line(run: open_run.OpenRun) -> Line:
    head = run.head
    return Line(
        id=None,
        key=head.key,
        name=head.name,
        command=head.command if isinstance(head.command, str) else " ".join(head.command),
        started=head.started,
        seconds=None,
        status="running",
        exit_code=None,
        metrics=_lately(run),
        params=head.params,
        parent=head.parent,
        who=head.who.get("name"),
        host=head.host,
        branch=head.code.get("branch"),
        revision=head.code.get("commit"),
        note=head.note,
        tags=said.parsed(head.tags),
    )


def _lately(run: open_run.OpenRun) -> dict[str, Number]:
    """Return the last values of the metrics that an open run logged of late."""
    found: dict[str, dict[str, Number]] = {}
    for line in journal.tail(run.journal.path, _TAIL):
        values = line.get("metrics")
        if isinstance(values, dict):
            found.setdefault(str(line.get("by", "")), {}).update(values)
    return merge(found)
