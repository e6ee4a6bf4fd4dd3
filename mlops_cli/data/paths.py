"""A path as it is kept: POSIX, relative to the project's root, and inside it."""

import os
from pathlib import Path

from mlops_cli.core.files import inside
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError

_CLOSED = frozenset({".git", ".mlo"})
"""Folders that no version of data may reach into: what is there would be run or believed."""


def relative(repo: Repository, path: Path) -> str:
    """Return the kept form of a path that a user typed; it need not exist.

    Raises:
        RequestError: it is outside the project, its root, inside `.git` or `.mlo`, or reached
            through a symbolic link.
    """
    root = str(repo.root)
    typed = os.path.abspath(path)
    if typed == root:
        raise RequestError(f"'{path}' is the whole project", hint="name files or folders inside it")
    if not typed.startswith(root + os.sep):
        folder, name = os.path.split(typed)
        real = os.path.join(os.path.realpath(folder), name)
        if not real.startswith(os.path.realpath(root) + os.sep):
            raise RequestError(
                f"'{path}' is outside the project in '{root}'",
                hint="copy it into the project first",
            )
        typed = root + real.removeprefix(os.path.realpath(root))
    kept = typed[len(root) + 1 :]
    try:
        locate(repo, kept)
    except IntegrityError as error:
        raise RequestError(
            error.message, hint="name the path itself, inside the project"
        ) from error
    return kept


def locate(repo: Repository, path: str) -> Path:
    """Return where a kept path is in the work tree. The path is not trusted.

    Raises:
        IntegrityError: it leaves the project, reaches into `.git` or `.mlo`, or passes through
            a symbolic link.
    """
    check(path)
    return inside(repo.root, path)


def check(path: str) -> None:
    """Raise IntegrityError unless `path` may be the kept form of a path.

    >>> check("data/raw.csv")
    """
    for part in path.split("/"):
        if part in ("", ".", "..") or "\0" in part:
            raise IntegrityError(f"the path '{path}' leaves the project")
        if part.lower() in _CLOSED:
            raise IntegrityError(f"the path '{path}' reaches into '{part}'")
