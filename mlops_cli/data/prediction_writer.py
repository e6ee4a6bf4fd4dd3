"""Writing the prediction log, beside the answering of requests and never in its way.

Whoever answers makes the lines, right after the answer has left, and puts them in a bounded
queue. One thread writes what has gathered every `FLUSH_S` seconds, with one system call for each
segment, and makes it durable every `SYNC_S` seconds; it needs next to nothing of the
interpreter's lock, for which requests would have to wait. A killed process loses at most the
last `FLUSH_S` seconds, a power cut `SYNC_S`. A disk that is full or read-only makes the thread
try again while the queue has room; after that predictions are dropped, counted and reported.
Serving goes on in every case.
"""

import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import orjson

from mlops_cli.core.files import sync_folder
from mlops_cli.data.prediction_log import SUFFIX, Source, header, now_us

FLUSH_S = 0.1
SYNC_S = 1.0
RETRY_S = 1.0
SEGMENT_BYTES = 32 << 20
QUEUE_ROWS = 100_000
QUEUE_BYTES = 64 << 20
_WARN_EVERY_S = 30.0


@dataclass(slots=True, eq=False)
class _Segment:
    """One file, and the next number in it."""

    name: str
    source: Source
    path: Path
    started_us: int
    next: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """Numbers that rows were given: row `i` has the id `<segment>-<first + i>`."""

    segment: str
    first: int
    file: _Segment
    time_us: int


@dataclass(frozen=True, slots=True)
class _Lines:
    """Rows on their way to a segment, as the bytes that will stand there."""

    file: _Segment
    rows: int
    data: bytes


@dataclass(slots=True)
class Counters:
    """What has become of the predictions, in rows, and how often the disk refused."""

    written: int = 0
    dropped: int = 0
    failures: int = 0


@dataclass(slots=True)
class _Backlog:
    rows: int = 0
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class PredictionWriter:
    """Takes answers from any thread. `close` writes what is left."""

    def __init__(
        self,
        folder: Path,
        *,
        warn: Callable[[str], None],
        queue_rows: int = QUEUE_ROWS,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Write below `folder`; `warn` is told, rarely, that predictions are being lost."""
        self.counters = Counters()
        self._folder = folder
        self._warn = warn
        self._queue_rows = queue_rows
        self._segment_bytes = segment_bytes
        self._queue: SimpleQueue[_Lines | None] = SimpleQueue()
        self._backlog = _Backlog()
        self._segments: dict[Source, _Segment] = {}
        self._unsynced: set[Path] = set()
        self._told = 0
        self._synced_at = self._warned_at = -_WARN_EVERY_S
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many rows wait to be written."""
        return self._backlog.rows

    def reserve(self, source: Source, rows: int) -> Ticket:
        """Give numbers to rows that `source` has answered; they may be told before `record`."""
        with self._backlog.lock:
            file = self._segments.get(source)
            if file is None or file.full:
                file = self._segments[source] = self._new_segment(source)
            first = file.next
            file.next += rows
        return Ticket(file.name, first, file, now_us())

    def record(
        self,
        ticket: Ticket,
        columns: Sequence[Sequence[Any]],
        predictions: Sequence[Any],
        shares: Sequence[Sequence[float]] | None,
    ) -> None:
        """Log the rows that a ticket was for; when the queue is full they are dropped.

        Tickets of one source are recorded in the order in which they were reserved.

        Args:
            ticket: from `reserve`, used once.
            columns: JSON values, one sequence for each column of the source.
            predictions: JSON values, one for each row.
            shares: the probability of each class, for each row.
        """
        rows, backlog = len(predictions), self._backlog
        data = _lines(ticket, columns, predictions, shares)
        with backlog.lock:
            if backlog.rows + rows > self._queue_rows or backlog.size + len(data) > QUEUE_BYTES:
                self.counters.dropped += rows
                return
            backlog.rows += rows
            backlog.size += len(data)
        self._queue.put(_Lines(ticket.file, rows, data))

    def close(self, *, wait_s: float = 5.0) -> None:
        """Write what is left and stop; what the disk does not take in `wait_s` is dropped."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(wait_s)

    def _new_segment(self, source: Source) -> _Segment:
        name = os.urandom(8).hex()
        path = self._folder / source.model / (name + SUFFIX)
        return _Segment(name, source, path, now_us())

    def _work(self) -> None:
        while self._write(self._gathered()):
            pass
        self._sync()

    def _gathered(self) -> list[_Lines | None]:
        """Return what was queued in one flush window, of which the first is waited for."""
        timeout = SYNC_S if self._unsynced else None
        try:
            gathered = [self._queue.get(timeout=timeout)]
        except Empty:
            self._sync()
            return []
        self._closing.wait(FLUSH_S)
        try:
            while True:
                gathered.append(self._queue.get_nowait())
        except Empty:
            return gathered

    def _write(self, gathered: list[_Lines | None]) -> bool:
        """Write lines, by segment; return False after the mark that `close` leaves."""
        by_segment: dict[_Segment, list[_Lines]] = {}
        for lines in gathered:
            if lines is not None:
                by_segment.setdefault(lines.file, []).append(lines)
        for segment, parts in by_segment.items():
            rows = sum(lines.rows for lines in parts)
            data = b"".join([lines.data for lines in parts])
            written = self._append(segment, data)
            with self._backlog.lock:
                self._backlog.rows -= rows
                self._backlog.size -= len(data)
                if written:
                    self.counters.written += rows
                else:
                    self.counters.dropped += rows
        self._tell_of_drops()
        if time.monotonic() - self._synced_at >= SYNC_S:
            self._sync()
        return None not in gathered

    def _append(self, segment: _Segment, data: bytes) -> bool:
        """Add whole lines to a segment; try until the disk takes them, once more when we close."""
        while True:
            last = self._closing.is_set()
            try:
                size = _append_whole(segment, data)
            except OSError as error:
                self.counters.failures += 1
                self._report(f"cannot write the prediction log: {(error.strerror or '').lower()}")
                if last:
                    return False
                self._closing.wait(RETRY_S)
            else:
                segment.full = size >= self._segment_bytes
                self._unsynced.add(segment.path)
                return True

    def _sync(self) -> None:
        for path in self._unsynced:
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
            except OSError:
                self.counters.failures += 1
        self._unsynced.clear()
        self._synced_at = time.monotonic()

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


def _lines(
    ticket: Ticket,
    columns: Sequence[Sequence[Any]],
    predictions: Sequence[Any],
    shares: Sequence[Sequence[float]] | None,
) -> bytes:
    """Return a line for each row: number, time, values, prediction, shares."""
    rows = len(predictions)
    parts = zip(
        range(ticket.first, ticket.first + rows),
        repeat(ticket.time_us),
        zip(*columns, strict=True),
        predictions,
        repeat(None, rows) if shares is None else shares,
        strict=False,
    )
    return b"".join([orjson.dumps(part, option=orjson.OPT_APPEND_NEWLINE) for part in parts])


def _append_whole(segment: _Segment, data: bytes) -> int:
    """Append all of `data` to the segment's file or, unless cut off, nothing; return its size.

    The file is made when it is missing, with its first line. Only this process writes to it.
    """
    handle = _opened(segment.path)
    try:
        size = os.fstat(handle).st_size
        if size == 0:
            data = header(segment.name, segment.source, segment.started_us) + data
        elif os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        if (written := os.write(handle, data)) != len(data):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if size == 0:
            sync_folder(segment.path.parent)
        return size + written
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o666)
