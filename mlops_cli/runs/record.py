"""The record of one run: an immutable object that names all that went in and came out."""

from collections.abc import Mapping
from typing import Any, Literal

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, StateError

VERSION = 1

Status = Literal["running", "done", "failed", "interrupted", "killed"]
State = Literal["ran", "restored", "unchanged", "failed", "skipped"]
ObjectKind = Literal["file", "folder"]
Number = float | str
"""A number; those that JSON has no form for are "nan", "inf" and "-inf"."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder that a run read or wrote. Paths are POSIX, relative to the project."""

    path: str
    oid: ObjectId
    kind: ObjectKind
    size: int = 0
    step: str | None = None
    """The step that wrote it; None for inputs and for what a command logged itself."""


@dataclass(frozen=True, slots=True)
class Code:
    """The code that ran: see `code.State`, which says the same of a work tree.

    Attributes:
        commit: what was checked out.
        dirty: whether the work tree differed from it.
        snapshot: the commit that has all of the code; `commit` itself when nothing differed, None
            when there is none, and `problem` says why.
        bundle: an object, the git bundle of the snapshot; None when it is `commit`.
        left_out: why a path that differed is not in the snapshot, by path.
    """

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    snapshot: str | None = None
    bundle: ObjectId | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class StepRun:
    """What became of one step in a run.

    Attributes:
        key: hash of all that decides what the step produces; equal keys share outputs.
        run: key of the run that made the outputs: this one's if the step ran.
    """

    name: str
    key: ObjectId
    cmd: str | tuple[str, ...]
    deps: Mapping[str, ObjectId]
    params: Mapping[str, Any]
    outs: Mapping[str, Artifact]
    metrics: Mapping[str, Number]
    state: State
    seconds: float
    exit_code: int | None
    run: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the code logged: where it is, and the data it was fitted on, if it said so."""

    path: str
    data: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: of the pipeline, of some steps, of a command, or of a script by itself.

    Attributes:
        key: 12 hex digits given at the start.
        name: two words made from the key, for people.
        command: what was executed; a list was a command line.
        seconds: wall time.
        exit_code: of the command or the failed step; None when it was killed, and when it was mlo
            that found fault with what it wrote.
        params: values by dotted name.
        environment: an object, see `runs/environment.py`; None when it was killed too early.
        history: an object of JSON lines, every metric as it was logged.
        log: an object, what it printed.
        parent: key of the run that this one is a part of.
        engine: what ran it, when that was not mlo's own process on this machine.
        folder: where in the project a command was started; empty for the project's own folder.
        series: count, min and max of each metric that was logged more than once.
        seeds: of random generators, by library.
        files: what the code wrote into the record itself, such as figures, by name.
        usage: what it took of the machine in all, see `runs/sampler.py`.
        samples: an object of JSON lines, what it took as it went on.
    """

    id: ObjectId
    key: str
    name: str
    command: str | tuple[str, ...]
    started: str
    ended: str
    seconds: float
    status: Status
    exit_code: int | None
    who: Mapping[str, str]
    host: str
    code: Code
    params: Mapping[str, Any]
    environment: ObjectId | None
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    metrics: Mapping[str, Number] = field(default_factory=dict)
    history: ObjectId | None = None
    log: ObjectId | None = None
    steps: tuple[StepRun, ...] = ()
    models: tuple[Model, ...] = ()
    error: str | None = None
    """Why it failed, in one line."""
    parent: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    engine: str | None = None
    folder: str = ""
    series: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    seeds: Mapping[str, int | str] = field(default_factory=dict)
    files: tuple[Artifact, ...] = ()
    usage: Mapping[str, float] = field(default_factory=dict)
    samples: ObjectId | None = None

    @staticmethod
    def read(repo: Repository, oid: ObjectId) -> "Run":
        """Return the run that is recorded in an object.

        Raises:
            MissingObject: it is not in this store.
            IntegrityError: it is no run.
        """
        return decode(repo.objects.get(oid))

    def output(self, path: str) -> Artifact | None:
        """Return the output at a path, or None."""
        return next((one for one in self.outputs if one.path == path), None)


def encode(run: Run) -> tuple[Run, bytes]:
    """Return the run with its id, and the bytes that the id is of."""
    from mlops_cli.core.ids import object_id

    data = canonical.encode(_plain(run))
    return replace(run, id=object_id(data)), data


def decode(data: bytes) -> Run:
    """Return the run in the bytes of a record.

    Raises:
        IntegrityError: they are no record of a run.
        StateError: a newer mlo wrote it.
    """
    from mlops_cli.core.ids import object_id

    held = canonical.decode(data)
    if not isinstance(held, dict) or "v" not in held:
        raise IntegrityError("an object that should be the record of a run is none")
    if held["v"] != VERSION:
        raise StateError(f"a run has the format {held['v']}, unknown here", hint="use a newer mlo")
    try:
        return _run(object_id(data), held)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the record of a run is malformed: {error}") from error


def _plain(run: Run) -> dict[str, Any]:
    return {
        "v": VERSION,
        "key": run.key,
        "name": run.name,
        "command": _listed(run.command),
        "started": run.started,
        "ended": run.ended,
        "seconds": run.seconds,
        "status": run.status,
        "exit_code": run.exit_code,
        "who": dict(run.who),
        "host": run.host,
        "code": {
            "commit": run.code.commit,
            "branch": run.code.branch,
            "dirty": run.code.dirty,
            "snapshot": run.code.snapshot,
            "bundle": run.code.bundle,
            "left_out": dict(run.code.left_out),
            "problem": run.code.problem,
        },
        "params": dict(run.params),
        "environment": run.environment,
        "inputs": [_plain_artifact(one) for one in run.inputs],
        "outputs": [_plain_artifact(one) for one in run.outputs],
        "metrics": dict(run.metrics),
        "history": run.history,
        "log": run.log,
        "steps": [plain_step(step) for step in run.steps],
        "models": [
            {"path": one.path, "data": one.data, "target": one.target} for one in run.models
        ],
        "error": run.error,
        "parent": run.parent,
        "tags": list(run.tags),
        "note": run.note,
        "engine": run.engine,
        "folder": run.folder,
        "series": {name: dict(one) for name, one in run.series.items()},
        "seeds": dict(run.seeds),
        "files": [_plain_artifact(one) for one in run.files],
        "usage": dict(run.usage),
        "samples": run.samples,
    }


def plain_step(step: StepRun) -> dict[str, Any]:
    """Return a step as records and journals hold it."""
    return {
        "name": step.name,
        "key": step.key,
        "cmd": _listed(step.cmd),
        "deps": dict(step.deps),
        "params": dict(step.params),
        "outs": {path: _plain_artifact(out) for path, out in step.outs.items()},
        "metrics": dict(step.metrics),
        "state": step.state,
        "seconds": step.seconds,
        "exit_code": step.exit_code,
        "run": step.run,
    }


def _plain_artifact(one: Artifact) -> dict[str, Any]:
    return {
        "path": one.path,
        "oid": one.oid,
        "kind": one.kind,
        "size": one.size,
        "step": one.step,
    }


def _run(oid: ObjectId, held: dict[str, Any]) -> Run:
    return Run(
        id=oid,
        key=str(held["key"]),
        name=str(held["name"]),
        command=_command(held["command"]),
        started=str(held["started"]),
        ended=str(held["ended"]),
        seconds=float(held["seconds"]),
        status=held["status"],
        exit_code=held["exit_code"],
        who=dict(held["who"]),
        host=str(held["host"]),
        code=_code(held["code"]),
        params=dict(held["params"]),
        environment=_maybe_id(held["environment"]),
        inputs=tuple(_artifact(one) for one in held["inputs"]),
        outputs=tuple(_artifact(one) for one in held["outputs"]),
        metrics=dict(held["metrics"]),
        history=_maybe_id(held["history"]),
        log=_maybe_id(held["log"]),
        steps=tuple(read_step(step) for step in held["steps"]),
        models=tuple(Model(one["path"], one["data"], one["target"]) for one in held["models"]),
        error=held["error"],
        parent=held.get("parent"),
        tags=tuple(map(str, held.get("tags", ()))),
        note=held.get("note"),
        engine=held.get("engine"),
        folder=str(held.get("folder", "")),
        series={name: dict(one) for name, one in held.get("series", {}).items()},
        seeds=dict(held.get("seeds", {})),
        files=tuple(_artifact(one) for one in held.get("files", ())),
        usage=dict(held.get("usage", {})),
        samples=_maybe_id(held.get("samples")),
    )


def _code(held: dict[str, Any]) -> Code:
    """Return the code of a run; records from before there were snapshots have none."""
    return Code(
        commit=held["commit"],
        branch=held["branch"],
        dirty=bool(held["dirty"]),
        snapshot=held.get("snapshot"),
        bundle=_maybe_id(held.get("bundle")),
        left_out=dict(held.get("left_out", {})),
        problem=held.get("problem"),
    )


def read_step(held: dict[str, Any]) -> StepRun:
    """Return the step that `plain_step` gave this for."""
    return StepRun(
        name=str(held["name"]),
        key=_id(held["key"]),
        cmd=_command(held["cmd"]),
        deps={path: _id(oid) for path, oid in held["deps"].items()},
        params=dict(held["params"]),
        outs={path: _artifact(out) for path, out in held["outs"].items()},
        metrics=dict(held["metrics"]),
        state=held["state"],
        seconds=float(held["seconds"]),
        exit_code=held["exit_code"],
        run=str(held["run"]),
    )


def _artifact(held: dict[str, Any]) -> Artifact:
    if held["kind"] not in ("file", "folder"):
        raise ValueError(f"kind '{held['kind']}'")
    return Artifact(str(held["path"]), _id(held["oid"]), held["kind"], held["size"], held["step"])


def _listed(command: str | tuple[str, ...]) -> str | list[str]:
    return command if isinstance(command, str) else list(command)


def _command(held: str | list[str]) -> str | tuple[str, ...]:
    return held if isinstance(held, str) else tuple(map(str, held))


def _maybe_id(text: str | None) -> ObjectId | None:
    return None if text is None else _id(text)


def _id(text: str) -> ObjectId:
    if not is_id(text):
        raise ValueError(f"id '{text}'")
    return ObjectId(text)
