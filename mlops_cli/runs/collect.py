"""What goes into the record of a run that has ended: all that its journal and its folder hold."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.clock import moment
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.data import ignore, paths, snapshot
from mlops_cli.errors import MloError
from mlops_cli.runs import marks, metrics, sampler, secrets
from mlops_cli.runs.head import End
from mlops_cli.runs.marks import Marks
from mlops_cli.runs.open_run import BUNDLE, LOG, STEPS, SYSTEM, OpenRun
from mlops_cli.runs.record import Artifact, Code, Model, Number, Run, StepRun, encode

Noted = tuple[StepRun, Sequence[Mapping[str, Any]]]
"""A step, and those of its inputs that no step made."""


class Collector:
    """Puts runs into one writer. What several have in common is made ready once."""

    def __init__(self, repo: Repository, writer: PackWriter) -> None:
        self._repo = repo
        self._writer = writer
        self._environments: dict[int, ObjectId] = {}

    def put(self, run: OpenRun, end: End, unnoted: Sequence[Noted] = ()) -> Run:
        """Put the record of a run and all that it names, and return it.

        Its journal was read by the caller. `unnoted` are steps that are noted nowhere. What was
        logged and cannot be stored is left out, and the record's `error` says so.

        Raises:
            ExternalError: its journal was removed while it went on, or the disk refuses.
        """
        try:
            os.stat(run.journal.path)
        except OSError as error:
            raise outside(error, run.journal.path) from error
        there = _there(run)
        head, writer = run.head, self._writer
        logged = run.journal.metrics
        collected = _collect(self._repo, run, writer, logged.last)
        noted = [*(run.steps() if STEPS in there else ()), *unnoted]
        steps = [step for step, _ in noted]
        inputs = [Artifact(**one) for _, group in noted for one in group]
        outputs = [out for step in steps for out in step.outs.values()]
        reported = _metrics(steps, collected.metrics)
        seconds = max((end.ended_ns - head.started_ns) / 1e9, 0.0)

        def kept(name: str) -> ObjectId | None:
            return _put_file(writer, run, name) if name in there else None

        samples = run.folder / SYSTEM if SYSTEM in there else None
        record, data = encode(
            Run(
                id=ObjectId(""),
                key=head.key,
                name=head.name,
                command=head.command,
                started=head.started,
                ended=moment(end.ended_ns),
                seconds=seconds,
                status=end.status,
                exit_code=end.exit_code,
                who=head.who,
                host=head.host,
                code=Code(**head.code, bundle=kept(BUNDLE)),
                params={**head.params, **collected.params},
                environment=self._environment(head.environment),
                inputs=_distinct([*inputs, *collected.inputs]),
                outputs=_distinct([*outputs, *collected.outputs]),
                metrics=reported,
                history=run.journal.put_metrics(writer),
                log=kept(LOG),
                steps=tuple(steps),
                models=tuple(collected.models),
                error=end.error or (collected.problems[0] if collected.problems else None),
                parent=head.parent,
                tags=tuple(dict.fromkeys((*head.tags, *collected.marks.tags))),
                note=collected.marks.note or head.note,
                engine=head.engine,
                folder=head.folder,
                series=logged.series(reported),
                seeds=collected.marks.seeds,
                files=tuple(_files(run, writer)) if run.files.name in there else (),
                usage=sampler.summary(samples, seconds=seconds, known=end.taken),
                samples=kept(SYSTEM),
            )
        )
        writer.put(data, Kind.RUN)
        return record

    def _environment(self, held: Mapping[str, Any]) -> ObjectId:
        """Put an environment; runs that were begun one after the other share it."""
        known = self._environments.get(id(held))
        if known is None:
            known = self._writer.put(canonical.encode(dict(held)))
            self._environments[id(held)] = known
        return known


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


def _collect(
    repo: Repository,
    run: OpenRun,
    writer: PackWriter,
    reported: dict[str, dict[str, Number]],
) -> _Collected:
    """Return what was logged beside the metrics."""
    said = run.journal.said
    found = _Collected(metrics=reported, marks=marks.read(said))
    for line in said:
        if "params" in line:
            found.params.update(secrets.masked(line["params"]))
        elif "path" in line:
            _collect_artifact(repo, line, writer, found)
    if not found.outputs:
        return found
    try:
        _ignore(repo, {one.path for one in found.outputs})
    except MloError as error:
        found.problems.append(f"git was not told to ignore what was logged: {error.message}")
    return found


def _ignore(repo: Repository, made: Collection[str]) -> None:
    """Have git ignore what a run made and git does not know yet, as it ignores outputs of steps."""
    from mlops_cli.core import git

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
        groups.setdefault(step or metrics.WITHOUT, values)
    return metrics.merge(groups)


def _there(run: OpenRun) -> frozenset[str]:
    """Return the names in the folder of a run; many have none."""
    try:
        return frozenset(os.listdir(run.folder))
    except FileNotFoundError:
        return frozenset()


def _put_file(writer: PackWriter, run: OpenRun, name: str) -> ObjectId | None:
    """Put one of the run's files, and return its id; None when it is empty."""
    path = f"{run.folder}/{name}"
    return writer.put_file(path)[0] if os.stat(path).st_size else None


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
