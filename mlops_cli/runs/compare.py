"""How runs differ: parameters, metrics, data, code and environment."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.layout import LOCKFILE
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject, MloError, RequestError
from mlops_cli.runs import code, code_files
from mlops_cli.runs.find import before, resolve
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run

_GROUPS = ("v", "threads", "variables", "packages", "hashes", "editable", "locks")


@dataclass(frozen=True, slots=True)
class Package:
    """A version of a package, and the hash of its files as far as that is known."""

    version: str
    hash: str | None

    def __str__(self) -> str:
        return self.version


@dataclass(frozen=True, slots=True)
class Row:
    """One thing in each run; None where a run does not have it.

    `difference` is the last value less the first, of metrics only.
    """

    name: str
    values: tuple[Any, ...]
    difference: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side, by name and id; sections without rows are left out.

    `same` has the titles of those that every run has something of, and none differs in. `patches`
    has what turns the code of the first run into that of each other one; None where not all of the
    code is known, and nothing at all unless it was asked for.
    """

    names: tuple[str, ...]
    ids: tuple[ObjectId, ...]
    sections: tuple[Section, ...]
    same: tuple[str, ...]
    patches: tuple[str | None, ...] = ()


def compare(
    repo: Repository,
    references: Sequence[str],
    *,
    everything: bool = False,
    patch: bool = False,
) -> Comparison:
    """Return how the runs differ, or with `everything` also what they have in common.

    Without references the last two runs are compared; one is compared with the run before it.

    Raises:
        RequestError: a reference fits no run, or there are fewer than two runs.
    """
    runs = _chosen(repo, references)
    differences = [_difference_of_code(repo, runs[0], run) for run in runs[1:]]
    sections = (
        Section("parameters", _rows([run.params for run in runs])),
        Section("metrics", _rows([run.metrics for run in runs], difference=_difference)),
        Section("data", _rows([_data(run) for run in runs])),
        Section("code", (*_rows([_code(run) for run in runs]), *_files(differences))),
        Section("environment", _rows([_environment(repo, run) for run in runs])),
    )
    kept = [
        Section(section.title, section.rows if everything else tuple(differing(section.rows)))
        for section in sections
    ]
    return Comparison(
        tuple(run.name for run in runs),
        tuple(run.id for run in runs),
        tuple(section for section in kept if section.rows),
        tuple(
            section.title for section in sections if section.rows and not differing(section.rows)
        ),
        tuple(differences) if patch else (),
    )


def differing(rows: Sequence[Row]) -> list[Row]:
    """Return the rows in which not all values are equal."""
    return [row for row in rows if any(_differ(value, row.values[0]) for value in row.values[1:])]


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other) or isinstance(one, bool) is not isinstance(other, bool)


def _chosen(repo: Repository, references: Sequence[str]) -> list[Run]:
    if len(references) >= 2:
        return [resolve(repo, text) for text in references]
    last = resolve(repo, references[0] if references else "last")
    with open_index(repo) as index:
        earlier = before(index, last)
    if earlier is None:
        raise RequestError("there is no earlier run to compare with", hint="mlo runs list")
    return [Run.read(repo, earlier), last]


def _rows(
    columns: Sequence[Mapping[str, Any]],
    *,
    difference: Callable[[Sequence[Any]], float | None] = lambda values: None,  # noqa: ARG005
) -> tuple[Row, ...]:
    names = sorted({name for column in columns for name in column})
    rows = []
    for name in names:
        values = tuple(column.get(name) for column in columns)
        rows.append(Row(name, values, difference(values)))
    return tuple(rows)


def _difference(values: Sequence[Any]) -> float | None:
    first, last = values[0], values[-1]
    if isinstance(first, int | float) and isinstance(last, int | float):
        return last - first
    return None


def _data(run: Run) -> dict[str, str]:
    return {one.path: short(one.oid) for one in run.inputs}


def _code(run: Run) -> dict[str, str | None]:
    steps = {f"{step.name} command": _line(step.cmd) for step in run.steps}
    return {
        "command": _line(run.command),
        "commit": run.code.commit and run.code.commit[:10],
        "not committed": "yes" if run.code.dirty else None,
        **steps,
    }


def _line(command: str | tuple[str, ...]) -> str:
    return command if isinstance(command, str) else " ".join(command)


def _difference_of_code(repo: Repository, first: Run, other: Run) -> str | None:
    """Return the patch between the code of two runs; None where that of one is not here.

    `mlo.lock` is no code: it tells what a pipeline made before.
    """
    try:
        return code_files.without(code.difference(repo, first, other), LOCKFILE)
    except MloError:
        return None


def _files(patches: Sequence[str | None]) -> tuple[Row, ...]:
    """Return a row for each file of code that is not the same as in the first run."""
    columns = [
        {"files": "not all known"}
        if patch is None
        else {one.path: str(one) for one in code_files.changed(patch)}
        for patch in patches
    ]
    rows = _rows([{}, *columns])
    return tuple(sorted(rows, key=lambda row: row.name))


def _environment(repo: Repository, run: Run) -> dict[str, Any]:
    if run.environment is None:
        return {}
    try:
        held = canonical.decode(repo.objects.get(run.environment))
    except MissingObject:
        return {}
    hashes = held.get("hashes", {})
    return {
        "host": run.host,
        **{name: value for name, value in held.items() if name not in _GROUPS},
        **held.get("threads", {}),
        **held.get("variables", {}),
        **{f"{name} from": url for name, url in held.get("editable", {}).items()},
        **{name: oid[:10] for name, oid in held.get("locks", {}).items()},
        **{
            name: Package(version, hashes.get(name))
            for name, version in held.get("packages", {}).items()
        },
    }
