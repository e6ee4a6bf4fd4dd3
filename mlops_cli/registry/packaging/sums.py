"""`SHA256SUMS`: a line for each file of a package, which `sha256sum --check` reads too."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mlops_cli.core.files import inside
from mlops_cli.errors import IntegrityError, RequestError

FILE = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_CLOSED = ("code", "model", "compiled", "objects")
"""Folders in which nothing may be that is not listed."""


def text(folder: Path) -> str:
    """Return the lines for all files in a folder but the list itself; links have no content."""
    paths = sorted(path for path in _files(folder) if path != FILE)
    paths = [path for path in paths if not (folder / path).is_symlink()]
    return "".join(f"{digest(folder / path)}  {path}\n" for path in paths)


def check(folder: Path) -> None:
    """Check every file of a package.

    Raises:
        RequestError: the folder is no package.
        IntegrityError: a file is not what was written, is gone, or has come.
    """
    try:
        lines = (folder / FILE).read_text().splitlines()
    except OSError as error:
        raise RequestError(
            f"'{folder}' is not a package: it has no {FILE}", hint="mlo package MODEL -o DIR"
        ) from error
    listed = set()
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise IntegrityError(f"'{folder / FILE}' is damaged: '{line[:40]}'")
        path = match[2]
        listed.add(path)
        try:
            found = digest(inside(folder, path))
        except OSError as error:
            raise IntegrityError(f"the package in '{folder}' lacks its file '{path}'") from error
        if found != match[1] or (folder / path).is_symlink():
            raise IntegrityError(
                f"'{path}' of the package in '{folder}' is not what was written",
                hint="package it again: mlo package MODEL@REF -o DIR",
            )
    more = [one for one in _files(folder) if one not in listed and _is_closed(folder, one)]
    if more:
        raise IntegrityError(f"'{more[0]}' was added to the package in '{folder}'")


def _is_closed(folder: Path, path: str) -> bool:
    """Return whether nothing may be added at a path; a model's links are told by its record."""
    place = path.split("/")[0]
    return place in _CLOSED and (place == "code" or not (folder / path).is_symlink())


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[str]:
    """Yield the files and links below a folder; what Python compiled there is no part of it."""
    for where, below, names in os.walk(folder):
        below[:] = [name for name in below if name != "__pycache__"]
        links = [name for name in below if (Path(where) / name).is_symlink()]
        for name in [*names, *links]:
            yield (Path(where) / name).relative_to(folder).as_posix()
