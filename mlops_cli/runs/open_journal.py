"""The journal of a run that has not ended: one file, and a line for each thing that is said.

The first line is what was known when the run began. What its code says follows, metrics above all,
then how it ended, and that it is being recorded. Many processes append at once, each line by one
write; empty lines and those that were cut short say nothing.
"""

import fcntl
import io
import json
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, cast

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.runs.metrics import Logged

SUFFIX = ".jsonl"


class Journal:
    """What a journal says so far, read on from where the last reading ended."""

    def __init__(self, path: str, start: int) -> None:
        """`start` is how long the first line is, which is read apart."""
        self.path = path
        self.metrics = Logged()
        self.said: list[dict[str, Any]] = []
        """All lines but those of metrics, of which there may be ten million."""
        self._at = start
        self._others = [(0, start)]
        """Where lines lie that hold no metrics: from and to."""
        self._guard = threading.Lock()

    def read(self) -> None:
        """Take in what was said since; a line that is not whole yet waits for its end."""
        try:
            if os.stat(self.path).st_size == self._at:
                return
            file = open(self.path, "rb")  # noqa: SIM115  closed below
        except FileNotFoundError:
            return
        from orjson import loads

        with file, self._guard:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                held = _decoded(line, loads)
                if type(held) is dict and type(held.get("metrics")) is dict:
                    self.metrics.take(held)
                else:
                    self._pass(len(line))
                    if type(held) is dict:
                        self.said.append(held)
                self._at += len(line)

    def _pass(self, length: int) -> None:
        start, end = self._others[-1]
        if end == self._at:
            self._others[-1] = start, end + length
        else:
            self._others.append((self._at, self._at + length))

    def says(self, name: str) -> bool:
        """Return whether a line of what was read has this name in it."""
        return any(name in line for line in self.said)

    def put_metrics(self, writer: PackWriter) -> ObjectId | None:
        """Put the lines of metrics that were read, and return their id; None without any.

        Raises:
            OSError: the journal cannot be read.
        """
        ends = [end for _, end in self._others]
        starts = [*(start for start, _ in self._others[1:]), self._at]
        parts = [(start, end) for start, end in zip(ends, starts, strict=True) if end > start]
        if not parts:
            return None
        with open(self.path, "rb", buffering=0) as file:
            return writer.put_stream(cast(BinaryIO, _Parts(file, parts)))[0]


class _Parts(io.RawIOBase):
    """Parts of a file, one after the other, as a stream."""

    def __init__(self, file: io.FileIO, parts: Sequence[tuple[int, int]]) -> None:
        self._file = file
        self._parts = iter(parts)
        self._left = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            start, end = next(self._parts, (0, 0))
            self._left = end - start
            self._file.seek(start)
        got = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= got
        return got


def _decoded(line: bytes, loads: Callable[[bytes], Any]) -> Any:
    try:
        return loads(line)
    except ValueError:
        try:
            return json.loads(line.decode("utf-8", "surrogateescape"))
        except ValueError:
            return None


def begin_journal(path: str) -> int:
    """Make an empty journal, and return a descriptor of it that holds the lock on it.

    Whoever looks for runs that were left may come between the two, and remove it.

    Raises:
        OSError: the disk refuses.
    """
    while True:
        handle = _made(path)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def _made(path: str) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def lead(path: str) -> int | None:
    """Return a descriptor that holds the lock on a journal; None when somebody has it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(path)):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
