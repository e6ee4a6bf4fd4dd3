"""Finding what is about to become a version: the artifact, its run, and its training table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlops_cli.core import tree
from mlops_cli.core.config_steps import is_path
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot, table
from mlops_cli.data.reference import split
from mlops_cli.errors import RequestError
from mlops_cli.registry.models import Input
from mlops_cli.runs.record import Run, StepRun


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is about to become a version.

    Attributes:
        path: where the artifact was made.
        data: the table that it was fitted on, as far as that is known.
        target: the column that it predicts, if somebody said so.
    """

    path: str
    oid: ObjectId
    kind: Literal["file", "folder"]
    run: Run | None
    data: Input | None
    target: str | None

    @property
    def file_name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def find(
    repo: Repository, name: str, *, run: Run | None, path: Path | None, data: Path | None
) -> Candidate:
    """Return what `run` made, or the model at `path`, fitted on `data`.

    Without both it is the newest run that made one: no part of another, such as a trial of a
    sweep, and none that reproduces another, since which of those came last says nothing.

    Raises:
        RequestError: the run made no model or several, or there is no such run.
    """
    return _from_path(repo, name, path, data) if path is not None else _from_run(repo, name, run)


def _from_path(repo: Repository, name: str, path: Path, data: Path | None) -> Candidate:
    _, said, target = _settings(repo, name)
    if data is None and said is not None and (repo.root / said).is_file():
        data = repo.root / said
    model = _taken(repo, path)
    table = None if data is None else _taken(repo, data)
    return Candidate(model.path, model.oid, model.kind, None, table, target)


def _taken(repo: Repository, path: Path) -> Input:
    kept = paths.relative(repo, path)
    with repo.objects.writer() as writer:
        taken = snapshot.take(repo, paths.locate(repo, kept), writer=writer)
    return Input(kept, taken.oid, taken.kind)


def _from_run(repo: Repository, name: str, run: Run | None) -> Candidate:
    declared, data, target = _settings(repo, name)
    run = run or _newest(repo, declared)
    logged = {one.path: one for one in run.models}
    if declared is None:
        declared = _only(run, list(logged))
    output = run.output(declared)
    if output is None:
        made = ", ".join(one.path for one in run.outputs) or "nothing"
        raise RequestError(
            f"run {run.name} did not make '{declared}', it made: {made}",
            hint=f"set models.{name}.path in .mlops.yaml, or name another --run",
        )
    said = logged.get(declared)
    data = data or (said.data if said else None)
    target = target or (said.target if said else None)
    return Candidate(
        output.path,
        output.oid,
        output.kind,
        run,
        _training_data(repo, run, output.path, data),
        target,
    )


def _newest(repo: Repository, path: str | None) -> Run:
    """Return the newest run of itself that was done and made a model."""
    from mlops_cli.runs.find import OF_ITSELF
    from mlops_cli.runs.finish import reap
    from mlops_cli.runs.index import open_index

    reap(repo)
    with open_index(repo) as index:
        if run := _first(repo, index.ids(f"status = 'done' AND {OF_ITSELF}"), path):
            return run
        part = _first(repo, index.ids(f"status = 'done' AND NOT ({OF_ITSELF})"), path)
    made = f"has made '{path}'" if path else "has made a model"
    if part is not None:
        raise RequestError(
            f"no run that was done {made}, but runs that are part of others, such as trials",
            hint=f"name the one: --run {part.name}, or --run best:METRIC",
        )
    if path:
        raise RequestError(
            f"no run that was done {made}",
            hint="mlo run, or: mlo register NAME --path FILE",
        )
    raise RequestError(
        f"no run that was done {made}",
        hint="log it in the script with mlops_cli.api.log_model, or set models.NAME.path in "
        ".mlops.yaml to a step's output, then mlo run; or: mlo register NAME --path FILE",
    )


def _first(repo: Repository, ids: Iterable[ObjectId], path: str | None) -> Run | None:
    """Return the first of some runs that made a model, that at `path` if there is one."""
    for oid in ids:
        run = Run.read(repo, oid)
        if run.output(path) is not None if path else run.models:
            return run
    return None


def _settings(repo: Repository, name: str) -> tuple[str | None, str | None, str | None]:
    """Return path, data and target as the settings give them."""
    held = repo.settings.models.get(name)
    return (held.path, held.data, held.target) if held else (None, None, None)


def _only(run: Run, logged: list[str]) -> str:
    if len(logged) == 1:
        return logged[0]
    if logged:
        raise RequestError(
            f"run {run.name} logged {len(logged)} models: {', '.join(logged)}",
            hint="set models.NAME.path in .mlops.yaml to the one you mean",
        )
    raise RequestError(
        f"run {run.name} logged no model",
        hint="set models.NAME.path in .mlops.yaml to the output that is the model",
    )


def _training_data(repo: Repository, run: Run, path: str, said: str | None) -> Input | None:
    """Return the table that the model at `path` was fitted on: named, or its step's only one."""
    maker = _maker(run, path)
    read = dict(_read(maker)) if maker else {one.path: one.oid for one in run.inputs}
    if said is not None:
        every = {**{one.path: one.oid for one in (*run.inputs, *run.outputs)}, **read}
        within = _within(repo, every, said)
        if within is None:
            raise RequestError(
                f"'{said}' is named as the training data, but run {run.name} did not read it",
                hint="data it read: " + (", ".join(sorted(read)) or "none"),
            )
        return input_of(repo, said, within)
    tables = [one for one in read if table.is_table(one)]
    return input_of(repo, tables[0], read[tables[0]]) if len(tables) == 1 else None


def _read(step: StepRun) -> Iterator[tuple[str, ObjectId]]:
    """Yield what a step read by path, versions of data by the path that they are of."""
    for dep, oid in step.deps.items():
        if is_path(dep):
            yield dep, oid
        elif dep.startswith("data:"):
            yield split(dep.removeprefix("data:"))[0], oid


def _within(repo: Repository, every: Mapping[str, ObjectId], path: str) -> ObjectId | None:
    """Return what is at `path`: one of `every`, or a file in a folder that is one of them."""
    if path in every:
        return every[path]
    folder, _, name = path.rpartition("/")
    above = _within(repo, every, folder) if folder else None
    if above is None or not repo.objects.has(above) or repo.objects.kind(above) is not Kind.TREE:
        return None
    return next((one.oid for one in tree.decode(repo.objects.get(above)) if one.name == name), None)


def _maker(run: Run, path: str) -> StepRun | None:
    for step in run.steps:
        if path in step.outs:
            return step
    return None


def input_of(repo: Repository, path: str, oid: ObjectId) -> Input:
    """Return a version of data as records name it."""
    is_folder = repo.objects.has(oid) and repo.objects.kind(oid) is Kind.TREE
    return Input(path, oid, "folder" if is_folder else "file")
