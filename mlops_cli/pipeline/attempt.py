"""What is done about a step: spare it, make way for it, check and store what it wrote, note it."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mlops_cli.core import lockfile
from mlops_cli.core.config_steps import is_path
from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lockfile import LockedOutput, LockedStep
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths
from mlops_cli.errors import MissingObject
from mlops_cli.pipeline import outputs, stale
from mlops_cli.pipeline.batch import Batch
from mlops_cli.pipeline.cache import step_key
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.inputs import Look, current, inputs
from mlops_cli.pipeline.judge import Failure, Judge
from mlops_cli.pipeline.notebook import command_of
from mlops_cli.pipeline.plan import Plan
from mlops_cli.pipeline.run_cache import Cache
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.runs.collect import Noted
from mlops_cli.runs.finish import finish_with
from mlops_cli.runs.head import End
from mlops_cli.runs.open_run import OpenRun
from mlops_cli.runs.process import Command, Ended
from mlops_cli.runs.record import Artifact, Run, State, StepRun


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step at work: what it runs with, since when, and how often it may still be tried again."""

    plan: Plan
    deps: Mapping[str, ObjectId]
    begun: float
    left: int


class Steps:
    """The steps of one run, and all that they need to be brought up to date.

    Attributes:
        batch: what is being stored of them.
    """

    def __init__(
        self,
        repo: Repository,
        graph: Graph,
        plans: Mapping[str, Plan],
        locked: dict[str, LockedStep],
        opened: OpenRun,
        cache: Cache,
        watcher: Watcher,
        *,
        environ: Mapping[str, str],
        force: bool,
        sought: Mapping[str, Sequence[str]],
    ) -> None:
        self.batch = Batch(repo)
        self._repo = repo
        self._graph = graph
        self._plans = plans
        self._locked = locked
        self._run = opened
        self._cache = cache
        self._watcher = watcher
        self._environ = environ
        self._force = force
        self._judge = Judge(repo, opened, sought)
        self._unnoted: list[Noted] = []

    def prepare(self, name: str) -> StepRun | Attempt:
        """Return the step as done where its outputs are there already; else make way for it.

        Raises:
            Failure: something that it needs is not there.
        """
        begun = time.monotonic()
        plan = self._plans[name]
        deps = self._deps(plan)
        if plan.step.validate:
            self._judge.validate(plan, deps, fresh=False)
        done = None if self._force else self._spare(plan, deps, begun)
        if done is not None:
            self._judge.check_sought(name, done.metrics)
            if plan.step.validate:
                self._judge.validate(plan, done.outs, fresh=False)
            return done
        if plan.step.validate and self._repo.layout.store == self._repo.layout.mlo:
            # a run that is made again is of another day
            self._judge.validate(plan, deps, fresh=True)
        self._watcher.begins(plan, self._reasons(plan, deps))
        self._make_way(plan)
        self._bring_references(plan)
        return Attempt(plan, deps, begun, plan.step.retries)

    def again(self, attempt: Attempt) -> Attempt:
        """Make way for a step that failed, and is tried again."""
        self._make_way(attempt.plan)
        return replace(attempt, left=attempt.left - 1)

    def command(self, attempt: Attempt, *, label: str | None) -> Command:
        """Return what to run for a step."""
        plan, step = attempt.plan, attempt.plan.step
        line = command_of(plan)
        shown = plan.cmd if isinstance(plan.cmd, str) else " ".join(plan.cmd)
        with self._run.log.open("ab") as log:
            log.write(f"$ {shown}\n".encode())
        environ = {
            "PYTHONUNBUFFERED": "1",
            **self._environ,
            **plan.env,
            **self._run.variables(self._repo.root, step.name),
        }
        folder = self._repo.root / step.workdir if step.workdir else self._repo.root
        return Command(line, folder, environ, timeout_s=step.timeout_s, label=label)

    def finish(self, attempt: Attempt, ended: Ended) -> StepRun:
        """Store what a step wrote, and return it.

        Raises:
            Failure: it failed, was interrupted, or did not keep to what it declares.
        """
        plan = attempt.plan
        name = plan.step.name
        if ended.interrupted:
            raise Failure(f"step '{name}' was interrupted", ended.exit_code, interrupted=True)
        if ended.timed_out:
            raise Failure(f"step '{name}' took longer than {plan.step.timeout_s:g} s", ended.code)
        if ended.code:
            raise Failure(f"step '{name}' failed with exit code {ended.code}", ended.code)
        self._judge.check_writes(plan)
        if plan.step.validate:
            self._judge.validate(plan, [out.path for out in plan.step.files], fresh=False)
        reported = self._judge.metrics(plan)
        self._judge.check_sought(name, reported)
        writer = self.batch.writer()
        self._judge.check_inputs(plan, attempt.deps, writer)
        kept = outputs.keep(self._repo, plan.step.files, name, writer, before=self._before(name))
        step = self._step(plan, attempt.deps, "ran", attempt.begun, exit_code=0)
        return replace(step, outs=kept, metrics=reported)

    def failed(self, name: str, failure: Failure, attempt: Attempt | None) -> StepRun:
        """Return a step that failed; what it left at its outputs is stored, so never in the way."""
        plan = self._plans[name]
        if attempt is None:
            return self._step(plan, {}, "failed", time.monotonic(), exit_code=failure.exit_code)
        kept_files = [out for out in plan.step.files if out.on_failure == "keep"]
        for out in plan.step.files:
            if out.on_failure == "remove":
                outputs.clear(self._repo, out.path)
        writer = self.batch.writer()
        kept = outputs.keep(self._repo, kept_files, name, writer, before=self._before(name))
        step = self._step(plan, attempt.deps, "failed", attempt.begun, exit_code=failure.exit_code)
        reported = self._judge.logged(name) if failure.reported is None else failure.reported
        return replace(step, outs=kept, metrics=reported)

    def skipped(self, name: str) -> StepRun:
        """Return a step that did not run, since one that it needs did not end well."""
        return self._step(self._plans[name], {}, "skipped", time.monotonic())

    def note(self, step: StepRun, error: str | None) -> None:
        """Put what became of a step on disk once its outputs are in the store, and tell it."""
        inputs = [self._input(path, oid) for path, oid in step.deps.items() if self._outside(path)]

        def note() -> None:
            self._unnoted.remove((step, inputs))
            self._run.note_step(step, inputs)
            self._lock(step)

        self._unnoted.append((step, inputs))
        self.batch.then(note)
        if step.state == "restored":
            self._watcher.restored(step, self._cache.name_of(step.run))
        else:
            self._watcher.ended(step, error)

    def record(self, end: End) -> Run:
        """Store what waits of the last steps with the record of the run, and return that."""
        done = self.batch.end(
            lambda writer: finish_with(self._repo, self._run, end, writer, self._unnoted)
        )
        for step, _ in self._unnoted:
            self._lock(step)
        return done

    def write_lock(self) -> None:
        """Write `mlo.lock` if it says anything new; steps that are gone from the settings go."""
        steps = {n: step for n, step in self._locked.items() if n in self._repo.settings.steps}
        data = lockfile.encode(steps)
        path = self._repo.layout.lockfile
        if path.read_bytes() != data if path.exists() else bool(steps):
            lasting = self._repo.layout.store == self._repo.layout.mlo
            write_whole(path, data, durable=lasting, aside=self._repo.layout.tmp)

    def _deps(self, plan: Plan) -> dict[str, ObjectId]:
        """Return the ids of all that a step depends on.

        Raises:
            Failure: something is not there.
        """
        found: dict[str, ObjectId] = {}
        for dep, oid in inputs(self._repo, plan).items():
            if oid is None:
                maker = next(self._graph.makers(dep), None)
                who = f", which step '{maker}' did not write" if maker else ", which is not there"
                raise Failure(f"step '{plan.step.name}' needs '{dep}'{who}")
            found[dep] = oid
        return found

    def _spare(self, plan: Plan, deps: Mapping[str, ObjectId], begun: float) -> StepRun | None:
        """Return the step unrun: its outputs are there, or came back from the store."""
        locked = self._locked.get(plan.step.name)
        if locked is not None and not stale.difference(plan, deps, locked):
            found = self._as_locked(plan, deps, locked, begun)
            if found is not None:
                return found
        earlier = self._cache.look_up(step_key(plan, deps))
        if earlier is None:
            return None
        name = plan.step.name
        outs = {path: replace(out, step=name) for path, out in earlier.outs.items()}
        step = self._step(plan, deps, "restored", begun, run=earlier.run)
        step = replace(step, outs=outs, metrics=earlier.metrics)
        return self._restore(step, list(outs.values()))

    def _as_locked(
        self, plan: Plan, deps: Mapping[str, ObjectId], locked: LockedStep, begun: float
    ) -> StepRun | None:
        name = plan.step.name
        outs = {
            path: Artifact(path, out.oid, out.kind, out.size, name)
            for path, out in locked.written.items()
        }
        gone = []
        for path, out in outs.items():
            now = current(self._repo, path)
            if now is None or (now != out.oid and not plan.step.frozen):
                gone.append(out)
        there = not gone
        if not there and not self._cache.complete(gone):
            return None
        state: State = "unchanged" if there else "restored"
        step = self._step(plan, deps, state, begun, run=locked.run)
        step = replace(step, outs=outs, metrics=locked.metrics)
        return step if there else self._restore(step, gone)

    def _restore(self, step: StepRun, gone: Sequence[Artifact]) -> StepRun:
        self._save(step.name)
        for out in gone:
            outputs.bring_back(self._repo, out)
        return step

    def _make_way(self, plan: Plan) -> None:
        """Clear a step's outputs, and see that they can be written."""
        self._save(plan.step.name)
        for out in plan.step.files:
            if not out.persist:
                outputs.clear(self._repo, out.path)
            outputs.prepare(self._repo, out.path)

    def _bring_references(self, plan: Plan) -> None:
        """Put the versions that a step refers to where it wants them."""
        for one in plan.step.references:
            oid = plan.fixed[one.key]
            if one.path is None or oid is None:
                continue
            saved = outputs.save(self._repo, one.path, None)
            if saved is not None:
                self._watcher.saved(saved)
            try:
                outputs.put(self._repo, one.path, oid)
            except MissingObject as error:
                what = f"step '{plan.step.name}' needs '{one.name}', which is not in this store"
                raise Failure(f"{what}; try: mlo pull") from error

    def _save(self, name: str) -> None:
        """Store what is in the way: another step may have written to what is not its own."""
        saved = list(outputs.save_all(self._repo, self._graph.steps[name], self._before(name)))
        for one in saved:
            self._watcher.saved(one)
        if saved:
            with self._run.log.open("a", encoding="utf-8") as log:
                log.writelines(f"{one.note}\n" for one in saved)

    def _before(self, name: str) -> Mapping[str, LockedOutput]:
        """Return what a step made when it last ran."""
        return self._locked[name].written if name in self._locked else {}

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
            key=step_key(plan, deps),
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

    def _outside(self, path: str) -> bool:
        return is_path(path) and next(self._graph.makers(path), None) is None

    def _input(self, path: str, oid: ObjectId) -> dict[str, Any]:
        target = paths.locate(self._repo, path)
        kind = "folder" if target.is_dir() else "file"
        size = os.stat(target).st_size if kind == "file" and target.exists() else 0
        return {"path": path, "oid": oid, "kind": kind, "size": size}

    def _reasons(self, plan: Plan, deps: Mapping[str, ObjectId]) -> list[str]:
        locked = self._locked.get(plan.step.name)
        if locked is None:
            return ["it has never run"]
        found = stale.difference(plan, deps, locked, inside=Look(self._repo).inside)
        return found or ["--force" if self._force else "its outputs are not what it made"]

    def _lock(self, step: StepRun) -> None:
        if step.state not in ("ran", "restored", "unchanged"):
            return
        outs = {p: LockedOutput(out.oid, out.kind, out.size) for p, out in step.outs.items()}
        left = {out.path for out in self._plans[step.name].step.files if not out.cache}
        self._locked[step.name] = LockedStep(
            cmd=step.cmd,
            deps=step.deps,
            params=step.params,
            outs={path: out for path, out in outs.items() if path not in left},
            metrics=step.metrics,
            run=step.run,
            workdir=self._plans[step.name].step.workdir,
            uncached={path: out for path, out in outs.items() if path in left},
        )
