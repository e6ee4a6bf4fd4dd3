"""Recording a run that has ended: its record and what it names appear together or not at all."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_cli.audit import chain
from mlops_cli.core import canonical, worktrees
from mlops_cli.core.clock import moment
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.repository import Repository
from mlops_cli.data import ignore, paths, snapshot
from mlops_cli.errors import MloError
from mlops_cli.runs import marks, metrics, sampler, secrets
from mlops_cli.runs.marks import Marks
from mlops_cli.runs.open_run import (
    ARTIFACTS,
    CHILDREN,
    MARKS,
    METRICS,
    PARAMS,
    SYSTEM,
    OpenRun,
    orphans,
)
from mlops_cli.runs.record import Artifact, Code, Model, Number, Run, Status, StepRun, encode


def finish(
    repo: Repository,
    run: OpenRun,
    *,
    status: Status,
    exit_code: int | None,
    error: str | None = None,
    ended_ns: int | None = None,
    taken: Mapping[str, float] | None = None,
) -> Run:
    """Record a run and remove its folder.

    What it logged that cannot be stored is left out, and the record's `error` says so. How it
    ended is on disk first: when storing fails, the next command records it just the same. `taken`
    is what is known of its use of the machine beside the samples; a run of this process knows it.
    """
    ended_ns = ended_ns or time.time_ns()
    taken = run.stop_sampling() if taken is None else taken
    run.note_end(
        {
            "status": status,
            "exit_code": exit_code,
            "error": error,
            "ended_ns": ended_ns,
            "taken": dict(taken),
        }
    )
    seconds = max((ended_ns - run.head.started_ns) / 1e9, 0.0)
    with repo.objects.writer() as writer:
        collected = _collect(repo, run, writer)
        steps = [step for step, _ in run.steps()]
        inputs = [Artifact(**one) for _, group in run.steps() for one in group]
        outputs = [out for step in steps for out in step.outs.values()]
        record, data = encode(
            Run(
                id=ObjectId(""),
                key=run.head.key,
                name=run.head.name,
                command=run.head.command,
                started=run.head.started,
                ended=moment(ended_ns),
                seconds=seconds,
                status=status,
                exit_code=exit_code,
                who=run.head.who,
                host=run.head.host,
                code=Code(**run.head.code, bundle=_put_file(writer, run, run.bundle.name)),
                params={**run.head.params, **collected.params},
                environment=writer.put(canonical.encode(dict(run.head.environment))),
                inputs=_distinct([*inputs, *collected.inputs]),
                outputs=_distinct([*outputs, *collected.outputs]),
                metrics=_metrics(steps, collected.metrics),
                history=_put_file(writer, run, METRICS),
                log=_put_file(writer, run, run.log.name),
                steps=tuple(steps),
                models=tuple(collected.models),
                error=error or (collected.problems[0] if collected.problems else None),
                parent=run.head.parent,
                tags=tuple(dict.fromkeys((*run.head.tags, *collected.marks.tags))),
                note=collected.marks.note or run.head.note,
                engine=run.head.engine,
                folder=run.head.folder,
                series=run.logged().series(),
                seeds=collected.marks.seeds,
                files=tuple(_files(run, writer)),
                usage=sampler.summary(run.folder / SYSTEM, seconds=seconds, known=taken),
                samples=_put_file(writer, run, SYSTEM),
            )
        )
        writer.put(data, Kind.RUN)
    _audit(repo, record)
    run.close()
    return record


def reap(repo: Repository) -> list[Run]:
    """Record the runs whose process was killed, or could not record them, and return them.

    What such a run left running is stopped first: it must not write to the work tree beside
    whatever comes next. Work trees that mlo made and nobody works in any more are removed.
    """
    found = []
    for room in worktrees.orphans(repo.layout):
        found += reap(Repository(room.layout))
        room.close()
    for run in orphans(repo):
        recorded = _recorded(repo, run.head.key)
        end = run.end()
        if recorded is not None:
            _audit(repo, recorded)
            run.close()
        elif end is not None:
            found.append(finish(repo, run, **end))
        else:
            run.stop_orphans()
            _store_leftovers(repo, run)
            last_ns = max(file.stat().st_mtime_ns for file in run.folder.iterdir())
            found.append(finish(repo, run, status="killed", exit_code=None, ended_ns=last_ns))
    return found


def _store_leftovers(repo: Repository, run: OpenRun) -> None:
    """Store what a killed step left at its outputs, so that it is never in the way of the next."""
    noted = {path for step, _ in run.steps() for path in step.outs}
    for line in run.lines(CHILDREN):
        for path in line["outs"]:
            target = paths.locate(repo, path)
            if path not in noted and target.exists():
                with repo.objects.writer() as writer:
                    snapshot.take(repo, target, writer=writer)


@dataclass(slots=True)
class _Collected:
    """What the code of a run logged through the API."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, dict[str, Number]] = field(default_factory=dict)
    inputs: list[Artifact] = field(default_factory=list)
    outputs: list[Artifact] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)


def _collect(repo: Repository, run: OpenRun, writer: PackWriter) -> _Collected:
    found = _Collected(metrics=run.logged().last, marks=marks.read(run.lines(MARKS)))
    for line in run.lines(PARAMS):
        found.params.update(secrets.masked(line.get("params", {})))
    for line in run.lines(ARTIFACTS):
        _collect_artifact(repo, line, writer, found)
    try:
        _ignore(repo, {one.path for one in found.outputs})
    except MloError as error:
        found.problems.append(f"git was not told to ignore what was logged: {error.message}")
    return found


def _ignore(repo: Repository, made: Collection[str]) -> None:
    """Have git ignore what a run made and git does not know yet, as it ignores outputs of steps."""
    from mlops_cli.core import git

    if not made:
        return
    tracked = git.is_tracked(repo.root, sorted(made))
    fresh = {
        path
        for path in made
        if path not in tracked and not any(one.startswith(path + "/") for one in tracked)
    }
    ignore.ignore_all(repo.root, fresh - git.is_ignored(repo.root, sorted(fresh)))


def _collect_artifact(
    repo: Repository, line: Mapping[str, Any], writer: PackWriter, found: _Collected
) -> None:
    path = str(line["path"])
    if line.get("role") == "model":
        found.models = [one for one in found.models if one.path != path]
        found.models.append(Model(path, line.get("data"), line.get("target")))
    try:
        taken = snapshot.take(repo, paths.locate(repo, path), writer=writer)
    except MloError as error:
        reason = error.message.replace(f"{repo.root}/", "")
        found.problems.append(f"'{path}' was logged but not kept: {reason}")
        return
    artifact = Artifact(path, taken.oid, taken.kind, taken.size, line.get("by"))
    (found.inputs if line.get("role") == "input" else found.outputs).append(artifact)


def _metrics(
    steps: Sequence[StepRun], logged: Mapping[str, Mapping[str, Number]]
) -> dict[str, Number]:
    groups = {step.name: step.metrics for step in steps}
    for step, values in logged.items():
        groups.setdefault(step or "run", values)
    return metrics.merge(groups)


def _put_file(writer: PackWriter, run: OpenRun, name: str) -> ObjectId | None:
    """Put one of the run's files, and return its id; None when it is empty or not there."""
    path: Path = run.folder / name
    if not path.exists() or not path.stat().st_size:
        return None
    return writer.put_file(path)[0]


def _files(run: OpenRun, writer: PackWriter) -> Iterator[Artifact]:
    """Put what the code wrote into the record itself; links are not followed."""
    for path in sorted(run.files.rglob("*")):
        if path.is_file() and not path.is_symlink():
            oid, size = writer.put_file(path)
            yield Artifact(path.relative_to(run.files).as_posix(), oid, "file", size)


def _distinct(artifacts: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Return the artifacts sorted by path; of two with one path, the first."""
    found: dict[str, Artifact] = {}
    for one in artifacts:
        found.setdefault(one.path, one)
    return tuple(found[path] for path in sorted(found))


def _recorded(repo: Repository, key: str) -> Run | None:
    """Return the run with this key if its record was already stored."""
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        oid = index.with_key(key)
    return None if oid is None else Run.read(repo, oid)


def _audit(repo: Repository, run: Run) -> None:
    detail = {"run": run.id, "status": run.status, "commit": run.code.commit}
    chain.record(repo, "run", run.key, detail)
