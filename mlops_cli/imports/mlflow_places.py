"""Artifacts of MLflow runs in folders of this machine.

A run says itself where its artifacts are. That is not believed beyond the folders that belong to
what is imported, or that the user names: else a run could name any folder of the machine, and its
files would be in the store and go to others with the next push.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mlops_cli.core import tree
from mlops_cli.core.packs import as_id
from mlops_cli.errors import ExternalError, StateError
from mlops_cli.imports.listing import Leaf
from mlops_cli.imports.mlflow_run import Files

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

_PROXIED = "mlflow-artifacts"


class Places:
    """Folders that artifacts may be in."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [Path(os.path.realpath(root)) for root in roots]
        self.links = 0
        """How many links and special files were left out so far."""

    def files(self, uri: str, *usual: Path) -> Files:
        """Return the files of the artifacts at a URI; they may be at one of the `usual` places too.

        What it returns raises StateError when it is asked, if they are where nothing is read from.
        """

        def found() -> Iterator["LocalFile"]:
            folder = self._folder(uri, usual)
            return iter(()) if folder is None else self._walk(folder)

        return found

    def _folder(self, uri: str, usual: Sequence[Path]) -> Path | None:
        """Return the folder of a run's artifacts; None when there is none, so it has no artifacts.

        Raises:
            StateError: it is outside of the roots, or not on this machine.
        """
        named, below = _local(uri), _below(uri)
        guesses = [*usual, *(root / below for root in self._roots if below)]
        outside: Path | None = None
        for guess in [*guesses, *([named] if named else [])]:
            real = Path(os.path.realpath(guess))
            if real.is_dir():
                if any(real.is_relative_to(root) for root in self._roots):
                    return real
                outside = real
        if outside is not None:
            raise StateError(
                f"its artifacts are in '{outside}', outside of what is imported",
                hint="if you trust it: --artifacts with the folder of all artifacts",
            )
        if named is None and urlsplit(uri).scheme not in ("", _PROXIED):
            raise StateError(
                f"its artifacts are at '{uri[:80]}'",
                hint="import from the server's URL, or leave them out: --no-artifacts",
            )
        return None

    def _walk(self, folder: Path) -> Iterator["LocalFile"]:
        for here, folders, names in os.walk(folder, onerror=_unreadable):
            folders.sort()
            within = os.path.relpath(here, folder)
            for name in sorted(names):
                path = os.path.join(here, name)
                status = os.lstat(path)
                if not stat.S_ISREG(status.st_mode):
                    self.links += 1
                    continue
                kept = name if within == "." else f"{within}/{name}"
                yield LocalFile(kept, status.st_size, path)
            self.links += sum(os.path.islink(os.path.join(here, one)) for one in folders)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine; see `mlflow_run.File`."""

    path: str
    size: int
    place: str

    def put(self, writer: "PackWriter") -> Leaf:
        """Store it.

        Raises:
            ExternalError: it cannot be read, or has become a link.
        """
        try:
            handle = os.open(self.place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                status = os.fstat(handle)
                key, size = writer.put_handle(handle, status.st_size)
            finally:
                os.close(handle)
        except OSError as error:
            raise _outside(error) from error
        mode = tree.Mode.EXECUTABLE if status.st_mode & 0o100 else tree.Mode.FILE
        return Leaf(as_id(key), size, mode)


def _local(uri: str) -> Path | None:
    """Return the path on this machine that a URI stands for, if it does.

    >>> [str(_local(uri)) for uri in ("file:///a/b%20c", "/a/b", "s3://bucket/a", "")]
    ['/a/b c', '/a/b', 'None', 'None']
    """
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path)) if parts.netloc in ("", "localhost") else None
    return Path(uri) if not parts.scheme and uri.startswith("/") else None


def _below(uri: str) -> Path | None:
    """Return what the end of a URI says, as below any folder of artifacts.

    >>> [str(_below(uri)) for uri in ("mlflow-artifacts:/1/ab/artifacts", "/x/1/ab/artifacts", "s3://b")]
    ['1/ab/artifacts', '1/ab/artifacts', 'None']
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file", _PROXIED):
        return None
    names = [name for name in unquote(parts.path).split("/") if name]
    of_model = names[-3:-2] == ["models"]
    last = names if parts.scheme == _PROXIED else names[-4 if of_model else -3 :]
    return Path(*last) if last and not {".", ".."} & set(last) else None


def _unreadable(error: OSError) -> None:
    raise _outside(error) from error


def _outside(error: OSError) -> ExternalError:
    return ExternalError(
        f"cannot read '{error.filename}': {(error.strerror or str(error)).lower()}"
    )
