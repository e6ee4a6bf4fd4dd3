"""What of a DVC project lies in the work tree already: read once, into the store and checked."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import pack_stat
from mlops_cli.data import paths, snapshot
from mlops_cli.data.dvc_files import Digest
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.remember import remember
from mlops_cli.errors import MloError
from mlops_cli.imports.arrival import Readable
from mlops_cli.imports.dvc_places import keys

_PIECE_BYTES = 1024 * 1024


class WorkTree:
    """A place that gives what the work tree has; it never follows a link, as into DVC's cache."""

    name = "the work tree"

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: dict[str, str] = {}
        self._read: dict[str, bytes] = {}
        self._good: dict[str, bytes] = {}

    def expect(self, digest: Digest, path: str) -> None:
        """Expect content at a path, relative to the root."""
        for key in keys(digest)[:1]:
            self._paths.setdefault(key, path)

    def open(self, key: str) -> AbstractContextManager[Readable] | None:
        """Open what was expected under this name; see `Place`."""
        path = self._paths.get(key)
        if path is None:
            return None
        try:
            where = self.root / path
            handle = os.open(where, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        file = os.fdopen(handle, "rb")
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            file.close()
            return None
        self._read[key] = pack_stat(status)
        return file

    def praise(self, key: str) -> None:
        """Note that a file is what it should be; see `Place`."""
        self._good[self._paths[key]] = self._read[key]

    def remember(self, repo: Repository, pointer: Pointer, files: Iterable[str]) -> None:
        """Have the stat cache know a path, if all its `files` were good and still are."""
        if all(self._is_good(path) for path in files):
            remember(repo, paths.locate(repo, pointer.path), pointer.oid, pointer.kind)

    def _is_good(self, path: str) -> bool:
        try:
            return pack_stat(os.lstat(self.root / path)) == self._good.get(path)
        except OSError:
            return False


def digest_of(root: Path, path: str) -> str | None:
    """Return the MD5 that DVC has for a file or folder of the work tree; None when it has none."""
    try:
        if not (root / path).is_dir():
            return _md5(root / path)
    except OSError:
        return None
    return hashlib.md5(list_of(root, path), usedforsecurity=False).hexdigest() + ".dir"


def list_of(root: Path, path: str) -> bytes:
    """Return the list of files that DVC would keep of a folder of the work tree, empty for none."""
    target = root / path
    try:
        rows = sorted(
            (one.relative_to(target).as_posix(), _md5(one))
            for one in target.rglob("*")
            if one.is_file()
        )
    except OSError:
        return b""
    return json.dumps([{"md5": digits, "relpath": name} for name, digits in rows]).encode()


def is_link_into(path: Path, folder: Path) -> bool:
    """Return whether a path is a link into a folder, or is a folder that holds such links."""
    if path.is_symlink():
        return path.resolve().is_relative_to(folder.resolve())
    if not path.is_dir():
        return False
    return any(one.is_symlink() and is_link_into(one, folder) for one in path.rglob("*"))


def current(repo: Repository, path: str) -> snapshot.Snapshot | None:
    """Return what is at a path of the work tree, as `mlo add` would take it; None for nothing."""
    try:
        return snapshot.take(repo, paths.locate(repo, path))
    except MloError:
        return None


def _md5(path: Path) -> str:
    hasher = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            hasher.update(piece)
    return hasher.hexdigest()
