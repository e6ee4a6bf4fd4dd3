"""One segment being written: made when it is needed, appended to whole or not at all.

Who writes holds a kernel lock on the file, so that others can tell a segment that may still grow
from one that is done, or whose writer was killed.
"""

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from mlops_cli.core.files import sync_folder
from mlops_cli.core.records import dataclass
from mlops_cli.data.predictions.seal import SEAL_BYTES, Seal
from mlops_cli.data.predictions.segment import FRAME_BYTES, SUFFIX, Head, head_frame


@dataclass(slots=True, eq=False)
class Growing:
    """A segment of this process, the next number in it, and whether another is due."""

    head: Head
    path: Path
    made_at: float
    """By `time.monotonic`."""
    next: int = 0
    full: bool = False
    unsynced: bool = False
    rows: int = 0
    """In the file."""
    _handle: int = -1

    @property
    def name(self) -> str:
        """What it is called, as in the ids of its predictions."""
        return self.head.segment

    def ready(self) -> None:
        """Make the file with its head, and lock it, where that is not done.

        Raises:
            OSError: the disk refuses.
        """
        if self._handle >= 0:
            if self._is_there():
                return
            self.let_go()
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            self._handle, self.rows = _made(self.path, head_frame(self.head)), 0
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_size == 0:
                _write(handle, head_frame(self.head), 0)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        if not self._is_there():  # it was made anew, or removed, while we waited for the lock
            self.let_go()
            self.ready()

    def append(self, data: bytes, rows: int) -> int:
        """Add whole frames, and return the size of the file; a refusal leaves it as it was.

        Raises:
            OSError: the disk is full, or refuses.
        """
        self.ready()
        size = os.fstat(self._handle).st_size
        if size < FRAME_BYTES:
            os.ftruncate(self._handle, 0)
            data = head_frame(self.head) + data
            size = self.rows = 0
        _write(self._handle, data, size)
        self.unsynced = True
        self.rows += rows
        return size + len(data)

    def sync(self) -> None:
        """Make what was appended durable.

        Raises:
            OSError: the disk refuses.
        """
        if self.unsynced and self._handle >= 0:
            os.fsync(self._handle)
        self.unsynced = False

    def close(self, given: int) -> None:
        """Seal the file, since numbers below `given` were given out and no more will be; let it go.

        Where the disk refuses it stays open, as that of a killed writer does. Answers that come
        late may be appended still; then it is to be closed again.
        """
        with suppress(OSError):
            if self._handle >= 0 and self._is_there():
                size = os.fstat(self._handle).st_size
                now_us = time.time_ns() // 1000
                self._seal(
                    Seal(closed=True, rows=self.rows, given=given, size=size, closed_us=now_us)
                )
        self.let_go()

    def _seal(self, seal: Seal) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)  # ours can only append
        try:
            at = len(head_frame(self.head)) - SEAL_BYTES
            os.pwrite(handle, seal.encoded(self.head.seed), at)
        finally:
            os.close(handle)

    def let_go(self) -> None:
        """Close the file, which unlocks it; `append` opens it again."""
        if self._handle >= 0:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = -1

    def _is_there(self) -> bool:
        """Return whether the file that is open is the one at the path, and whole."""
        held = os.fstat(self._handle)
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        return (held.st_ino, held.st_dev) == (there.st_ino, there.st_dev)


def begin(folder: Path, head: Head) -> Growing:
    """Return a segment below `folder` that is not made yet."""
    path = folder / head.source.model / (head.segment + SUFFIX)
    return Growing(head, path, time.monotonic())


def _write(handle: int, data: bytes, size: int) -> None:
    """Append all of `data` to a file of `size` bytes, or nothing."""
    try:
        written = os.write(handle, data)
        if written == len(data):
            return
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, size)
        raise
    os.ftruncate(handle, size)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _made(path: Path, head: bytes) -> int:
    """Make a segment that is locked and has its head from its first moment on, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    handle = os.open(aside, flags, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _write(handle, head, 0)
        os.rename(aside, path)
        sync_folder(path.parent)
    except BaseException:
        os.close(handle)
        aside.unlink(missing_ok=True)
        raise
    return handle
