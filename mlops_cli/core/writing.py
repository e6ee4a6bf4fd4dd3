"""Writers and `gc` keep out of each other's way.

A writer that finds an object in the store does not write it again, and names it later: in a
pointer, a ref, an open run. Were the object dropped in between, the name would lead nowhere. So a
writer holds a shared lock from its first look until the name is written, and `gc` removes packs
only while it has the lock alone. The lock is the kernel's (`flock`): a killed holder lets go of it.

The file's content is the *age* of the store: 16 hex digits that change whenever objects go. Whoever
remembers that something is in the store, remembers the age with it.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_cli.core.files import outside
from mlops_cli.core.lock import wait_for
from mlops_cli.errors import Locked

AGE_BYTES = 16
_WAIT_S = 600.0
_Told = Callable[[str], None] | None


def age(path: Path) -> bytes:
    """Return the age of the store; empty before the first object went."""
    try:
        with path.open("rb") as file:
            return file.read(AGE_BYTES)
    except OSError:
        return b""


class Writing:
    """The shared lock of one process, which any number of its blocks and threads hold at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._holders = 0
        self._handle = -1
        self.age = age(path)
        """How old the store is to this process; what it remembers is of that age."""

    @contextmanager
    def share(self, *, aged: Callable[[], None], on_wait: _Told = None) -> Iterator[None]:
        """Keep `gc` from removing anything for a `with` block.

        `aged` is called first if objects went since the last block, or since this was made: what
        was known of the store may not hold.

        Raises:
            Locked: a `gc` has been removing objects for ten minutes.
        """
        with self._guard:
            if self._holders == 0:
                self._handle = _open(self._path)
                try:
                    self._enter(aged, on_wait)
                except BaseException:
                    os.close(self._handle)
                    raise
            self._holders += 1
        try:
            yield
        finally:
            with self._guard:
                self._holders -= 1
                if self._holders == 0:
                    os.close(self._handle)

    def _enter(self, aged: Callable[[], None], on_wait: _Told) -> None:
        tell = None if on_wait is None else lambda: on_wait("`mlo gc`")
        if not wait_for(self._handle, fcntl.LOCK_SH, _WAIT_S, tell):
            raise Locked("`mlo gc` is removing objects", hint="try again when it has ended")
        now = os.pread(self._handle, AGE_BYTES, 0)
        if now != self.age:
            self.age = now
            aged()


@contextmanager
def alone(path: Path, *, wait_s: float, on_wait: _Told = None) -> Iterator[Callable[[], None]]:
    """Keep all writers out for a `with` block; yield what must be called before an object goes.

    Raises:
        Locked: writers were at work for `wait_s` seconds.
    """
    handle = _open(path)
    try:
        tell = None if on_wait is None else lambda: on_wait("what is being added or recorded")
        if not wait_for(handle, fcntl.LOCK_EX, wait_s, tell):
            raise Locked("data is being added or a run recorded", hint="try again: mlo gc")
        yield lambda: _renew(handle, path)
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise outside(error, path) from error


def _renew(handle: int, path: Path) -> None:
    try:
        os.pwrite(handle, os.urandom(AGE_BYTES // 2).hex().encode(), 0)
        os.fsync(handle)
    except OSError as error:
        raise outside(error, path) from error
