"""A sweep from its first trial to its record.

The sweep is a run, and each trial a run that is part of it. What to try comes from the study, who
does it is the engine's matter, and how it went is in the journal before anybody is told.
"""

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from mlops_cli.core.config_sweeps import Direction
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import (
    INTERRUPTED,
    ExternalError,
    MloError,
    RequestError,
    StateError,
    Terminated,
    exit_code_of,
)
from mlops_cli.pipeline.engines.engine import Engine, Event, Task
from mlops_cli.pipeline.sweeps.conduct import Answer, Order
from mlops_cli.pipeline.sweeps.definition import Definition
from mlops_cli.pipeline.sweeps.study import Study, front
from mlops_cli.pipeline.sweeps.trial import Past, SweepJournal, Trial
from mlops_cli.runs.finish import finish
from mlops_cli.runs.open_run import OpenRun
from mlops_cli.runs.record import Run, Status

_WAIT_S = 1.0
_GRACE_S = 15.0
_HOPELESS = 5
"""So many trials may fail before the first that does not."""
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Watcher(Protocol):
    """Somebody who is told how a sweep goes."""

    def introduces(self, past: Past | None) -> None:
        """Note that a sweep begins; `past` is the one that it goes on with."""

    def begins(self, trial: Trial) -> None:
        """Note that a trial begins."""

    def ended(self, trial: Trial) -> None:
        """Note what came of a trial."""

    def says(self, text: str) -> None:
        """Note something else."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has come to.

    Attributes:
        key: of the sweep's run.
        best: the best trial, or with several metrics those that no other beats in all.
        fixed: `name=value` of parameters that were the same in all trials.
        importances: how much each parameter matters, in shares of 1; empty if not asked for.
    """

    key: str
    name: str
    step: str
    status: Status
    metrics: Mapping[str, Direction]
    sampler: str
    seed: int
    engine: str
    seconds: float
    trials: tuple[Trial, ...]
    best: tuple[Trial, ...]
    fixed: tuple[str, ...] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    exit_code: int | None = 0


class Site(Protocol):
    """Where trials are done: it says what a worker needs, and takes in what comes of it."""

    engine: Engine

    def payload(self, order: Order) -> Mapping[str, Any]:
        """Return what a worker is told."""

    def land(self, answer: Answer) -> None:
        """See that the run of a trial is in this store, if it is not there by itself."""

    def settle(self, kept: Sequence[Trial], best: Sequence[Trial]) -> None:
        """Tidy up after the last trial: `kept` are those that count."""


class Sweep:
    """One sweep at work."""

    def __init__(
        self,
        repo: Repository,
        definition: Definition,
        opened: OpenRun,
        site: Site,
        watcher: Watcher,
        *,
        journal: SweepJournal,
        code: Mapping[str, Any],
        versions: Mapping[str, str],
        past: Past | None = None,
    ) -> None:
        self._repo = repo
        self._definition = definition
        self._run = opened
        self._site = site
        self._engine = site.engine
        self._watcher = watcher
        self._code = code
        self._versions = versions
        self._began = time.monotonic()
        earlier = past.trials if past else ()
        self._journal = journal
        self._trials = {trial.number: trial for trial in earlier if trial.ended}
        self._study = Study(definition, earlier)
        self._at_work: dict[str, Trial] = {}
        self._pruning: set[str] = set()
        self._failed_first = 0
        self._told_waiting = False
        self._stopped_with = INTERRUPTED

    def go(self) -> Swept:
        """Do trials until there are enough, and return what the sweep has come to.

        The record is made in any case; an error that is no trial's own is raised after it.
        """
        status: Status = "done"
        problem: BaseException | None = None
        try:
            with _terminable():
                self._loop()
        except KeyboardInterrupt as stop:
            status, self._stopped_with = "interrupted", exit_code_of(stop)
            self._wind_up()
        except BaseException as error:  # noqa: BLE001  raised again once the record is made
            status, problem = "failed", error
            self._wind_up(engine_gone=isinstance(error, ExternalError))
        return self._end(status, problem)

    def _loop(self) -> None:
        more = True
        while more or self._at_work:
            room = self._engine.width() - len(self._at_work)
            while more and room > 0:
                more = self._begin()
                room -= 1
            if more and not self._at_work and not self._told_waiting:
                self._told_waiting = True
                self._watcher.says("no worker yet; waiting for one")
            for event in self._engine.events(_WAIT_S):
                self._take(event)

    def _begin(self) -> bool:
        """Begin another trial; return False when there is none to begin."""
        limit, timeout_s = self._definition.trials, self._definition.timeout_s
        if limit is not None and len(self._trials) + len(self._at_work) >= limit:
            return False
        if timeout_s is not None and time.monotonic() - self._began >= timeout_s:
            return False
        trial = self._study.ask()
        if trial is None:
            return False
        key = str(trial.number)
        self._journal.began(trial)
        self._engine.submit(Task(key, self._site.payload(self._order(trial))))
        self._at_work[key] = trial
        self._watcher.begins(trial)
        return True

    def _order(self, trial: Trial) -> Order:
        import json

        searched = [f"{name}={json.dumps(value)}" for name, value in trial.params.items()]
        metrics = tuple(self._definition.metrics)
        return Order(
            step=self._definition.step,
            assignments=(*self._definition.fixed, *searched),
            metrics=metrics,
            follow=metrics[0] if self._definition.pruner != "none" else None,
            name=f"{self._run.head.name}-{trial.number}",
            parent=self._run.head.key,
            engine=self._run.head.engine,
            state=self._code,
            versions=self._versions,
        )

    def _take(self, event: Event) -> None:
        trial = self._at_work.get(event.key)
        if trial is None:
            return
        if event.kind == "report":
            self._report(event.key, trial, event.value)
        elif event.kind == "again":
            self._watcher.says(f"trial {trial.number} begins again: {event.value}")
        else:
            self._finish(event, trial)

    def _report(self, key: str, trial: Trial, message: Mapping[str, Any]) -> None:
        step, value = int(message["step"]), float(message["value"])
        known = {**trial.intermediate, step: value}
        self._at_work[key] = replace(trial, intermediate=known)
        if self._study.report(trial.number, step, value) and key not in self._pruning:
            self._pruning.add(key)
            self._engine.stop(key)

    def _finish(self, event: Event, trial: Trial) -> None:
        """Note what came of a trial, and learn from it."""
        answer = _answer(event)
        self._site.land(answer)
        trial = self._judged(trial, answer, pruned=event.key in self._pruning)
        del self._at_work[event.key]
        self._journal.ended(trial)
        if trial.ended:
            self._trials[trial.number] = trial
        self._study.tell(trial)
        if trial.state == "done":
            values = dict(zip(self._definition.metrics, trial.values, strict=True))
            self._log(values, trial.number)
        self._watcher.ended(trial)
        self._refuse_hopeless(trial, answer)

    def _judged(self, trial: Trial, answer: Answer, *, pruned: bool) -> Trial:
        state: Any = answer.state
        error = answer.error
        if state == "interrupted" and pruned:
            state = "pruned"
            last = max(trial.intermediate, default=0)
            error = f"pruned at step {last}"
        values = [answer.values[name] for name in self._definition.metrics if state == "done"]
        return replace(
            trial,
            state=state,
            values=tuple(values),
            run=answer.run,
            seconds=answer.seconds,
            error=error,
        )

    def _refuse_hopeless(self, trial: Trial, answer: Answer) -> None:
        """Raise RequestError when no trial of this sweep can come to anything."""
        if trial.state in ("done", "pruned"):
            self._failed_first = -1
        if trial.state != "failed" or self._failed_first < 0:
            return
        if answer.missing is not None:
            step = self._definition.step
            known = ", ".join(answer.reported[:8]) or "no metric at all"
            raise RequestError(
                f"step '{step}' does not report '{answer.missing}'; it reports {known}",
                hint=_nearest(answer.missing, answer.reported),
            )
        self._failed_first += 1
        if self._failed_first >= _HOPELESS:
            hint = f"mlo runs show {self._run.head.name}-{trial.number} --log"
            raise StateError(
                f"the first {_HOPELESS} trials failed, the last one so: {trial.error}",
                hint=hint if trial.run else "mend the step, then begin the sweep again",
            )

    def _wind_up(self, *, engine_gone: bool = False) -> None:
        """Stop what is at work, and note how it ended, as far as that can still be known."""
        until = time.monotonic() + _GRACE_S
        try:
            for key in [] if engine_gone else list(self._at_work):
                self._engine.stop(key)
            while self._at_work and not engine_gone and time.monotonic() < until:
                for event in self._engine.events(_WAIT_S):
                    if event.final and event.key in self._at_work:
                        self._put_down(event)
        except (MloError, KeyboardInterrupt):
            pass  # what is still at work is left to the engine, which ends it

    def _put_down(self, event: Event) -> None:
        answer = _answer(event)
        self._site.land(answer)
        pruned = event.key in self._pruning
        trial = self._judged(self._at_work.pop(event.key), answer, pruned=pruned)
        self._journal.ended(trial)
        if trial.ended:
            self._trials[trial.number] = trial
        self._watcher.ended(trial)

    def _end(self, status: Status, problem: BaseException | None) -> Swept:
        trials = tuple(self._trials[number] for number in sorted(self._trials))
        best = tuple(front(trials, self._definition))
        if problem is None:
            self._site.settle(trials, best)
        error = None
        if problem is not None:
            error = problem.message if isinstance(problem, MloError) else repr(problem)
        elif status == "done" and not best:
            status, error = "failed", "no trial was done"
        done = self._record(status, best, error)
        if problem is not None:
            if isinstance(problem, ExternalError):
                problem.hint = f"mlo sweep --resume {done.name}"
            raise problem
        return Swept(
            key=done.key,
            name=done.name,
            step=self._definition.step,
            status=status,
            metrics=self._definition.metrics,
            sampler=self._definition.sampler,
            seed=self._definition.seed,
            engine=self._engine.name,
            seconds=done.seconds,
            trials=trials,
            best=best,
            fixed=self._definition.fixed,
            error=error,
            exit_code=done.exit_code,
        )

    def importances(self) -> dict[str, float]:
        """Return how much each parameter matters; takes a second."""
        return self._study.importances()

    def _record(self, status: Status, best: Sequence[Trial], error: str | None) -> Run:
        """Record the sweep's run; its parameters and metrics are those of the best trial."""
        if best:
            values = [
                (max if way == "max" else min)(trial.values[at] for trial in best)
                for at, way in enumerate(self._definition.metrics.values())
            ]
            self._log(dict(zip(self._definition.metrics, values, strict=True)), None)
        if len(best) == 1:
            self._run.say({"params": dict(best[0].params)})
        code = {"done": 0, "interrupted": self._stopped_with}.get(status, 1)
        return finish(self._repo, self._run, status=status, exit_code=code, error=error)

    def _log(self, values: Mapping[str, float], step: int | None) -> None:
        """Log what a trial came to, by its number, or without one what the sweep has come to."""
        line: dict[str, Any] = {"time": round(time.time(), 6), "metrics": dict(values)}
        more = {"result": True} if step is None else {"step": step}
        self._run.say({**line, **more})


@contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end a `with` block as a Ctrl-C does. Main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _frame: object) -> None:
        raise Terminated(number)

    asked = [one for one in _ENDING if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, interrupt) for one in asked}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _answer(event: Event) -> Answer:
    """Return what a worker said, or what is said in its place."""
    if event.kind == "done":
        return Answer(**event.value)
    if event.kind == "dropped":
        return Answer("interrupted", {}, error="stopped before it began")
    return Answer("failed", {}, error=str(event.value))


def _nearest(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1) or list(known[:1])
    return f"--metric {near[0]}" if near else "mlo.log_metric(NAME, VALUE), or metrics: of the step"
