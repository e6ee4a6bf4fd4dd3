"""The project as a run found it: its code in a work tree, its data at its place, no outputs."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_cli.core import git, git_snapshot
from mlops_cli.core.config_steps import is_path
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, pointer
from mlops_cli.data.checkout import checkout
from mlops_cli.data.restore import restore
from mlops_cli.errors import MissingObject, RequestError, StateError
from mlops_cli.pipeline import outputs
from mlops_cli.pipeline.plan import Resolve
from mlops_cli.pipeline.reproduction.supplies import Supplies
from mlops_cli.runs import code
from mlops_cli.runs.record import Run

_SHOWN = 3


def commit_of(repo: Repository, run: Run, supplies: Supplies) -> str:
    """Return the commit that has a run's code, brought here if it was elsewhere.

    Raises:
        StateError: there is none, or git lacks the commit that it was made on.
        MissingObject: the bundle that holds it is nowhere.
    """
    if run.code.snapshot is None and run.code.commit is not None and not run.code.dirty:
        return git.resolve(repo.root, run.code.commit)  # from before there were snapshots
    if run.code.bundle is not None:
        try:
            supplies.bring([run.code.bundle], f"the code of run {run.name}")
        except MissingObject:
            if run.code.snapshot is None or not git_snapshot.has(repo.root, run.code.snapshot):
                raise
    return code.materialize(repo, run)


def bring(run: Run, supplies: Supplies) -> None:
    """Have all data here that a run read: its inputs, and versions that its steps refer to.

    Raises:
        MissingObject: some of it is nowhere.
    """
    for one in run.inputs:
        supplies.bring([one.oid], f"'{one.path}', which run {run.name} read,")
    for step in run.steps:
        for dep, oid in step.deps.items():
            if dep.startswith(("model:", "data:")):
                called = dep.partition(":")[2]
                supplies.bring([oid], f"'{called}', which step '{step.name}' read,")


def lay_out(aside: Repository, run: Run, supplies: Supplies) -> list[str]:
    """Put a run's inputs at their places, clear those of its outputs; return what there is to say.

    A command may read versioned data without saying so: what pointers of its code name is put
    there too, as far as it can be had.
    """
    notes = []
    if run.code.left_out:
        told = [f"{path} ({why})" for path, why in run.code.left_out.items()]
        notes.append(f"not in the snapshot of the code: {_few(told)}")
    if run.engine is not None:
        notes.append(f"it ran by {run.engine}, and is made again by this machine")
    if (aside.root / ".gitmodules").exists():
        notes.append("submodules are not checked out")
    if not run.steps:
        notes += _follow_pointers(aside, {one.path for one in run.inputs}, supplies)
    inputs = {one.path for one in run.inputs}
    for out in run.outputs:
        if out.path not in inputs:
            outputs.clear(aside, out.path)
    for one in run.inputs:
        target = paths.locate(aside, one.path)
        if not _is_there(aside, target, one.oid):
            restore(aside, one.oid, one.kind, target, force=True)
    return notes


def resolver(run: Run) -> Resolve:
    """Return what looks up versions that steps refer to, as they were when the run was made."""
    known = {dep: oid for step in run.steps for dep, oid in step.deps.items() if not is_path(dep)}

    def resolve(reference: object) -> ObjectId:
        key = str(getattr(reference, "key", ""))
        if key not in known:
            raise RequestError(f"run {run.name} does not say what '{key}' was")
        return known[key]

    return resolve


def check(run: Run) -> None:
    """Raise StateError unless there is something to make again, and to compare with."""
    if run.status != "done":
        raise StateError(
            f"run {run.name} {_ended(run)}, so there is no result to make again",
            hint="runs that can be: mlo runs list --filter 'status == \"done\"'",
        )
    if not run.outputs and not run.metrics:
        raise StateError(
            f"run {run.name} recorded no outputs and no metrics, so there is nothing to compare",
            hint="name what a command writes: mlo run --output PATH -- CMD",
        )
    if not run.steps and isinstance(run.command, str):
        raise StateError(
            f"run {run.name} is of parts, such as a sweep's trials; only these can be made again",
            hint=f"reproduce one of those: mlo runs show {run.name}",
        )


def _follow_pointers(aside: Repository, told: set[str], supplies: Supplies) -> Iterator[str]:
    """Check out versioned data of the code that the run does not name; yield what is nowhere."""
    lacking = []
    for found in pointer.each(aside):
        if found.path in told:
            continue
        try:
            supplies.bring([found.oid], f"'{found.path}'")
            checkout(aside, [aside.root / found.path])
        except MissingObject:
            lacking.append(found.path)
    if lacking:
        yield f"versioned data that is nowhere, and may not be needed: {_few(lacking)}"


def _is_there(aside: Repository, target: Path, oid: ObjectId) -> bool:
    from mlops_cli.data import snapshot

    return os.path.lexists(target) and snapshot.take(aside, target).oid == oid


def _ended(run: Run) -> str:
    return {"failed": "failed", "interrupted": "was interrupted", "killed": "was killed"}.get(
        run.status, "has not ended"
    )


def _few(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
