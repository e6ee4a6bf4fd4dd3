"""Doing one trial: a run of the step in a work tree of its own, followed and stopped if asked to.

This is what a worker does. The process is kept from trial to trial, and its work tree too, so that
a trial costs little more than the step itself.
"""

import json
import math
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from mlops_cli.core import lockfile
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.pipeline.engines.engine import Line
from mlops_cli.pipeline.judge import did_not_report
from mlops_cli.pipeline.run import Outcome, run
from mlops_cli.pipeline.run_cache import Bring
from mlops_cli.pipeline.watcher import Silent
from mlops_cli.runs import open_run, stopping
from mlops_cli.runs.code import State

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told of a trial.

    Attributes:
        assignments: `name=value` for parameters.
        metrics: whose values are asked for.
        follow: the metric that is reported on the way; None when nobody wants to know.
        name: of the trial's run.
        parent: key of the sweep's run.
        state: what the records say of the code, as `vars` of `runs.code.State`.
        versions: ids of the models and data that steps refer to.
    """

    step: str
    assignments: tuple[str, ...]
    metrics: tuple[str, ...]
    follow: str | None
    name: str
    parent: str
    engine: str | None
    state: Mapping[str, Any]
    versions: Mapping[str, str]

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker says of a trial.

    Attributes:
        state: `done`, `failed` or `interrupted`.
        values: of the metrics, by name; those that are there.
        reported: names of all metrics of the run.
        run: key of the trial's run; None when it did not come to one.
        oid: id of its record; None when an earlier run had done the same before.
        missing: a metric that was asked for and is not among those of the run.
    """

    state: str
    values: Mapping[str, float]
    reported: tuple[str, ...] = ()
    run: str | None = None
    oid: str | None = None
    seconds: float = 0.0
    error: str | None = None
    missing: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


_repositories: dict[str, Repository] = {}


def here(payload: Mapping[str, Any], place: int, line: Line) -> dict[str, Any]:
    """Do a trial on the machine of the sweep; `roots` are its work trees, one for each place."""
    root = payload["roots"][place]
    if root not in _repositories:
        _repositories[root] = open_repository(Path(root))
    return trial(_repositories[root], Order(**payload["order"]), line).plain()


def trial(repo: Repository, order: Order, line: Line, *, bring: Bring | None = None) -> Answer:
    """Do a trial in a work tree, and return what came of it.

    Raises:
        MloError: it cannot be begun.
    """
    if line.stopped():
        return Answer("interrupted", {}, error="stopped before it began")
    with _followed(repo, order, line) as follower:
        outcome = run(
            repo,
            [order.step],
            watcher=Silent(),
            environ=os.environ,
            assignments=order.assignments,
            bring=bring,
            resolve=lambda reference: ObjectId(order.versions[reference.key]),
            name=order.name,
            parent=order.parent,
            engine=order.engine,
            state=State(**order.state),
            sought={order.step: order.metrics},
        )
    if outcome.run is not None and outcome.run.history is not None:
        follower.catch_up(repo.objects.get(outcome.run.history))
    return _answer(repo, order, outcome)


def _answer(repo: Repository, order: Order, outcome: Outcome) -> Answer:
    done = outcome.run
    if done is None:
        return _unchanged(repo, order, outcome.steps)
    own = next((step.metrics for step in done.steps if step.name == order.step), {})
    if done.status == "done":
        found = {**done.metrics, **own}
        return _judged(order, found, run=done.key, oid=done.id, seconds=done.seconds)
    state = "interrupted" if done.status == "interrupted" else "failed"
    lacks = (name for name in order.metrics if done.error == did_not_report(order.step, name))
    return Answer(
        state,
        {},
        tuple(done.metrics),
        missing=next(lacks, None),
        run=done.key,
        oid=done.id,
        seconds=done.seconds,
        error=done.error,
    )


def _unchanged(repo: Repository, order: Order, steps: Sequence[str]) -> Answer:
    """Return the answer where the last run in this work tree had the same parameters."""
    locked = lockfile.read(repo.layout.lockfile)
    *_, last = known = [locked[name] for name in (*steps, order.step) if name in locked]
    metrics = {name: value for step in known for name, value in step.metrics.items()}
    return _judged(order, metrics, run=last.run)


def _judged(order: Order, metrics: Mapping[str, Any], **known: Any) -> Answer:
    """Return the answer for a run that was done: failed if a metric is no number to compare."""
    values = {name: float(metrics[name]) for name in order.metrics if name in metrics}
    reported = tuple(sorted(metrics))
    wrong = next((name for name, value in values.items() if not math.isfinite(value)), None)
    if wrong is not None:
        error = f"{wrong} is {values[wrong]}"
        return Answer("failed", {}, reported, error=error, **known)
    missing = next((name for name in order.metrics if name not in values), None)
    if missing is not None:
        error = did_not_report(order.step, missing)
        return Answer("failed", values, reported, error=error, missing=missing, **known)
    return Answer("done", values, reported, **known)


@contextmanager
def _followed(repo: Repository, order: Order, line: Line) -> "Iterator[_Follower]":
    """Report what the trial logs, and stop it when asked to, for a `with` block."""
    ended = threading.Event()
    follower = _Follower(repo, order, line)
    arguments = (ended, threading.get_ident())
    thread = threading.Thread(target=follower.follow, args=arguments, daemon=True)
    thread.start()
    try:
        yield follower
    finally:
        ended.set()
        thread.join()


class _Follower:
    """Watches one trial from a thread beside it."""

    def __init__(self, repo: Repository, order: Order, line: Line) -> None:
        self._repo = repo
        self._order = order
        self._line = line
        self._journal: str | None = None
        self._read = 0
        self._seen = 0
        """How many lines had metrics."""

    def follow(self, ended: threading.Event, leader: int) -> None:
        """Watch until `ended`; `leader` is the thread that does the trial."""
        asked = False
        while not ended.wait(_LOOK_S):
            if not asked and self._line.stopped():
                asked = stopping.ask(leader)
            self._report(_logged(self._news()))

    def catch_up(self, history: bytes) -> None:
        """Report what came between the last look and the end; `history` is all that was logged."""
        self._report(islice(_logged(history), self._seen, None))

    def _report(self, lines: Iterable[dict[str, Any]]) -> None:
        """Report what lines say of the metric that is followed, with its step."""
        for line in lines:
            self._seen += 1
            value = line["metrics"].get(self._order.follow)
            if "step" in line and value is not None:
                self._line.report({"step": int(line["step"]), "value": float(value)})

    def _news(self) -> bytes:
        """Return the lines that were logged since the last time."""
        if self._order.follow is None:
            return b""
        self._journal = self._journal or self._find()
        if self._journal is None:
            return b""
        try:
            with open(self._journal, "rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return b""
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole

    def _find(self) -> str | None:
        """Return the journal of the trial's run."""
        wanted = self._order.name, self._order.parent
        for opened in open_run.each(self._repo):
            if (opened.head.name, opened.head.parent) == wanted:
                return opened.journal.path
        return None


def _logged(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield the lines with metrics."""
    return (line for line in _lines(data) if isinstance(line.get("metrics"), dict))


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record
