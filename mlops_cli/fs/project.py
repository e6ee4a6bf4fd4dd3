"""A project opened once in a process for all who read from it: store, remote and caches."""

import os
from functools import cached_property, lru_cache
from pathlib import Path

from mlops_cli.core import layout, tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import NotARepository
from mlops_cli.remotes import fetch
from mlops_cli.remotes.reader import Reader
from mlops_cli.remotes.remote import Remote, connect

_TREES = 512


class Project:
    """Where the bytes of one project's versions come from. Threads may share it."""

    def __init__(self, root: Path, remote: str | None) -> None:
        if layout.find(root).root != root:  # on another machine it may be missing
            raise NotARepository(f"there is no mlo repository at '{root}'")
        self.repo: Repository = open_repository(root)
        self.reader = Reader(self.repo.objects, lambda: self._remote)
        self.entries = lru_cache(maxsize=_TREES)(self._read_tree)
        """Returns what is in a folder, by name."""
        self._remote_name = remote

    @cached_property
    def _remote(self) -> Remote | None:
        if self._remote_name is None and not self.repo.settings.remotes:
            return None
        return connect(self.repo, self._remote_name)

    def keep(self, oid: ObjectId) -> None:
        """Bring an object into the store unless it is there, whole and checked."""
        if self.repo.objects.has(oid) or self._remote is None:
            return
        self.reader.size(oid)  # looks for it on the remote as that is now
        fetch.content(self.repo, self._remote, [oid])

    def _read_tree(self, oid: ObjectId) -> dict[str, tree.Entry]:
        return {entry.name: entry for entry in tree.decode(self.reader.get(oid))}


def open_project(root: Path, remote: str | None) -> Project:
    """Return the project at `root`, the same for all who ask, until its settings change.

    Raises:
        NotARepository: there is none.
    """
    try:
        status = os.stat(root / layout.SETTINGS)
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    except FileNotFoundError:
        stamp = (0, 0, 0)
    return _opened(root, remote, stamp, os.getpid())


@lru_cache(maxsize=8)
def _opened(
    root: Path,
    remote: str | None,
    _settings: tuple[int, int, int],
    _process: int,  # a child that was forked must not wait for its parent's locks
) -> Project:
    return Project(root, remote)
