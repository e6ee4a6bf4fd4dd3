"""Making a model version: an artifact, and all that is known of where it came from."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlops_cli.core import tree
from mlops_cli.core.config_steps import is_path
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot, table
from mlops_cli.data.reference import split
from mlops_cli.data.restore import write_out
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry import events, formats, models, signature
from mlops_cli.registry.models import Input, Version
from mlops_cli.registry.signature import Signature
from mlops_cli.runs.record import Run, StepRun


@dataclass(frozen=True, slots=True)
class Registered:
    """The version, and whether it was made now; equal artifacts make no second version."""

    version: Version
    created: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What is about to become a version."""

    path: str
    oid: ObjectId
    kind: Literal["file", "folder"]
    run: Run | None
    data: Input | None
    target: str | None


def register(
    repo: Repository,
    name: str,
    *,
    run: Run | None = None,
    path: Path | None = None,
    trust: bool = False,
    force: bool = False,
) -> Registered:
    """Register what a run produced, or the model at `path`, as the next version of `name`.

    Args:
        repo: where.
        name: the model's name; a new one makes a new model.
        run: the run that made it.
        path: a model in the project that no run made.
        trust: the caller vouches for any code in the model's file; this is recorded.
        force: make a new version even of an artifact that is one already.

    Raises:
        RequestError: the run made no model or several, or the model needs trust.
        MissingObject: its bytes are not in this store.
    """
    with repo.writing():
        return _register(repo, name, run, path, trust=trust, force=force)


def _register(
    repo: Repository, name: str, run: Run | None, path: Path | None, *, trust: bool, force: bool
) -> Registered:
    events.check_name(name)
    found = _from_path(repo, name, path) if path is not None else _from_run(repo, name, run)
    described, columns = _inspect(repo, found, trust=trust)
    with repo.lock("register"):
        known = models.model(repo, name) if events.head(repo, name) else None
        if known is not None and not force:
            for version in reversed(known.versions):
                if version.artifact == found.oid:
                    return Registered(version, created=False)
        number = known.newest.number + 1 if known else 1
        record = _record(repo, found, described, columns, trust=trust)
        events.append(repo, name, "register", number, record)
        return Registered(models.model(repo, name).version(number), created=True)


def _from_path(repo: Repository, name: str, path: Path) -> _Candidate:
    kept = paths.relative(repo, path)
    with repo.objects.writer() as writer:
        taken = snapshot.take(repo, paths.locate(repo, kept), writer=writer)
    target = _settings(repo, name)[2]
    return _Candidate(kept, taken.oid, taken.kind, None, None, target)


def _from_run(repo: Repository, name: str, run: Run | None) -> _Candidate:
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
    return _Candidate(
        output.path,
        output.oid,
        output.kind,
        run,
        _training_data(repo, run, output.path, data),
        target,
    )


def _newest(repo: Repository, path: str | None) -> Run:
    """Return the newest run that was done and made a model."""
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        ids = index.ids("status = 'done'")
    for oid in ids:
        run = Run.read(repo, oid)
        if run.output(path) is not None if path else run.models:
            return run
    if path:
        raise RequestError(
            f"no run that was done has made '{path}'",
            hint="mlo run, or: mlo register NAME --path FILE",
        )
    raise RequestError(
        "no run that was done has made a model",
        hint="log it in the script with mlops_cli.api.log_model, or set models.NAME.path in "
        ".mlops.yaml to a step's output, then mlo run; or: mlo register NAME --path FILE",
    )


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
        return _input(repo, said, within)
    tables = [one for one in read if table.is_table(one)]
    return _input(repo, tables[0], read[tables[0]]) if len(tables) == 1 else None


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


def _input(repo: Repository, path: str, oid: ObjectId) -> Input:
    is_folder = repo.objects.has(oid) and repo.objects.kind(oid) is Kind.TREE
    return Input(path, oid, "folder" if is_folder else "file")


def _inspect(
    repo: Repository, found: _Candidate, *, trust: bool
) -> tuple[formats.Description, Signature | None]:
    """Return what the model's own file says, and what it takes; it must be loadable."""
    with tempfile.TemporaryDirectory(dir=repo.layout.tmp) as folder:
        target = Path(folder) / (found.path.rpartition("/")[2])
        write_out(repo, found.oid, found.kind, target)
        described = formats.describe(target)
        code = repo.root if trust else None
        predictor = formats.load(target, trust=trust, code=code, where=found.path)
        if described.signature is not None:
            return described, described.signature
        described = _complete(described, predictor)
        return described, _infer(repo, found, predictor.model)


def _complete(described: formats.Description, predictor: formats.Predictor) -> formats.Description:
    from dataclasses import replace

    return replace(described, task=predictor.task, classes=predictor.classes)


def _infer(repo: Repository, found: _Candidate, model: Any) -> Signature | None:
    """Return what a model takes that did not say so, from the table it was fitted on."""
    frame = None
    if found.data is not None and found.data.kind == "file" and table.is_table(found.data.path):
        try:
            frame = table.of_version(repo, found.data.oid, found.data.path)
        except MloError:
            frame = None
    try:
        return signature.for_model(model, frame, target=found.target)
    except RequestError:
        return signature.for_model(model, None)


def _record(
    repo: Repository,
    found: _Candidate,
    described: formats.Description,
    columns: Signature | None,
    *,
    trust: bool,
) -> dict[str, Any]:
    run = found.run
    inputs = [asdict(_input(repo, one.path, one.oid)) for one in run.inputs] if run else []
    return {
        "artifact": found.oid,
        "kind": found.kind,
        "path": found.path,
        "size": _size(repo, found.oid),
        "format": described.format,
        "trusted": trust and _needs_trust(repo, found),
        "run": run.id if run else None,
        "inputs": inputs,
        "data": None if found.data is None else asdict(found.data),
        "target": found.target or described.target,
        "commit": run.code.commit if run else None,
        "environment": run.environment if run else None,
        "task": described.task,
        "signature": None if columns is None else columns.to_dict(),
        "metrics": dict(run.metrics) if run else {},
    }


def _needs_trust(repo: Repository, found: _Candidate) -> bool:
    """Return whether the model loads only because the caller vouched for it."""
    with tempfile.TemporaryDirectory(dir=repo.layout.tmp) as folder:
        target = Path(folder) / (found.path.rpartition("/")[2])
        write_out(repo, found.oid, found.kind, target)
        return bool(formats.untrusted_types(target))


def _size(repo: Repository, oid: ObjectId) -> int:
    """Return the size of a file or folder in the store, in bytes over all files."""
    if repo.objects.kind(oid) is not Kind.TREE:
        return repo.objects.size(oid)
    return sum(
        entry.size
        for _, entry in tree.walk(repo.objects, oid)
        if entry.mode is not tree.Mode.FOLDER
    )
