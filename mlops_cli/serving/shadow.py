"""A version that sees what others have answered; nobody waits for what it says.

A thread of its own asks it. When it is slower than the requests come they pass it by, and are
counted; when it fails, that is counted too.
"""

import threading
from dataclasses import dataclass
from queue import Full, Queue
from random import random
from time import perf_counter

from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.metrics import Metrics
from mlops_cli.serving.routing import Beside
from mlops_cli.serving.validate import Columns, Table

MOST_WAITING = 256
"""Requests that wait for the shadow; further ones pass it by."""
AGREED, DIFFERED = "mlo_shadow_agreed_total", "mlo_shadow_differed_total"
SKIPPED = "mlo_shadow_skipped_total"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A request that has been answered, and the version that is to see it."""

    shadow: Live
    names: tuple[str, ...]
    columns: Columns
    predictions: list[object]


class Shadow:
    """The thread of one process that asks shadows."""

    def __init__(self, log: PredictionWriter, metrics: Metrics) -> None:
        """Log to `log`, in the role of a shadow, and count in `metrics`."""
        self._log = log
        self._metrics = metrics
        self._queue: Queue[_Seen | None] = Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None

    def show(self, beside: Beside, table: Table, answered: Answered) -> None:
        """Have the shadow see a request, if its share says so and it has time."""
        if beside.share < 1 and random() >= beside.share:  # noqa: S311  no secret
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
            self._thread.start()
        names = answered.live.signature.names
        seen = _Seen(beside.live, names, table.columns, answered.answers.predictions)
        try:
            self._queue.put_nowait(seen)
        except Full:
            self._metrics.add(SKIPPED, *_labels(beside.live))

    def close(self) -> None:
        """Stop; what still waits is not asked."""
        if self._thread is not None:
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (seen := self._queue.get()) is not None:
            live = seen.shadow
            try:
                self._ask(seen)
            except Exception:  # noqa: BLE001  whatever it does, it harms nobody
                self._metrics.failed(live.model, live.version, live.role)

    def _ask(self, seen: _Seen) -> None:
        live, rows = seen.shadow, len(seen.predictions)
        by_name = dict(zip(seen.names, map(list, seen.columns), strict=True))
        wanted = {name: by_name[name] for name in live.signature.names}
        columns = live.validator.columns(wanted).columns
        started = perf_counter()
        answers = live.answer(columns)
        seconds = perf_counter() - started
        metrics = self._metrics
        metrics.predicted(live.model, live.version, live.role, rows, seconds=seconds)
        agreed = sum(map(_same, answers.predictions, seen.predictions))
        metrics.add(AGREED, *_labels(live), by=agreed)
        metrics.add(DIFFERED, *_labels(live), by=rows - agreed)
        ticket = self._log.reserve(live.source, rows)
        self._log.record(ticket, columns, answers.predictions, answers.shares)


def _labels(live: Live) -> tuple[str, str]:
    return live.model, str(live.version)


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1.0)
    return one == other
