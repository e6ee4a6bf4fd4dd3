"""Which processes that keep files in `tmp` are alive: proven by a lock, not by a clock or a number.

What a process writes to `tmp` has its number in its name. For as long as it lives it holds a shared
lock on the file of that number in `.mlo/alive/`, so whoever gets that lock alone knows that every
process of that number is gone, also where containers count each from one.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = "alive"
LEFT_BEHIND_S = 24 * 3600
"""What nobody can be shown to have left is kept for so long."""

_BOOT_BYTES = 36

_held: dict[str, int] = {}
"""The lock of this process by the folder it is in."""


def announce(tmp: Path) -> None:
    """Let others know, until this process ends, that it may keep files in `tmp`.

    Where nothing can be written, nothing is kept either.
    """
    folder = str(tmp.with_name(FOLDER))
    if folder not in _held:
        if not _held:
            _at_first()
        with suppress(OSError):
            _held[folder] = _sign_in(tmp, folder)


def sweep(tmp: Path) -> None:
    """Remove what processes left in `tmp` that are gone.

    What has no number in its name, or that of a process which did not announce itself, goes when
    nobody has touched it for a day and nobody else is alive.
    """
    folder = str(tmp.with_name(FOLDER))
    with suppress(OSError):
        numbers = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        left = _left(tmp)
        numbers.discard(str(os.getpid()))
        gone = {number for number in numbers if _bury(tmp, folder, number, left)}
        if numbers == gone:
            _remove_old(tmp, [name for name in left if _number(name) not in gone])


def _left(tmp: Path) -> list[str]:
    return [name for name in os.listdir(tmp) if not name.endswith(".lock")]


def _bury(tmp: Path, folder: str, number: str, left: list[str]) -> bool:
    """Remove what a process left and its file, if it is gone; return whether it is.

    Between machines the lock may count for nothing. So what was left by another one, or before
    this one was started, has to be old too.
    """
    with _alone(f"{folder}/{number}") as handle:
        if handle is None:
            return False
        theirs = [name for name in left if _number(name) == number]
        is_near = os.pread(handle, _BOOT_BYTES, 0) in (b"", _boot())
        going = [name for name in theirs if is_near or _is_old(tmp / name)]
        for name in going:
            _remove(tmp / name)
        if going != theirs:
            return False
        with suppress(OSError):
            os.unlink(f"{folder}/{number}")
        return True


@contextmanager
def _alone(path: str) -> Iterator[int | None]:
    """Hold the lock on a file for a `with` block, if nobody has it; yield the file, or None."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
        else:
            yield handle if _is_at(path, handle) else None
    finally:
        os.close(handle)


def _is_at(path: str, handle: int) -> bool:
    """Return whether an open file still has its name."""
    try:
        return os.stat(path).st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _sign_in(tmp: Path, folder: str) -> int:
    """Return the handle of this process's file, locked; one of its number from before is buried."""
    path = f"{folder}/{os.getpid()}"
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(path):
        _bury(tmp, folder, str(os.getpid()), os.listdir(tmp))
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if _is_at(path, handle):
            os.pwrite(handle, _boot(), 0)
            return handle
        os.close(handle)


def _at_first() -> None:
    import atexit

    atexit.register(_sign_out)
    os.register_at_fork(after_in_child=_sign_in_again)


def _sign_out() -> None:
    """Remove what this process was interrupted at, and its file; the same for those it forked."""
    number = str(os.getpid())
    for folder, handle in _held.items():
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tmp = Path(folder).with_name("tmp")
            left = _left(tmp)
            for name in left:
                if _number(name) == number:
                    _remove(tmp / name)
            os.unlink(f"{folder}/{number}")
            for other in os.listdir(folder):
                _bury(tmp, folder, other, left)


def _sign_in_again() -> None:
    """Let a forked process have a file of its own."""
    for folder, handle in list(_held.items()):
        with suppress(OSError):
            os.close(handle)
            del _held[folder]
            _held[folder] = _sign_in(Path(folder).with_name("tmp"), folder)


def _number(name: str) -> str | None:
    """Return the number of the process that a name in `tmp` has.

    >>> _number(".mlo-restore-4711-ab12"), _number("tmpx2k")
    ('4711', None)
    """
    return next((part for part in name.split("-") if part.isdecimal()), None)


def _boot() -> bytes:
    """Return what tells this machine, since it was started, from others."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read(_BOOT_BYTES)
    except OSError:
        return os.fsencode(os.uname().nodename)[:_BOOT_BYTES]


def _remove_old(tmp: Path, names: list[str]) -> None:
    for name in names:
        if _number(name) != str(os.getpid()) and _is_old(tmp / name):
            _remove(tmp / name)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - os.lstat(path).st_mtime >= LEFT_BEHIND_S
    except OSError:
        return False


def _remove(path: Path) -> None:
    import shutil

    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
