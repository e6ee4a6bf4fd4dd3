"""What steps depend on as it is now: the ids of files, folders, variables and references."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.globs import is_pattern
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import pack_stat
from mlops_cli.data import paths, snapshot
from mlops_cli.pipeline import patterns
from mlops_cli.pipeline.plan import Plan

if TYPE_CHECKING:
    from mlops_cli.data.differences import Pair

_MOST_NAMED = 3
_MOST_COMPARED = 1000
"""So many files are compared to tell which of a folder changed."""


class Look:
    """One look at the work tree: each path and each pattern is looked up once."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._ids: dict[str, ObjectId | None] = {}
        self._matches: dict[str, list[str]] = {}
        self._folders: dict[str, dict[bytes, tuple[bytes, bytes]]] = {}
        self._root = os.fspath(repo.root)

    def current(self, path: str) -> ObjectId | None:
        """Return the id of what is at a path, or None when nothing is there."""
        if path not in self._ids:
            self._ids[path] = self._look_up(path)
        return self._ids[path]

    def _look_up(self, path: str) -> ObjectId | None:
        """Return the same. A file that is as it was when it was last hashed is not read."""
        folder, _, name = path.rpartition("/")
        known = self._known(path, folder)
        raw = f"{self._root}/{path}"
        try:
            status = os.lstat(raw)
        except (FileNotFoundError, NotADirectoryError):
            return None
        hit = known.get(os.fsencode(name))
        if hit and stat.S_ISREG(status.st_mode) and hit[0] == pack_stat(status):
            return ObjectId(hit[1].hex())
        return snapshot.take(self._repo, Path(raw)).oid

    def _known(self, path: str, folder: str) -> dict[bytes, tuple[bytes, bytes]]:
        """Return what is known of the files in a path's folder, which was made sure of."""
        if folder not in self._folders:
            paths.locate(self._repo, path)
            block = self._repo.stat_cache.blocks.get(os.fsencode(folder) or b".")
            self._folders[folder] = {} if block is None else block.trusted()
        else:
            paths.check(path)
        return self._folders[folder]

    def inside(self, path: str, before: ObjectId) -> str:
        """Return in brackets which files of a folder are not as in the version `before`.

        Empty of a file, and where that version is not in this store.
        """
        from itertools import islice

        from mlops_cli.data import differences
        from mlops_cli.errors import MloError

        if not os.path.isdir(f"{self._root}/{path}"):
            return ""
        try:
            found = list(islice(differences.from_tree(self._repo, before, path), _MOST_COMPARED))
        except (KeyError, MloError):
            return ""
        parts = [_said(one, path) for one in found[:_MOST_NAMED]]
        if len(found) > _MOST_NAMED:
            many = "or more " if len(found) == _MOST_COMPARED else ""
            parts.append(f"{len(found) - _MOST_NAMED:,} {many}others")
        return f" ({', '.join(parts)})" if parts else ""

    def matches(self, pattern: str) -> list[str]:
        """Return the paths that match a pattern."""
        if pattern not in self._matches:
            self._matches[pattern] = patterns.matches(self._repo.root, pattern)
        return self._matches[pattern]

    def of(self, plan: Plan, dep: str) -> dict[str, ObjectId | None]:
        """Return the ids of what one of a step's `paths` stands for, None for what is missing."""
        if is_pattern(dep):
            found = {path: self.current(path) for path in self.matches(dep)}
        else:
            found = {dep: self.current(dep)}
        if dep in plan.optional:
            return {path: oid for path, oid in found.items() if oid is not None}
        return found or {dep: None}

    def inputs(self, plan: Plan) -> dict[str, ObjectId | None]:
        """Return the id of each thing that a step depends on, None for what is missing."""
        found: dict[str, ObjectId | None] = {}
        for dep in plan.paths:
            found.update(self.of(plan, dep))
        found.update(plan.fixed)
        return found


def _said(one: "Pair", folder: str) -> str:
    what = "new" if one.old is None else "gone" if one.new is None else "changed"
    return f"{one.path.removeprefix(folder + '/')} {what}"


def inputs(repo: Repository, plan: Plan) -> dict[str, ObjectId | None]:
    """Return the id of each thing that a step depends on as it is now, None for what is missing."""
    return Look(repo).inputs(plan)


def current(repo: Repository, path: str) -> ObjectId | None:
    """Return the id of what is at a path of the work tree, or None when nothing is there."""
    return Look(repo).current(path)
