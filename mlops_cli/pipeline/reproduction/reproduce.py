"""Reproducing a run: made again in a clean work tree, compared, and what was found stated."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlops_cli.core import canonical, git
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject, stop_with
from mlops_cli.pipeline.reproduction import (
    differences,
    materials,
    rebuild,
    sameness,
    surroundings,
)
from mlops_cli.pipeline.reproduction.again import Again
from mlops_cli.pipeline.reproduction.causes import Cause
from mlops_cli.pipeline.reproduction.closeness import Tolerance
from mlops_cli.pipeline.reproduction.diagnosis import diagnose
from mlops_cli.pipeline.reproduction.differences import Difference
from mlops_cli.pipeline.reproduction.sameness import Compared, CompareModels, Verdict
from mlops_cli.pipeline.reproduction.supplies import Supplies
from mlops_cli.pipeline.reproduction.surroundings import Surroundings
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.runs import reproduced
from mlops_cli.runs.record import Run
from mlops_cli.runs.worktree import worktree

Tell = Callable[[str], None]

_STATED = 50
"""As many rows of each kind are kept in a statement."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to reproduce.

    Attributes:
        same_env: use the environment that is here as it is.
        times: how often; all of them must hold.
        keep: leave the work tree of the last time.
    """

    tolerance: Tolerance = field(default_factory=Tolerance)
    same_env: bool = False
    times: int = 1
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of it.

    Attributes:
        run: name of the run.
        again: names of the runs that made it again.
        environment: which one it was made in.
        notes: what was not as it should be, or was left out.
        outputs: each one that was compared; of several times the worst.
        differences: what is otherwise in the environment.
        first: the step where it first came out otherwise; None for a command.
        causes: what is or may be to blame, the proven first.
        kept: the work tree that was left.
        unsigned: why the statement has no signature, though git is set to sign.
    """

    run: str
    key: str
    verdict: Verdict
    again: tuple[str, ...]
    environment: str
    notes: tuple[str, ...]
    outputs: tuple[Compared, ...]
    metrics: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    first: str | None = None
    causes: tuple[Cause, ...] = ()
    kept: Path | None = None
    unsigned: str | None = None


def reproduce(
    repo: Repository,
    run: Run,
    wanted: Wanted,
    *,
    environ: Mapping[str, str],
    compare_models: CompareModels,
    watcher: Watcher,
    tell: Tell,
    progress: Progress = SILENT,
) -> Reproduction:
    """Make a run again, compare, and record a statement of what was found.

    `watcher` is told how the steps go, `tell` what is being done beside.

    Raises:
        StateError: there is nothing to make again or to compare, its code is not recorded, or
            some of what it needs is nowhere.
        ExternalError: its environment cannot be rebuilt, or git or the disk refuses.
        KeyboardInterrupt: somebody asked to stop; nothing is stated then.
    """
    materials.check(run)
    supplies = Supplies(repo, tell=tell, progress=progress)
    commit = materials.commit_of(repo, run, supplies)
    materials.bring(run, supplies)
    recorded = _environment(repo, run, supplies)
    place, how, notes = _surroundings(repo, recorded, environ, wanted, tell)
    outputs = sameness.Outputs(
        repo, run, tolerance=wanted.tolerance, supplies=supplies, compare_models=compare_models
    )
    tries: list[Try] = []
    for number in range(wanted.times):
        last = number == wanted.times - 1
        job = _Job(repo, run, commit, recorded, place, outputs, supplies, watcher, tell)
        tries.append(job.do(wanted, keep=wanted.keep and last))
        if tries[-1].run.status == "interrupted":
            raise stop_with(tries[-1].run.exit_code)
    found = _together(run, tries, how, notes)
    return replace(found, unsigned=reproduced.state(repo, run, _stated(found, tries, wanted)))


@dataclass(frozen=True, slots=True)
class Try:
    """One time that a run was made again."""

    run: Run
    outputs: tuple[Compared, ...]
    metrics: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    first: str | None = None
    causes: tuple[Cause, ...] = ()
    kept: Path | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all verdicts; a run that did not come to its end differs."""
        if self.run.status != "done":
            return "differs"
        return sameness.verdict((*self.outputs, *self.metrics))


@dataclass(frozen=True, slots=True)
class _Job:
    """All that one try needs."""

    repo: Repository
    run: Run
    commit: str
    recorded: Mapping[str, Any]
    place: Surroundings
    outputs: sameness.Outputs
    supplies: Supplies
    watcher: Watcher
    tell: Tell

    def do(self, wanted: Wanted, *, keep: bool) -> Try:
        """Make the run again in a work tree of its own, and compare."""
        self.tell(f"worktree: {self.commit[:10]}")
        with worktree(self.repo, self.commit) as aside:
            notes = materials.lay_out(aside, self.run, self.supplies)
            again = Again(self.repo, aside, self.run, self.commit, self.watcher)
            self.tell("run: " + (_steps(self.run) or "the command"))
            made = again.whole(self.place)
            found = Try(
                made,
                tuple(self.outputs.compare(made)),
                tuple(sameness.metrics(self.run, made, wanted.tolerance)),
                tuple(differences.differences(self.recorded, _held(self.repo, made))),
                (*notes, *again.notes),
            )
            if made.status == "interrupted":
                return found
            if found.verdict == "differs":
                found = self._explained(found, again)
            return replace(found, kept=_kept(self.repo, aside, self.run)) if keep else found

    def _explained(self, found: Try, again: Again) -> Try:
        self.tell("causes: looking for what made the difference")
        told = diagnose(
            self.repo,
            self.run,
            found.run,
            differing={one.name for one in found.outputs if one.verdict != "identical"},
            recorded=self.recorded,
            found=found.differences,
            again=again,
            place=self.place,
        )
        notes = (*found.notes, *told.notes)
        return replace(found, first=told.step, causes=told.causes, notes=notes)


def _surroundings(
    repo: Repository,
    recorded: Mapping[str, Any],
    environ: Mapping[str, str],
    wanted: Wanted,
    tell: Tell,
) -> tuple[Surroundings, str, tuple[str, ...]]:
    """Return what commands are started with, in words too, and what there is to say of it."""
    if wanted.same_env:
        return surroundings.as_here(repo, recorded, environ), "this one, as it is", ()
    own = surroundings.package_of(repo.root)
    known = repo.layout.store / "packages"
    built = rebuild.rebuild(recorded, environ, own=own, known=known, tell=tell)
    tell(f"environment: {built.how}")
    place = surroundings.as_recorded(repo, recorded, environ, programs=built.programs)
    return place, built.how, built.notes


def _environment(repo: Repository, run: Run, supplies: Supplies) -> dict[str, Any]:
    if run.environment is None:
        raise MissingObject(f"run {run.name} does not say what environment it ran in")
    supplies.bring([run.environment], f"the environment of run {run.name}")
    return _held(repo, run)


def _held(repo: Repository, run: Run) -> dict[str, Any]:
    assert run.environment is not None
    held: dict[str, Any] = canonical.decode(repo.objects.get(run.environment))
    return held


def _together(run: Run, tries: Sequence[Try], how: str, notes: Iterable[str]) -> Reproduction:
    """Return what all tries together say: of each thing the worst."""
    worst = max(tries, key=lambda one: sameness.RANK[one.verdict])
    return Reproduction(
        run=run.name,
        key=run.key,
        verdict=worst.verdict,
        again=tuple(one.run.name for one in tries),
        environment=how,
        notes=tuple(dict.fromkeys((*notes, *(text for one in tries for text in one.notes)))),
        outputs=_worst([one.outputs for one in tries]),
        metrics=_worst([one.metrics for one in tries]),
        differences=worst.differences,
        first=worst.first,
        causes=worst.causes,
        kept=tries[-1].kept,
    )


def _worst(rows: Sequence[Sequence[Compared]]) -> tuple[Compared, ...]:
    found: dict[str, Compared] = {}
    for row in rows:
        for one in row:
            held = found.setdefault(one.name, one)
            if sameness.RANK[one.verdict] > sameness.RANK[held.verdict]:
                found[one.name] = one
    return tuple(found.values())


def _stated(found: Reproduction, tries: Sequence[Try], wanted: Wanted) -> dict[str, Any]:
    """Return what is stated: what people need to judge it, in the form of records."""
    named = {
        name: repr(value) if value == float("inf") else value
        for name, value in wanted.tolerance.named.items()
    }
    return {
        "verdict": found.verdict,
        "again": [one.run.key for one in tries],
        "records": [one.run.id for one in tries],
        "environment": found.environment,
        "same_env": wanted.same_env,
        "tolerance": {"relative": wanted.tolerance.relative, "named": named},
        "outputs": _rows(found.outputs),
        "metrics": _rows(found.metrics),
        "differences": _rows(found.differences),
        "first": found.first,
        "causes": _rows(found.causes),
        "notes": list(found.notes),
    }


def _rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(one) for one in rows[:_STATED]]


def _steps(run: Run) -> str:
    count = len(run.steps)
    return f"{count} step{'' if count == 1 else 's'}" if count else ""


def _kept(repo: Repository, aside: Repository, run: Run) -> Path:
    """Move the work tree to a folder beside git's own, and return where the project is in it."""
    own, top = git.toplevel(repo.root), git.toplevel(aside.root)
    assert own is not None, "a project in git"
    assert top is not None, "a work tree of git"
    base = own.with_name(f"{own.name}-reproduced-{run.name}")
    target, number = base, 1
    while target.exists():
        number += 1
        target = base.with_name(f"{base.name}-{number}")
    git.run(repo.root, "worktree", "move", str(top), str(target), literal=False)
    return target / repo.root.resolve().relative_to(own.resolve())
