"""Predicting in one thread: whatever queued up while the last batch ran is the next batch.

So nothing waits for company, and under load the cost of a call into the model is shared.
"""

import asyncio
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Any

from mlops_cli.data.prediction_writer import PredictionWriter, Ticket
from mlops_cli.errors import RequestError
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Answers, Live
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Table

BATCH_ROWS = 1024
"""A batch takes no further request once it has this many rows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """A checked request, the version it was checked for, and who waits for the answer."""

    live: Live
    table: Table
    size: int
    answered: "asyncio.Future[Answered]"


_Result = tuple[_Work, Answered | Refused]


class Batcher:
    """Takes checked requests on the event loop, answers them from a thread of its own."""

    def __init__(
        self,
        log: PredictionWriter,
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
        self._say = say
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="predict", daemon=True)
        self._thread.start()

    def submit(self, live: Live, table: Table, *, size: int) -> "asyncio.Future[Answered]":
        """Return the answers to come; `size` is that of the request's body.

        Raises:
            Refused: 503, too much is waiting already.
        """
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
        work = _Work(live, table, size, asyncio.get_running_loop().create_future())
        self._queue.put(work)
        return work.answered

    def close(self) -> None:
        """Answer what is queued, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        kept: _Work | None = None
        while True:
            work = kept or self._queue.get()
            if work is None:
                return
            batch, kept, ended = self._batch(work)
            self._answer(batch)
            if ended:
                return

    def _batch(self, first: _Work) -> tuple[list[_Work], _Work | None, bool]:
        """Return what goes with `first`, the request after it of another version, and the end."""
        batch, rows = [first], first.table.rows
        try:
            while rows < BATCH_ROWS:
                work = self._queue.get_nowait()
                if work is None:
                    return batch, None, True
                if work.live is not first.live:
                    return batch, work, False
                batch.append(work)
                rows += work.table.rows
        except Empty:
            pass
        return batch, None, False

    def _answer(self, batch: Sequence[_Work]) -> None:
        """Answer requests together, then log them; one that fails does not fail the others."""
        live, rows = batch[0].live, sum(work.table.rows for work in batch)
        try:
            columns = _joined(batch)
            answers = live.answer(columns)
            ticket = self._log.reserve(live.source, rows)
            parts = _parted(live, batch, answers, ticket)
        except Exception as error:  # noqa: BLE001  a model can fail in any way
            if len(batch) == 1:
                self._deliver([(batch[0], self._refusal(error))])
            else:
                for work in batch:
                    self._answer([work])
            return
        self.batches += 1
        self._deliver(list(zip(batch, parts, strict=True)))
        self._log.record(ticket, columns, answers.predictions, answers.shares)

    def _refusal(self, error: Exception) -> Refused:
        if isinstance(error, RequestError):
            return Refused(422, error.message)
        reference = os.urandom(4).hex()
        self._say(f"request {reference} failed:\n{''.join(traceback.format_exception(error))}")
        return Refused(
            500, f"the model failed on this request; the server's log has it as {reference}"
        )

    def _deliver(self, results: list[_Result]) -> None:
        loop = results[0][0].answered.get_loop()
        loop.call_soon_threadsafe(self._settle, results)

    def _settle(self, results: list[_Result]) -> None:
        for work, result in results:
            self.rows -= work.table.rows
            self._size -= work.size
            if work.answered.done():
                continue
            if isinstance(result, Answered):
                work.answered.set_result(result)
            else:
                work.answered.set_exception(result)


def _joined(batch: Sequence[_Work]) -> Sequence[Sequence[Any]]:
    """Return the columns of all requests of a batch, one after the other."""
    if len(batch) == 1:
        return batch[0].table.columns
    columns = zip(*(work.table.columns for work in batch), strict=True)
    return [list(chain.from_iterable(parts)) for parts in columns]


def _parted(live: Live, batch: Sequence[_Work], answers: Answers, ticket: Ticket) -> list[Answered]:
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
