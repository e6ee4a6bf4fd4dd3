"""One run of a pipeline, from its first step to its record: several steps at once if asked to."""

from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError, RequestError, exit_code_of
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.attempt import Attempt, Steps
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.inputs import Look
from mlops_cli.pipeline.judge import Failure
from mlops_cli.pipeline.schedule import Schedule
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.runs.finish import finish, is_recorded
from mlops_cli.runs.head import End
from mlops_cli.runs.open_run import CHILDREN, STEPS, OpenRun
from mlops_cli.runs.process import Children, Ended
from mlops_cli.runs.record import Artifact, Run, Status, StepRun

_FINE = ("ran", "restored", "unchanged")
_LITTLE = 4 * 1024 * 1024
"""So many bytes that steps made are read again sooner than a pack of their own is written."""


@dataclass(slots=True)
class _Standing:
    """How a run stands: what became of each step so far, and the first thing that went wrong."""

    states: dict[str, str] = field(default_factory=dict)
    first: Failure | None = None

    def fail(self, failure: Failure) -> None:
        if self.first is None or (failure.interrupted and not self.first.interrupted):
            self.first = failure

    def end(self) -> tuple[Status, int | None, str | None]:
        """Return status, exit code and error of the run."""
        if self.first is None:
            return "done", 0, None
        if self.first.interrupted:
            return "interrupted", self.first.exit_code, self.first.error
        others = sum(1 for state in self.states.values() if state == "failed") - 1
        more = f"; and {others} more failed" if others > 0 else ""
        return "failed", self.first.exit_code, self.first.error + more


class Work:
    """Brings the steps of a graph up to date, each as soon as what it needs is there."""

    def __init__(
        self,
        repo: Repository,
        graph: Graph,
        steps: Steps,
        opened: OpenRun,
        watcher: Watcher,
        *,
        jobs: int,
    ) -> None:
        self._repo = repo
        self._graph = graph
        self._steps = steps
        self._run = opened
        self._watcher = watcher
        self._jobs = jobs
        self._batch = steps.batch
        self._schedule = Schedule(graph, {**repo.settings.resources, "cpus": jobs})
        self._at_work: dict[str, Attempt] = {}
        self._standing = _Standing()
        self._made: list[Artifact] = []

    def go(self) -> Run:
        """Do what can be done, and return the record.

        A step that fails holds up only those that need it.
        """
        self._watcher.planned(len(self._graph.steps))
        try:
            with Children(self._run.log, stdout=2, stderr=2) as children:
                self._loop(children)
            if sum(out.size for out in self._made) > _LITTLE:
                self._batch.flush()  # so that it need not be read again to be looked at
            self._look_again()
        except KeyboardInterrupt as stop:
            self._standing.fail(Failure("interrupted", exit_code_of(stop), interrupted=True))
        except BaseException as problem:
            self._give_up(problem)
            raise
        return self._record()

    def _record(self) -> Run:
        """Make the record, with what is still to be stored of the last steps.

        `mlo.lock` comes last: killed before, the next run finds these steps in the run cache.
        """
        status, code, error = self._standing.end()
        if self._batch.is_empty:
            self._steps.write_lock()
            return finish(self._repo, self._run, status=status, exit_code=code, error=error)
        try:
            done = self._steps.record(End(status, code, error))
        except (MloError, OSError) as problem:
            if not is_recorded(self._repo, self._run):
                self._give_up(problem)
            raise
        try:
            self._steps.write_lock()
        finally:
            self._run.close()
        return done

    def _give_up(self, problem: BaseException) -> None:
        """Record a run that failed by an error of ours, unless nothing was begun."""
        self._batch.drop()
        message = problem.message if isinstance(problem, MloError) else repr(problem)
        if not self._run.lines(STEPS) and not self._run.lines(CHILDREN):
            self._run.close()
            return
        self._steps.write_lock()
        finish(self._repo, self._run, status="failed", exit_code=None, error=message)

    def _loop(self, children: Children) -> None:
        while True:
            self._launch(children)
            if not len(children):
                return
            ended = children.wait(self._batch.wait_s())
            if ended is None:
                self._batch.flush()
            else:
                self._after(children, *ended)

    def _look_again(self) -> None:
        """See that no step has written to what another one makes."""
        look = Look(self._repo)
        for out in self._made:
            if out.step and not self._graph.steps[out.step].frozen:
                now = look.current(out.path)
                if now is not None and now != out.oid:
                    self._standing.fail(
                        Failure(
                            f"'{out.path}', which step '{out.step}' makes, was changed by another "
                            "step; let only one write it",
                            None,
                        )
                    )

    def _launch(self, children: Children) -> None:
        """Settle every step that needs no running, and start those there is room for."""
        waiting = []
        while (name := self._schedule.next()) is not None:
            if children.interrupted or self._lacks_something(name):
                self._settled(self._steps.skipped(name))
            elif not self._schedule.fits(name):
                waiting.append(name)
            else:
                self._begin(children, name)
        for name in waiting:
            self._schedule.put_back(name)

    def _lacks_something(self, name: str) -> bool:
        """Return whether a step that it needs did not end well."""
        states = self._standing.states
        return any(states.get(need, "ran") not in _FINE for need in self._graph.needs[name])

    def _begin(self, children: Children, name: str) -> None:
        try:
            attempt = self._steps.prepare(name)
            if isinstance(attempt, StepRun):
                self._settled(attempt)
                return
            self._start(children, attempt)
        except Failure as failure:
            self._failed(name, failure)

    def _start(self, children: Children, attempt: Attempt) -> None:
        name = attempt.plan.step.name
        command = self._steps.command(attempt, label=name if self._jobs > 1 else None)
        try:
            pid = children.start(name, command)
        except RequestError as error:
            raise Failure(f"step '{name}' could not start: {error.message}", 127) from error
        self._run.note_child(pid, graphs.outputs(attempt.plan.step))
        self._at_work[name] = attempt
        self._schedule.begin(name)

    def _after(self, children: Children, name: str, ended: Ended) -> None:
        attempt = self._at_work.pop(name)
        self._schedule.end(name)
        try:
            try:
                self._settled(self._steps.finish(attempt, ended))
            except Failure as failure:
                if failure.interrupted or not attempt.left or children.interrupted:
                    raise
                self._watcher.again(attempt.plan, failure.error, attempt.left - 1)
                self._start(children, self._steps.again(attempt))
        except Failure as failure:
            self._failed(name, failure, attempt)

    def _failed(self, name: str, failure: Failure, attempt: Attempt | None = None) -> None:
        self._standing.fail(failure)
        self._settled(self._steps.failed(name, failure, attempt), failure.error)

    def _settled(self, step: StepRun, error: str | None = None) -> None:
        """Note what became of a step, and let those that need it have their turn."""
        self._standing.states[step.name] = step.state
        if step.state in _FINE:
            self._made += step.outs.values()
        self._steps.note(step, error)
        self._schedule.done(step.name)
