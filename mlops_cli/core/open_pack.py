"""A pack that is being written: bytes gather, go to the disk, and appear under one name."""

import os
import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from queue import Queue

from mlops_cli.core.extents import BLOCK, Extent, write_at
from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.index_columns import Columns
from mlops_cli.core.packs import HEADER, SUFFIX, Codec, Kind, trailer

Payload = bytes | memoryview | Extent
"""What is stored of an object: bytes, or a part of a file that has them."""

_BATCH_BYTES = 4 * 1024 * 1024
_MAX_VECTORS = 1000


class OpenPack:
    """A pack that is being written, in `tmp`, under a name nobody looks for."""

    def __init__(self, folder: Path, tmp: Path, background: "Background") -> None:
        self._folder = folder
        self._background = background
        self._path = tmp / f"pack-{os.getpid()}-{os.urandom(6).hex()}"
        self._columns = Columns()
        self._waiting: list[Payload] = [HEADER]
        self._waiting_bytes = len(HEADER)
        self._written = 0
        self.size = len(HEADER)
        try:
            self._handle = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
            )
        except OSError as error:
            raise outside(error, self._path) from error

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added yet."""
        return not self._columns.keys

    def align(self, place: int) -> None:
        """Leave a gap, so that what is added next may share blocks with byte `place` of a file."""
        gap = (place - self.size) % BLOCK
        if gap:
            self._wait(bytes(gap))

    def add(self, key: bytes, payload: Payload, length: int, kind: Kind, how: Codec) -> None:
        """Add an object in the form in which it is stored."""
        self._columns.put(key, self.size, length, len(payload), kind, how)
        self._wait(payload)

    def _wait(self, payload: Payload) -> None:
        stored = len(payload)
        if isinstance(payload, Extent):
            payload = self._joined(payload)
        self._waiting.append(payload)
        self._waiting_bytes += stored
        self.size += stored
        if self._waiting_bytes >= _BATCH_BYTES or len(self._waiting) >= _MAX_VECTORS:
            self._flush()

    def _joined(self, extent: Extent) -> Extent:
        """Return an extent with the one that waits before it, if it goes on from there."""
        before = self._waiting[-1] if self._waiting else None
        if not isinstance(before, Extent) or not before.goes_on(extent):
            return extent
        self._waiting.pop()
        return Extent(before.source, before.start, len(before) + len(extent))

    def _flush(self) -> None:
        waiting = self._waiting
        self._waiting, self._waiting_bytes = [], 0
        self._background.do(lambda: self._write(waiting))

    def _write(self, waiting: Sequence[Payload]) -> None:
        """Write parts one after the other, those that are bytes as many at once as there are."""
        try:
            for is_extent, run in groupby(waiting, key=lambda part: isinstance(part, Extent)):
                if not is_extent:
                    self._write_bytes([part for part in run if not isinstance(part, Extent)])
                    continue
                for part in run:
                    if isinstance(part, Extent):
                        part.write(self._handle, self._written)
                        self._written += len(part)
        except OSError as error:
            raise outside(error, self._path) from error

    def _write_bytes(self, parts: list[bytes | memoryview]) -> None:
        expected = sum(map(len, parts))
        written = os.pwritev(self._handle, parts, self._written)
        if written != expected:
            rest = memoryview(b"".join(parts))[written:]
            write_at(self._handle, rest, self._written + written)
        self._written += expected

    def publish(self) -> Path:
        """Give the pack its index and, once it is durable, its name; return its path to be."""
        index = self._columns.index()
        self._waiting += [index.raw, trailer(index, self.size)]
        waiting, self._waiting = self._waiting, []
        target = self._folder / (index.name + SUFFIX)
        self._background.do(lambda: self._finish(waiting, target))
        return target

    def _finish(self, waiting: Sequence[Payload], target: Path) -> None:
        try:
            self._write(waiting)
            os.fsync(self._handle)
            os.replace(self._path, target)
            sync_folder(self._folder)
        except OSError as error:
            raise outside(error, target) from error
        finally:
            self._close()

    def drop(self) -> None:
        """Remove the file, unless it has its name already."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Background:
    """Runs jobs in order on one thread, so that the disk and the hashing overlap.

    The first jobs run at once in the caller: small work never starts a thread. The first
    error stops all later jobs and is raised by the next call.
    """

    _INLINE = 1
    _DEPTH = 6

    def __init__(self) -> None:
        self._jobs: Queue[Callable[[], None] | None] = Queue(self._DEPTH)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._done = 0

    def do(self, job: Callable[[], None]) -> None:
        """Run a job after those before it."""
        self._raise()
        if self._thread is None and self._done < self._INLINE:
            self._done += 1
            job()
            return
        if self._thread is None and not self._start():
            job()
            return
        self._jobs.put(job)

    def _start(self) -> bool:
        """Start the thread; return False where there can be none, as at the end of a process."""
        thread = threading.Thread(target=self._work, name="pack-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def join(self) -> None:
        """Wait until all is done, and raise what went wrong."""
        self.stop()
        self._raise()

    def stop(self) -> None:
        """Wait until all is done or given up."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is None:
                try:
                    job()
                except BaseException as error:  # noqa: BLE001  raised in the caller's thread
                    self._error = error
