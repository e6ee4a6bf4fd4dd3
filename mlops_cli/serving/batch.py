"""Predicting in batches that nobody waits for.

A slow model predicts in a thread: whatever queued up while it was busy is its next batch, and with
it what those ask next who were just answered, if they are quick about it. A quick model predicts on
the event loop itself, where a change of threads would cost more than the answer: all requests that
were read in one turn of the loop are one batch.
"""

import asyncio
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import NamedTuple, Protocol

from mlops_cli.data.prediction_writer import PredictionWriter, Ticket
from mlops_cli.errors import RequestError
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Answers, Live
from mlops_cli.serving.metrics import Metrics
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Columns, Table

BATCH_ROWS = 1024
"""A batch takes no further request once it has this many rows."""
QUICK_S = 300e-6
"""A model that answers a request in less does so on the event loop."""
PATIENCE = 0.1
"""A batch waits so long, in times of the last, for as many requests as were under way then."""
MOST_PATIENT_S = 2e-3


class Waiting(Protocol):
    """Who waits for an answer: a future, or what writes it straight to a connection."""

    def done(self) -> bool:
        """Return whether nobody waits any more."""
        ...

    def set_result(self, answered: Answered, /) -> None:
        """Take the answer; on the event loop."""
        ...

    def set_exception(self, refused: Refused, /) -> None:
        """Take it that there is none; on the event loop."""
        ...


class Work(NamedTuple):
    """A checked request, the version it was checked for, and who waits for the answer.

    `size` is that of the body, `key` what the request was routed by and `request` its name, for
    the log.
    """

    live: Live
    table: Table
    size: int
    waiting: Waiting
    key: str | None = None
    request: str | None = None


class _Done(NamedTuple):
    """What became of requests: an answer or a refusal for each, and what is to be logged."""

    batch: Sequence[Work]
    results: Sequence[Answered | Refused]
    seconds: float
    record: tuple[Ticket, Columns, Answers] | None


class Batcher:
    """Takes checked requests on the event loop, and answers them there or from its thread."""

    def __init__(
        self,
        log: PredictionWriter,
        metrics: Metrics,
        *,
        say: Callable[[str], None],
        most_rows: int,
        most_bytes: int,
    ) -> None:
        """Log answers to `log`. No more than `most_rows` or `most_bytes` wait at a time."""
        self.rows = 0
        self.batches = 0
        self._size = 0
        self._log = log
        self._metrics = metrics
        self._say = say
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._loop: asyncio.AbstractEventLoop
        self._turn: list[Work] = []
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._expected = 1
        self._patience_s = 0.0
        self._thread = threading.Thread(target=self._work, name="predict", daemon=True)
        self._thread.start()

    def put(self, work: Work) -> None:
        """Have a request answered; on the event loop.

        Raises:
            Refused: 503, too much is waiting already.
        """
        live, table, size, *_ = work
        if self.rows and (
            self.rows + table.rows > self._most_rows or self._size + size > self._most_bytes
        ):
            raise Refused(
                503,
                "too many requests are waiting: try again in a second",
                headers=[(b"retry-after", b"1")],
            )
        self.rows += table.rows
        self._size += size
        loop = self._loop = asyncio.get_running_loop()
        if live.row_s * table.rows > QUICK_S:
            self._queue.put(work)
        else:
            if not self._turn:
                loop.call_soon(self._end_turn)
            self._turn.append(work)

    def close(self) -> None:
        """Answer what is queued, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _end_turn(self) -> None:
        """Answer what was read in this turn of the loop, each version's requests together."""
        turn, self._turn = self._turn, []
        first = turn[0].live
        if all(work.live is first for work in turn):
            self._settle(self._answers(turn))
            return
        turn.sort(key=lambda work: id(work.live))
        for _, works in groupby(turn, key=lambda work: work.live):
            self._settle(self._answers(list(works)))

    def _work(self) -> None:
        kept: Work | None = None
        while True:
            work = kept or self._queue.get()
            if work is None:
                return
            batch, kept, ended = self._batch(work)
            started = perf_counter()
            answers = self._answers(batch)
            self._patience_s = min(PATIENCE * (perf_counter() - started), MOST_PATIENT_S)
            self._expected = len(batch) + self._queue.qsize()
            self._loop.call_soon_threadsafe(self._settle, answers)
            if ended:
                return

    def _batch(self, first: Work) -> tuple[list[Work], Work | None, bool]:
        """Return what goes with `first`, the request after it of another version, and the end."""
        batch, rows = [first], first.table.rows
        until = perf_counter() + self._patience_s
        try:
            while rows < BATCH_ROWS:
                wait_s = until - perf_counter() if len(batch) < self._expected else 0.0
                work = self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
                if work is None:
                    return batch, None, True
                if work.live is not first.live:
                    return batch, work, False
                batch.append(work)
                rows += work.table.rows
        except Empty:
            pass
        return batch, None, False

    def _answers(self, batch: Sequence[Work]) -> list[_Done]:
        """Answer requests together; if that fails one by one, so that only the culprit fails."""
        live, table, *_ = batch[0]
        rows = table.rows if len(batch) == 1 else sum([work.table.rows for work in batch])
        started = perf_counter()
        try:
            columns = _joined(batch)
            answers = live.answer(columns)
            seconds = perf_counter() - started
            ticket = self._log.reserve(live.source, rows)
            parts = _parted(live, batch, answers, ticket)
        except Exception as error:  # noqa: BLE001  a model can fail in any way
            if len(batch) > 1:
                return [done for work in batch for done in self._answers([work])]
            return [_Done(batch, [self._refusal(error)], perf_counter() - started, None)]
        self.batches += 1
        return [_Done(batch, parts, seconds, (ticket, columns, answers))]

    def _refusal(self, error: Exception) -> Refused:
        if isinstance(error, RequestError):
            return Refused(422, error.message)
        reference = os.urandom(4).hex()
        self._say(f"request {reference} failed:\n{''.join(traceback.format_exception(error))}")
        return Refused(
            500, f"the model failed on this request; the server's log has it as {reference}"
        )

    def _settle(self, all_done: Sequence[_Done]) -> None:
        """Hand results to those that wait; count and log them when the answers have left."""
        for done in all_done:
            for work, result in zip(done.batch, done.results, strict=True):
                self.rows -= work.table.rows
                self._size -= work.size
                if work.waiting.done():
                    continue
                if isinstance(result, Answered):
                    work.waiting.set_result(result)
                else:
                    work.waiting.set_exception(result)
        self._loop.call_soon(self._note_all, all_done)

    def _note_all(self, all_done: Sequence[_Done]) -> None:
        for done in all_done:
            self._note(done)

    def _note(self, done: _Done) -> None:
        live = done.batch[0].live
        of = (live.model, live.version, live.role)
        if done.record is None:
            for _ in done.results:  # the signature lets these pass, so it is the model's fault
                self._metrics.failed(*of)
            return
        ticket, columns, answers = done.record
        batch = done.batch
        self._metrics.predicted(*of, len(answers.predictions), len(batch), seconds=done.seconds)
        sizes = [work.table.rows for work in batch]
        self._log.record(
            ticket,
            columns,
            answers.predictions,
            answers.shares,
            requests=_each(sizes, [work.request for work in batch]),
            keys=_each(sizes, [work.key for work in batch]),
            sizes=sizes,
        )


def _each(sizes: Sequence[int], values: Sequence[str | None]) -> list[str | None] | None:
    """Return what each row's request has, None if none has any."""
    if not any(values):
        return None
    return [value for value, size in zip(values, sizes, strict=True) for _ in range(size)]


def _joined(batch: Sequence[Work]) -> Columns:
    """Return the columns of all requests of a batch, one after the other."""
    if len(batch) == 1:
        return batch[0].table.columns
    columns = zip(*[work.table.columns for work in batch], strict=True)
    return [list(chain.from_iterable(parts)) for parts in columns]


def _parted(live: Live, batch: Sequence[Work], answers: Answers, ticket: Ticket) -> list[Answered]:
    """Return the answers of a batch, request by request."""
    if len(batch) == 1:
        return [Answered(live, answers, ticket.segment, ticket.first)]
    parts = []
    first = 0
    for work in batch:
        end = first + work.table.rows
        shares = None if answers.shares is None else answers.shares[first:end]
        own = Answers(answers.predictions[first:end], shares)
        parts.append(Answered(live, own, ticket.segment, ticket.first + first))
        first = end
    return parts
