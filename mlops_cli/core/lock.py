"""One writer at a time, by a kernel lock that goes away with its holder."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlops_cli.core.files import outside
from mlops_cli.errors import Locked

_POLL_S = 0.02


@contextmanager
def hold(
    path: Path,
    *,
    purpose: str,
    wait_s: float = 60.0,
    on_wait: Callable[[str], None] | None = None,
    what: str = "the repository",
) -> Iterator[None]:
    """Hold the lock at `path` of `what` for a `with` block; `purpose` is what others are told.

    Waits up to `wait_s` seconds, after calling `on_wait` once with the holder's description.
    The lock is the kernel's (`flock`), so a killed holder leaves nothing to clean up.

    Raises:
        Locked: another process still holds it; the message names it.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise outside(error, path) from error
    try:
        _acquire(handle, wait_s, on_wait, what)
        _sign(handle, purpose)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def wait_for(
    handle: int, how: int, wait_s: float, on_wait: Callable[[], None] | None = None
) -> bool:
    """Lock an open file as `how` says, `LOCK_SH` or `LOCK_EX`; return whether that came true.

    Waits up to `wait_s` seconds, after calling `on_wait` once.
    """
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
        if on_wait and not told:
            on_wait()
            told = True
        time.sleep(_POLL_S)


def _acquire(handle: int, wait_s: float, on_wait: Callable[[str], None] | None, what: str) -> None:
    tell = None if on_wait is None else lambda: on_wait(_holder(handle))
    if not wait_for(handle, fcntl.LOCK_EX, wait_s, tell):
        raise Locked(
            f"{what} is locked by {_holder(handle)}",
            hint="wait until it has ended, then try again",
        )


def _sign(handle: int, purpose: str) -> None:
    """Say who holds it, for others to be told; on a full disk nobody is, and it is held as well."""
    note = json.dumps({"pid": os.getpid(), "purpose": purpose}).encode()
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, note, 0)


def _holder(handle: int) -> str:
    try:
        note = json.loads(os.pread(handle, 4096, 0))
        return f"`{note['purpose']}` (process {note['pid']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
