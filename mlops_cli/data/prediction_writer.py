"""Writing the prediction log, beside the answering of requests and never in its way.

Whoever answers hands over references, which costs about a microsecond. One thread codes what has
gathered every `FLUSH_S` seconds as blocks of columns, appends them with one system call for each
segment, and makes them durable every `fsync_s` seconds of the settings. A killed process loses at
most the last `FLUSH_S` seconds and the coding of them, a power cut `fsync_s`. A disk that is full
or read-only makes the thread try again while there is room for the blocks; after that predictions
are dropped, counted and reported. Serving goes on in every case.

Each process makes its own writer: threads do not survive a fork.
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.records import dataclass
from mlops_cli.data.predictions import appending, discretion, gathered, retention
from mlops_cli.data.predictions.appending import Growing
from mlops_cli.data.predictions.gathered import Answered
from mlops_cli.data.predictions.segment import Head, Source
from mlops_cli.errors import MloError

FLUSH_S = 0.1
RETRY_S = 1.0
SEGMENT_BYTES = 32 << 20
SEGMENT_S = 24 * 3600.0
QUEUE_ROWS = 100_000
QUEUE_BYTES = 64 << 20
_WARN_EVERY_S = 30.0
_TIDY_EVERY_S = 3600.0


class Ticket(NamedTuple):  # a frozen dataclass takes three times as long to make
    """Numbers that rows were given: row `i` has the id `<segment>-<first + i>`."""

    segment: str
    first: int
    file: Growing
    time_us: int


@dataclass(slots=True)
class Counters:
    """What has become of the predictions, in rows, and how often the disk refused.

    `left_out` are those of requests that the sample leaves out.
    """

    written: int = 0
    dropped: int = 0
    failures: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Coded:
    """Frames that wait for the disk."""

    file: Growing
    data: bytes
    rows: int


class PredictionWriter:
    """Takes answers from any thread. `close` writes what is left."""

    def __init__(
        self,
        folder: Path,
        *,
        warn: Callable[[str], None],
        settings: LogSettings | None = None,
        queue_rows: int = QUEUE_ROWS,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Write below `folder`; `warn` is told, rarely, that predictions are being lost."""
        self.counters = Counters()
        self._folder = folder
        self._warn = warn
        self._settings = settings or LogSettings()
        self._sample = self._settings.sample
        self._queue_rows = queue_rows
        self._segment_bytes = segment_bytes
        self._segment_s = min(SEGMENT_S, max((self._settings.retain or 0) / 8, 60.0))
        if self._settings.retain is None:
            self._segment_s = SEGMENT_S
        self._lock = threading.Lock()
        self._rows = 0
        self._queue: list[tuple[Growing, Answered]] = []
        self._coded: deque[_Coded] = deque()
        self._coded_bytes = 0
        self._segments: dict[Source, Growing] = {}
        self._by_place: dict[int, tuple[Source, Growing]] = {}
        self._begun: list[Growing] = []
        self._open: set[Growing] = set()
        self._hashes: gathered.Hashed | None = None
        self._strangers: set[tuple[str, str]] = set()
        self._told = 0
        self._retry_at = 0.0
        self._synced_at = self._warned_at = self._tidied_at = -_TIDY_EVERY_S
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many rows wait to be written."""
        return self._rows

    def reserve(self, source: Source, rows: int) -> Ticket:
        """Give numbers to rows that `source` has answered; they may be told before `record`."""
        with self._lock:
            held = self._by_place.get(id(source))
            file = self._segment(source) if held is None or held[1].full else held[1]
            first = file.next
            file.next = first + rows
        return Ticket(file.head.segment, first, file, time.time_ns() // 1000)

    def record(
        self,
        ticket: Ticket,
        columns: Sequence[Sequence[Any]],
        predictions: Sequence[Any],
        shares: Sequence[Sequence[float]] | None,
        *,
        requests: Sequence[str | None] | None = None,
        keys: Sequence[str | None] | None = None,
        sizes: Sequence[int] | None = None,
    ) -> None:
        """Log the rows that a ticket was for; when the queue is full they are dropped.

        What is given is kept until it is written, so nobody may change it. Tickets of one source
        are recorded in the order in which they were reserved.

        Args:
            ticket: from `reserve`, used once.
            columns: JSON values, one sequence for each column of the source.
            predictions: JSON values, one for each row.
            shares: the probability of each class, for each row.
            requests: the id that the client gave each row's request.
            keys: what each row was routed by, such as a user.
            sizes: how many rows each request has, in order; without it all rows are of one.
        """
        rows, file = len(predictions), ticket.file
        chosen = None
        if self._sample < 1:
            seed = file.head.seed
            chosen = discretion.chosen(seed, ticket.first, rows, sizes, self._sample)
            if chosen is not None:
                self.counters.left_out += rows - len(chosen)
                rows = len(chosen)
                if not rows:
                    return
        answered = Answered(
            ticket.first, ticket.time_us, columns, predictions, shares, requests, keys, chosen
        )
        with self._lock:
            waiting = self._rows + rows
            if waiting > self._queue_rows:
                self.counters.dropped += rows
                return
            self._rows = waiting
            self._queue.append((file, answered))
            first = len(self._queue) == 1
        if first:
            self._wake.set()

    def close(self, *, wait_s: float = 5.0) -> None:
        """Write what is left and stop; what the disk does not take in `wait_s` is dropped."""
        self._closing.set()
        self._wake.set()
        self._thread.join(wait_s)

    def _segment(self, source: Source) -> Growing:
        """Return the segment that a source's next rows go to. The lock is held."""
        file = self._segments.get(source)
        if file is None or file.full:
            file = self._segments[source] = appending.begin(self._folder, self._head(source))
            self._begun.append(file)
            self._wake.set()
            current = set(map(id, self._segments.values()))
            held = self._by_place.items()
            self._by_place = {key: one for key, one in held if id(one[1]) in current}
        self._by_place[id(source)] = (source, file)
        return file

    def _head(self, source: Source) -> Head:
        left_out = self._settings.redact
        return Head(
            segment=os.urandom(8).hex(),
            source=source,
            columns=tuple([name for name in source.columns if name not in left_out]),
            hashed=tuple([name for name in self._settings.hash if name not in left_out]),
            sample=self._settings.sample,
            started_us=time.time_ns() // 1000,
            seed=random.SystemRandom().getrandbits(32),
        )

    def _work(self) -> None:
        last = False
        while not last:
            self._wake.wait(self._pause_s())
            self._wake.clear()
            self._make_segments()
            self._closing.wait(FLUSH_S)
            last = self._closing.is_set()
            self._code()
            if last or time.monotonic() >= self._retry_at:
                self._write()
            self._tell_of_drops()
            if last or time.monotonic() - self._synced_at >= self._settings.fsync_s:
                self._sync()
            self._tidy()
        for file in self._open:
            self._close(file)

    def _close(self, file: Growing) -> None:
        with self._lock:
            given = file.next
        file.close(given)

    def _pause_s(self) -> float | None:
        """Return how long there is nothing to do unless somebody records."""
        if self._coded:
            return max(self._retry_at - time.monotonic(), FLUSH_S)
        return max(self._settings.fsync_s, FLUSH_S) if self._unsynced() else _TIDY_EVERY_S

    def _unsynced(self) -> bool:
        return any(file.unsynced for file in self._open)

    def _make_segments(self) -> None:
        """Make files at once, so that a label for an answer just given finds where it belongs."""
        with self._lock:
            begun, self._begun = self._begun, []
        for file in begun:
            self._open.add(file)
            self._tell_of_strangers(file.head.source)
            try:
                file.ready()
            except OSError:
                continue  # `append` tries again, and tells

    def _code(self) -> None:
        """Turn what was recorded into frames; those that find no room are dropped."""
        with self._lock:
            taken, self._queue = self._queue, []
        by_file: dict[Growing, list[Answered]] = {}
        for file, answered in taken:
            by_file.setdefault(file, []).append(answered)
        del taken
        for file, some in by_file.items():
            rows = sum(one.rows for one in some)
            try:
                for data, count in gathered.frames(file.head, some, hashes=self._hashed):
                    rows -= count
                    self._keep(_Coded(file, data, count))
            except Exception as error:  # noqa: BLE001  a value of no known form costs its block only
                self._lost(rows)
                self._report(f"cannot code predictions for the log: {error!r}")

    def _keep(self, coded: _Coded) -> None:
        if self._coded_bytes + len(coded.data) > QUEUE_BYTES:
            self._lost(coded.rows)
            return
        self._coded.append(coded)
        self._coded_bytes += len(coded.data)

    def _hashed(self, value: Any) -> str:
        if self._hashes is None:
            self._hashes = partial(discretion.hashed, discretion.salt(self._folder))
        return self._hashes(value)

    def _write(self) -> None:
        """Append what is coded, by segment; what the disk refuses waits, or ends with us."""
        by_file: dict[Growing, list[_Coded]] = {}
        for coded in self._coded:
            by_file.setdefault(coded.file, []).append(coded)
        self._coded.clear()
        for file, some in by_file.items():
            if not self._append(file, some):
                self._coded.extend(some)
        self._coded_bytes = sum(len(coded.data) for coded in self._coded)
        if self._closing.is_set() and self._coded:
            self._lost(sum(coded.rows for coded in self._coded))
            self._coded.clear()

    def _append(self, file: Growing, some: Sequence[_Coded]) -> bool:
        rows = sum(coded.rows for coded in some)
        try:
            size = file.append(b"".join([coded.data for coded in some]), rows)
        except OSError as error:
            self.counters.failures += 1
            self._retry_at = time.monotonic() + RETRY_S
            self._report(f"cannot write the prediction log: {(error.strerror or '').lower()}")
            return False
        self._open.add(file)
        old = time.monotonic() - file.made_at > self._segment_s
        file.full = size >= self._segment_bytes or old
        with self._lock:
            self._rows -= rows
        self.counters.written += rows
        return True

    def _lost(self, rows: int) -> None:
        with self._lock:
            self._rows -= rows
        self.counters.dropped += rows

    def _sync(self) -> None:
        for file in list(self._open):
            try:
                file.sync()
            except OSError:
                self.counters.failures += 1
            if file.full:
                self._close(file)
                self._open.discard(file)
        self._synced_at = time.monotonic()

    def _tidy(self) -> None:
        """Remove what is older, or more, than the settings keep, now and then."""
        kept = self._settings
        if kept.retain is None and kept.max_bytes is None:
            return
        if time.monotonic() - self._tidied_at < _TIDY_EVERY_S:
            return
        self._tidied_at = time.monotonic()
        try:
            retention.prune(self._folder, kept, now_s=time.time())
        except (OSError, MloError) as error:
            self._report(f"cannot remove old predictions: {error}")

    def _tell_of_strangers(self, source: Source) -> None:
        """Tell of columns that are to be hidden, and are none: what was meant would be written."""
        for name in (*self._settings.redact, *self._settings.hash):
            if name not in source.columns and (source.model, name) not in self._strangers:
                self._strangers.add((source.model, name))
                self._warn(
                    f"serving.log names the column '{name}', and {source.model} v{source.version}"
                    " takes none of that name: nothing of it is hidden"
                )

    def _tell_of_drops(self) -> None:
        if self.counters.dropped > self._told:
            self._told = self.counters.dropped
            self._report(
                f"{self.counters.dropped} predictions were answered but not logged,"
                " because the log could not keep up"
            )

    def _report(self, what: str) -> None:
        if time.monotonic() - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = time.monotonic()
            self._warn(what + "; serving goes on")
