"""What is in a folder of the work tree, and what cannot be versioned."""

import os
import stat

from mlops_cli.core import tree
from mlops_cli.errors import ExternalError, RequestError

CACHES = frozenset({b"__pycache__", b".ipynb_checkpoints"})
"""Folders that programs leave beside code; they are part of no version."""


def list_folder(raw: bytes) -> tuple[list[tuple[bytes, os.stat_result]], list[bytes]]:
    """Return the files with their stat, and the subfolders but for caches, each sorted by name."""
    files: list[tuple[bytes, os.stat_result]] = []
    folders: list[bytes] = []
    try:
        with os.scandir(raw) as entries:
            for entry in entries:
                if entry.name.lower() in tree.CLOSED:
                    raise _closed(raw, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in CACHES:
                        folders.append(entry.name)
                else:
                    files.append((entry.name, entry.stat(follow_symlinks=False)))
    except OSError as error:
        raise unreadable(error, raw) from error
    files.sort(key=lambda one: one[0])
    folders.sort()
    for name, status in files:
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise RequestError(
                f"'{os.fsdecode(raw + b'/' + name)}' is a {special(status.st_mode)}, "
                "which cannot be versioned",
                hint="move it out of the folder",
            )
    return files, folders


def _closed(raw: bytes, name: bytes) -> RequestError:
    whose = "git" if name.lower() == b".git" else "mlo"
    return RequestError(
        f"'{os.fsdecode(raw + b'/' + name)}' belongs to {whose} and cannot be versioned as data",
        hint="move it out of the folder",
    )


def special(mode: int) -> str:
    """Return what people call something of this `st_mode` that is no file or folder."""
    if stat.S_ISLNK(mode):
        return "symbolic link"
    if stat.S_ISSOCK(mode):
        return "socket"
    return "FIFO" if stat.S_ISFIFO(mode) else "device"


def unreadable(error: OSError, raw: bytes) -> ExternalError:
    """Return the error that says why the file system did not let a path be read."""
    reason = (error.strerror or str(error)).lower()
    return ExternalError(f"cannot read '{os.fsdecode(raw)}': {reason}")
