"""A file appears whole or not at all, and no path leaves the folder it belongs to."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from mlops_cli.errors import ExternalError, IntegrityError


def write_whole(
    path: Path, data: bytes | Iterable[bytes], *, durable: bool = True, aside: Path | None = None
) -> None:
    """Replace the file at `path` by `data`; a reader sees the old bytes or the new ones.

    With `durable` the bytes and the name reach the disk before this returns. The folder must exist.
    What a killed writer leaves is beside `path`, or in the folder `aside` where that can be.

    Raises:
        ExternalError: the disk is full, read-only, or refuses.
    """
    try:
        room = path.parent if aside is None else staging(path.parent, aside)
        temporary = f"{room}/.mlo-{os.getpid()}-{os.urandom(6).hex()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise outside(error, path) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise outside(error, path) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_regular(path: Path) -> bytes:
    """Return the bytes of a file that came from a user or from git.

    Raises:
        OSError: it is missing, unreadable, or a FIFO or device, which might never end.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def staging(folder: Path, aside: Path) -> Path:
    """Return where to write what is then moved into `folder`: `aside`, if a move can be from there.

    In a work tree a file that is not whole yet would be taken for the user's.
    """
    try:
        alike = os.stat(aside).st_dev == os.stat(folder).st_dev
    except FileNotFoundError:
        alike = False
    return aside if alike and os.access(aside, os.W_OK | os.X_OK) else folder


def remove_folder(folder: str | Path) -> None:
    """Remove a folder, as far as the system lets us; one of plain files without more to load."""
    try:
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)
    except OSError:  # there is a folder in it
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def outside(error: OSError, path: str | Path) -> ExternalError:
    """Return the error that tells a user what the system said of `path`."""
    reason = (error.strerror or str(error)).lower()
    return ExternalError(f"cannot write '{path}': {reason}")


def inside(root: Path, relative: str) -> Path:
    """Return the path of `relative` under `root`.

    `relative` is POSIX, and comes from a pointer, a tree or a lock file, so it is not trusted.

    Raises:
        IntegrityError: it is absolute, empty, has a `..`, or passes through a symbolic link
            on its way.
    """
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise IntegrityError(f"the path '{relative}' leaves the project")
    here = root
    for part in parts[:-1]:
        here = here / part
        if here.is_symlink():
            raise IntegrityError(f"the path '{relative}' passes through the link '{here}'")
    return here / parts[-1]


def current_umask() -> int:
    """Return the process's umask, without changing it where the system tells."""
    global _umask
    if _umask is None:
        _umask = os.umask(0o022)
        os.umask(_umask)
    return _umask


_umask: int | None = None
