"""Running a pipeline: only what is stale, each step recorded, outputs from the store if it can."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mlops_cli.core import lockfile
from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lock import hold
from mlops_cli.core.lockfile import LockedOutput, LockedStep
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, pointer, snapshot
from mlops_cli.errors import MloError, RequestError
from mlops_cli.pipeline import cache, outputs, stale
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.outputs import Saved
from mlops_cli.pipeline.stale import Plan, StepState
from mlops_cli.runs import metrics, process
from mlops_cli.runs import params as parameters
from mlops_cli.runs.environment import search_path
from mlops_cli.runs.finish import finish, reap
from mlops_cli.runs.open_run import CHILDREN, METRICS, STEPS, OpenRun, begin
from mlops_cli.runs.record import Artifact, Number, Run, State, Status, StepRun

INTERRUPTED = 130


class Watcher(Protocol):
    """Somebody who is told how a pipeline goes."""

    def begins(self, plan: Plan, reasons: Sequence[str]) -> None:
        """Note that a step is about to run, and why."""

    def ended(self, step: StepRun, error: str | None) -> None:
        """Note what became of a step, and what went wrong if it failed."""

    def restored(self, step: StepRun, name: str) -> None:
        """Note that a step's outputs came from the run of this name."""

    def saved(self, saved: Saved) -> None:
        """Note that what was at an output's place before is in the store now."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running the pipeline has come to.

    Attributes:
        run: the record; None when nothing was stale, so that nothing was done.
        made_by: names of the runs that made what is there, when nothing was done.
        steps: names of the steps that were asked for, with those that they need.
    """

    run: Run | None
    made_by: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a step would do: run or restore, and why; neither when it is up to date."""

    name: str
    action: str
    reasons: tuple[str, ...]


def run(
    repo: Repository,
    names: Sequence[str],
    *,
    assignments: Sequence[str] = (),
    force: bool = False,
    watcher: Watcher,
    environ: Mapping[str, str],
    name: str | None = None,
) -> Outcome:
    """Run what is stale among the named steps and all that they need; no names mean all steps.

    `assignments` are `name=value` for parameters, for this run only; with `force` all of these
    steps run. The record says what failed; only a request that cannot be started raises.

    Raises:
        RequestError: the graph is wrong, or something that a step needs is not there; nothing ran.
        MloError: what is at an output's place can neither be kept nor be moved out of the way.
    """
    params, graph, plans = _plans(repo, names, assignments)
    _require_inputs(repo, graph)
    with hold(repo.layout.pipeline_lock, purpose="mlo run", on_wait=repo.on_wait):
        reap(repo)
        locked = lockfile.read(repo.layout.lockfile)
        states = stale.check(repo, graph, plans, locked)
        if not force and not any(state.stale for state in states):
            keys = [locked[step].run for step in graph.steps]
            made_by = _names(repo, [key for key in keys if key != lockfile.NO_RUN])
            return Outcome(None, made_by, tuple(graph.steps))
        places = {out: step for step, one in graph.steps.items() for out in graphs.outputs(one)}
        outputs.check_places(repo, places)
        doing = [state.name for state in states if force or state.stale]
        saved = list(_save(repo, graph, doing, locked, watcher))
        command = " ".join(("mlo run", *names, *(f"--set {one}" for one in assignments)))
        environ = {**environ, "PATH": search_path(environ)}
        opened = begin(repo, command, params=params, environ=environ, name=name)
        opened.log.write_text("".join(f"{one.note}\n" for one in saved))
        work = _Work(repo, graph, plans, locked, opened, force, watcher, environ)
        return Outcome(work.go(), (), tuple(graph.steps))


def forecast(
    repo: Repository,
    names: Sequence[str],
    *,
    assignments: Sequence[str] = (),
    force: bool = False,
) -> list[Prospect]:
    """Return what each step would do and why, without doing it."""
    _, graph, plans = _plans(repo, names, assignments)
    locked = lockfile.read(repo.layout.lockfile)
    states = stale.check(repo, graph, plans, locked)
    return [_prospect(repo, plans[state.name], state, force=force) for state in states]


def _prospect(repo: Repository, plan: Plan, state: StepState, *, force: bool) -> Prospect:
    if force:
        return Prospect(state.name, "run", state.reasons or ("--force",))
    if not state.stale:
        return Prospect(state.name, "nothing", ())
    deps = {dep: stale.current(repo, dep) for dep in plan.step.deps}
    known = {dep: oid for dep, oid in deps.items() if oid is not None}
    settled = len(known) == len(deps) and not any("which is stale" in r for r in state.reasons)
    if settled and cache.look_up(repo, cache.step_key(plan, known)):
        return Prospect(state.name, "restore", state.reasons)
    return Prospect(state.name, "run", state.reasons)


def _plans(
    repo: Repository, names: Sequence[str], assignments: Sequence[str]
) -> tuple[dict[str, Any], Graph, dict[str, Plan]]:
    settings = repo.settings
    if not settings.steps:
        raise RequestError(
            "there are no steps in .mlops.yaml",
            hint="add some under steps:, or run a command: mlo run -- python train.py",
        )
    params = parameters.override(settings.params, assignments)
    graph = graphs.build(settings.steps).only(names)
    return params, graph, {name: stale.plan(step, params) for name, step in graph.steps.items()}


def _names(repo: Repository, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the names of runs by their keys, each once."""
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        return tuple(index.name_of(key) for key in dict.fromkeys(keys))


def _save(
    repo: Repository,
    graph: Graph,
    names: Sequence[str],
    locked: Mapping[str, LockedStep],
    watcher: Watcher,
) -> Iterator[Saved]:
    """Put into the store what is at the outputs of these steps and in no store, and tell it."""
    for name in names:
        made = locked[name].outs if name in locked else {}
        for path in graphs.outputs(graph.steps[name]):
            known = made[path].oid if path in made else None
            saved = outputs.save(repo, path, known)
            if saved is not None:
                watcher.saved(saved)
                yield saved


def _require_inputs(repo: Repository, graph: Graph) -> None:
    """Raise RequestError for what no step makes and is not there."""
    made = [out for step in graph.steps.values() for out in graphs.outputs(step)]
    for name, step in graph.steps.items():
        for dep in step.deps:
            if any(graphs.overlap(dep, out) for out in made):
                continue
            if not paths.locate(repo, dep).exists():
                has_pointer = (repo.root / pointer.file_of(dep)).exists()
                raise RequestError(
                    f"step '{name}' needs '{dep}', which is not there",
                    hint=f"mlo checkout {dep}" if has_pointer else "make it, or correct deps",
                )


class _Stop(Exception):
    """A step did not end well: not an error of ours, but how the run ends."""

    def __init__(self, error: str, exit_code: int | None, *, interrupted: bool = False) -> None:
        super().__init__(error)
        self.error = error
        self.exit_code = exit_code
        self.interrupted = interrupted


class _Work:
    """One run of a pipeline, from its first step to its record."""

    def __init__(
        self,
        repo: Repository,
        graph: Graph,
        plans: Mapping[str, Plan],
        locked: dict[str, LockedStep],
        opened: OpenRun,
        force: bool,  # noqa: FBT001  made in one place
        watcher: Watcher,
        environ: Mapping[str, str],
    ) -> None:
        self._repo = repo
        self._graph = graph
        self._plans = plans
        self._locked = locked
        self._run = opened
        self._force = force
        self._watcher = watcher
        self._environ = environ
        self._made = [out for step in graph.steps.values() for out in graphs.outputs(step)]

    def go(self) -> Run:
        """Do each step in order until one fails, and return the record."""
        status: Status = "done"
        code: int | None = 0
        error: str | None = None
        try:
            for name in self._graph.steps:
                if error is None:
                    status, code, error = self._settle(name)
                else:
                    self._note(self._skipped(name), None)
        except KeyboardInterrupt:
            status, code, error = "interrupted", INTERRUPTED, "interrupted"
        except BaseException as problem:
            message = problem.message if isinstance(problem, MloError) else repr(problem)
            if not self._run.lines(STEPS) and not self._run.lines(CHILDREN):
                self._run.close()
                raise
            self._write_lock()
            finish(self._repo, self._run, status="failed", exit_code=None, error=message)
            raise
        self._write_lock()
        return finish(self._repo, self._run, status=status, exit_code=code, error=error)

    def _settle(self, name: str) -> tuple[Status, int | None, str | None]:
        """Bring one step up to date, and return how the run stands after it."""
        begun = time.monotonic()
        plan = self._plans[name]
        deps = self._deps(plan)
        missing = next((dep for dep, oid in deps.items() if oid is None), None)
        if missing is not None:
            maker = next(self._graph.makers(missing), None)
            error = f"step '{name}' needs '{missing}', which step '{maker}' did not write"
            self._note(self._step(plan, {}, "failed", begun, exit_code=None), error)
            return "failed", None, error
        known = {dep: oid for dep, oid in deps.items() if oid is not None}
        with self._repo.writing():
            done = None if self._force else self._spare(plan, known, begun)
            if done is not None:
                self._note(done, None)
        if done is None:
            try:
                done = self._execute(plan, known, begun)
            except _Stop as stop:
                self._fail(plan, known, stop, begun)
                status: Status = "interrupted" if stop.interrupted else "failed"
                return status, INTERRUPTED if stop.interrupted else stop.exit_code, stop.error
        self._lock(done)
        return "done", 0, None

    def _spare(self, plan: Plan, deps: Mapping[str, ObjectId], begun: float) -> StepRun | None:
        """Return the step unrun: its outputs are there, or came back from the store."""
        name = plan.step.name
        locked = self._locked.get(name)
        if locked is not None and not stale.difference(plan, deps, locked):
            outs = {
                path: Artifact(path, out.oid, out.kind, out.size, name)
                for path, out in locked.outs.items()
            }
            there = all(stale.current(self._repo, path) == out.oid for path, out in outs.items())
            if there or outputs.stored(self._repo, outs):
                step = self._step(
                    plan, deps, "unchanged" if there else "restored", begun, run=locked.run
                )
                step = replace(step, outs=outs, metrics=locked.metrics)
                return step if there else self._restore(step)
        earlier = cache.look_up(self._repo, cache.step_key(plan, deps))
        if earlier is None:
            return None
        step = self._step(plan, deps, "restored", begun, run=earlier.run)
        outs = {path: replace(out, step=name) for path, out in earlier.outs.items()}
        return self._restore(replace(step, outs=outs, metrics=earlier.metrics))

    def _restore(self, step: StepRun) -> StepRun:
        self._clear_way(step.name)
        for out in step.outs.values():
            outputs.bring_back(self._repo, out)
        return step

    def _execute(self, plan: Plan, deps: Mapping[str, ObjectId], begun: float) -> StepRun:
        """Run a step, store what it wrote, and note it.

        Raises:
            _Stop: it failed, was interrupted, or did not keep to what it declares.
        """
        name, outs = plan.step.name, graphs.outputs(plan.step)
        self._watcher.begins(plan, self._reasons(plan, deps))
        self._clear_way(name)
        for path in outs:
            outputs.clear(self._repo, path)
            outputs.prepare(self._repo, path)
        try:
            ended = self._start(plan)
        except RequestError as error:
            raise _Stop(f"step '{name}' could not start: {error.message}", 127) from error
        if ended.interrupted:
            raise _Stop(f"step '{name}' was interrupted", INTERRUPTED, interrupted=True)
        if ended.code:
            raise _Stop(f"step '{name}' failed with exit code {ended.code}", ended.code)
        self._check_writes(plan)
        reported = self._metrics(plan)
        with self._repo.writing():
            with self._repo.objects.writer() as writer:
                self._check_inputs(plan, deps, writer)
                kept = outputs.keep(self._repo, outs, name, writer, before=self._before(name))
            step = self._step(plan, deps, "ran", begun, exit_code=0)
            step = replace(step, outs=kept, metrics=reported)
            self._note(step, None)
        return step

    def _clear_way(self, name: str) -> None:
        """Save once more: another step may have written to what is not its own."""
        saved = _save(self._repo, self._graph, [name], self._locked, self._watcher)
        with self._run.log.open("a", encoding="utf-8") as log:
            log.writelines(f"{one.note}\n" for one in saved)

    def _start(self, plan: Plan) -> process.Ended:
        command = plan.cmd if isinstance(plan.cmd, str) else " ".join(plan.cmd)
        with self._run.log.open("ab") as log:
            log.write(f"$ {command}\n".encode())
        return process.execute(
            plan.line,
            folder=self._repo.root,
            environ={
                "PYTHONUNBUFFERED": "1",
                **self._environ,
                **self._run.variables(self._repo.root, plan.step.name),
            },
            log=self._run.log,
            stdout=2,
            stderr=2,
            pass_input=False,
            started=lambda pid: self._run.note_child(pid, graphs.outputs(plan.step)),
        )

    def _before(self, name: str) -> Mapping[str, LockedOutput]:
        """Return what a step made when it last ran."""
        return self._locked[name].outs if name in self._locked else {}

    def _check_writes(self, plan: Plan) -> None:
        for path in graphs.outputs(plan.step):
            target = paths.locate(self._repo, path)
            if target.is_symlink():
                raise _Stop(f"step '{plan.step.name}' made '{path}' a symbolic link", 0)
            if not target.exists():
                raise _Stop(f"step '{plan.step.name}' did not write its output '{path}'", 0)

    def _check_inputs(self, plan: Plan, deps: Mapping[str, ObjectId], writer: Any) -> None:
        """Store a step's inputs, after making sure that they are what it began with."""
        for path, before in deps.items():
            target = paths.locate(self._repo, path)
            if not target.exists():
                raise _Stop(f"step '{plan.step.name}' removed its own input '{path}'", 0)
            if snapshot.take(self._repo, target, writer=writer).oid != before:
                raise _Stop(f"step '{plan.step.name}' changed its own input '{path}'", 0)

    def _metrics(self, plan: Plan) -> dict[str, Number]:
        """Return the numbers that a step logged and wrote; those in its files come last."""
        logged = metrics.last_logged(self._run.lines(METRICS))
        found = dict(logged.get(plan.step.name, {}))
        for path in (out.path for out in plan.step.metrics):
            try:
                found.update(metrics.read_file(paths.locate(self._repo, path), where=path))
            except RequestError as error:
                raise _Stop(f"step '{plan.step.name}': {error.message}", 0) from error
        return found

    def _fail(self, plan: Plan, deps: Mapping[str, ObjectId], stop: _Stop, begun: float) -> None:
        """Note a step that failed; what it left at its outputs is stored, so never in the way."""
        name = plan.step.name
        with self._repo.writing():
            with self._repo.objects.writer() as writer:
                outs = graphs.outputs(plan.step)
                kept = outputs.keep(self._repo, outs, name, writer, before=self._before(name))
            logged = metrics.last_logged(self._run.lines(METRICS)).get(name, {})
            step = self._step(plan, deps, "failed", begun, exit_code=stop.exit_code)
            self._note(replace(step, outs=kept, metrics=logged), stop.error)

    def _skipped(self, name: str) -> StepRun:
        return self._step(self._plans[name], {}, "skipped", time.monotonic())

    def _step(
        self,
        plan: Plan,
        deps: Mapping[str, ObjectId],
        state: State,
        begun: float,
        *,
        exit_code: int | None = None,
        run: str | None = None,
    ) -> StepRun:
        return StepRun(
            name=plan.step.name,
            key=cache.step_key(plan, deps),
            cmd=plan.cmd,
            deps=dict(deps),
            params=plan.params,
            outs={},
            metrics={},
            state=state,
            seconds=round(time.monotonic() - begun, 6),
            exit_code=exit_code,
            run=run or self._run.head.key,
        )

    def _note(self, step: StepRun, error: str | None) -> None:
        """Put what became of a step on disk, and tell it."""
        inputs = [self._input(path, oid) for path, oid in step.deps.items() if self._outside(path)]
        self._run.note_step(step, inputs)
        if step.state == "restored":
            self._watcher.restored(step, _names(self._repo, [step.run])[0])
        else:
            self._watcher.ended(step, error)

    def _outside(self, path: str) -> bool:
        return not any(graphs.overlap(path, out) for out in self._made)

    def _input(self, path: str, oid: ObjectId) -> dict[str, Any]:
        target = paths.locate(self._repo, path)
        kind = "folder" if target.is_dir() else "file"
        size = os.stat(target).st_size if kind == "file" and target.exists() else 0
        return {"path": path, "oid": oid, "kind": kind, "size": size}

    def _deps(self, plan: Plan) -> dict[str, ObjectId | None]:
        return {dep: stale.current(self._repo, dep) for dep in plan.step.deps}

    def _reasons(self, plan: Plan, deps: Mapping[str, ObjectId]) -> list[str]:
        locked = self._locked.get(plan.step.name)
        if locked is None:
            return ["it has never run"]
        return stale.difference(plan, deps, locked) or (["--force"] if self._force else [])

    def _lock(self, step: StepRun) -> None:
        self._locked[step.name] = LockedStep(
            cmd=step.cmd,
            deps=step.deps,
            params=step.params,
            outs={p: LockedOutput(out.oid, out.kind, out.size) for p, out in step.outs.items()},
            metrics=step.metrics,
            run=step.run,
        )

    def _write_lock(self) -> None:
        """Write `mlo.lock` if it says anything new; steps that are gone from the settings go."""
        steps = {n: step for n, step in self._locked.items() if n in self._repo.settings.steps}
        data = lockfile.encode(steps)
        path = self._repo.layout.lockfile
        if path.read_bytes() != data if path.exists() else bool(steps):
            write_whole(path, data, aside=self._repo.layout.tmp)
