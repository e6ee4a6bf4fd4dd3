"""After git has moved: which pointers and outputs it may have changed, and bringing their data.

What differs between two commits is what git changed. Where it does not tell the commits
(`git checkout REV -- FILE`, a commit that ends a merge), it is the pointers that were written
since the last look, as long as their data is older: newer data is the user's work. When the last
look was is the time of the file `.mlo/followed`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core import git_index, git_range
from mlops_cli.core.layout import LOCKFILE, Layout
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer, projects
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.projects import Touched
from mlops_cli.errors import MloError

if TYPE_CHECKING:
    from mlops_cli.data.follow import Followed

_STAMP = "followed"


def moved(top: Path, old: str | None, *, fresh: bool = False) -> Iterator[tuple[Path, "Followed"]]:
    """Bring the data of all projects of a git repository to what its pointers name now.

    Yields each project's root and what was done there, if something was to be done.

    Args:
        top: the top folder of the git work tree.
        old: the commit that was checked out before, if that is known.
        fresh: whether the work tree is new, so that nothing in it can be the user's.
    """
    new = git_range.commit_of(top, "HEAD")
    changed = set(git_range.changed(top, old, new, *projects.PATTERNS)) if old and new else set()
    files = git_index.files(top, *projects.PATTERNS) | changed
    for root, touched in projects.touched(top, files).items():
        if not Layout(root).tmp.is_dir():
            open_repository(root)  # a new clone or work tree gets its store
        project = _Project(touched, changed, old, fresh=fresh)
        started = _now(project.layout)
        done = project.follow()
        if done is not None:
            yield root, done
        started.replace(project.layout.mlo / _STAMP)


def look_from_now(layout: Layout) -> None:
    """Note that what git has changed until now is of no concern."""
    _now(layout).replace(layout.mlo / _STAMP)


def _now(layout: Layout) -> Path:
    """Return a new file, whose time is the present one of the file system."""
    file = layout.tmp / f"{_STAMP}-{os.getpid()}"
    file.write_bytes(b"")
    return file


class _Project:
    def __init__(
        self, touched: Touched, changed: set[str], old: str | None, *, fresh: bool
    ) -> None:
        self._touched = touched
        self._changed = changed
        self._old = old
        self._fresh = fresh
        self.layout = Layout(touched.root)
        self._since = _time_of(self.layout.mlo / _STAMP)

    def follow(self) -> "Followed | None":
        """Bring data and outputs along; None when there is nothing to look at."""
        data = {path for path in self._touched.data if self._is_due(path)}
        lock = self._touched.lock and (
            self._fresh
            or self._touched.prefix + LOCKFILE in self._changed
            or self._is_written(self.layout.lockfile)
        )
        if not data and not lock:
            return None
        from mlops_cli.data.follow import Followed, follow

        repo = open_repository(self._touched.root)
        had = self._pointers_before(repo) if self._changed else {}
        named = self._outputs(repo) if lock else {}
        with repo.writing():
            done = follow(repo, {path: self._had(had, path) for path in data}, named)
        return done if done != Followed((), (), ()) else None

    def _is_due(self, path: str) -> bool:
        if self._fresh or self._touched.file(path) in self._changed:
            return True
        file = self.layout.root / pointer.file_of(path)
        return self._is_written(file) and self._is_older(path, file)

    def _is_written(self, file: Path) -> bool:
        return self._since is not None and (_time_of(file, changed=True) or 0) >= self._since

    def _is_older(self, path: str, file: Path) -> bool:
        return _newest(self.layout.root / path) <= (_time_of(file, changed=True) or 0)

    def _had(self, pointers: Mapping[str, Pointer], path: str) -> Pointer | None:
        """Return the pointer that a path had; of what git wrote over unasked it is not known."""
        return pointers.get(path) if self._touched.file(path) in self._changed else None

    def _pointers_before(self, repo: Repository) -> Mapping[str, Pointer]:
        if self._old is None:
            return {}
        try:
            return {one.path: one for one in pointer.each_at(repo, self._old)}
        except MloError:
            return {}

    def _outputs(self, repo: Repository) -> dict[str, Pointer | None]:
        """Return the outputs that git may have changed, with what they were before."""
        from mlops_cli.data.follow import outputs

        try:
            now = outputs(repo)
        except MloError:
            return {"": None}  # `follow` says what is wrong with the lock file
        before: Mapping[str, Pointer] = {}
        if self._old is not None and self._touched.prefix + LOCKFILE in self._changed:
            try:
                before = outputs(repo, self._old)
            except MloError:
                before = {}
            return {path: before.get(path) for path in now if now[path] != before.get(path)}
        if self._fresh:
            return dict.fromkeys(now)
        return {path: None for path in now if self._is_older(path, self.layout.lockfile)}


def _time_of(file: Path, *, changed: bool = False) -> int | None:
    try:
        found = os.lstat(file)
    except OSError:
        return None
    return found.st_ctime_ns if changed else found.st_mtime_ns


def _newest(target: Path) -> int:
    """Return when something at or below a path last changed, in ns; 0 when nothing is there."""
    try:
        found = os.lstat(target).st_ctime_ns
    except OSError:
        return 0
    for here, names, files in os.walk(target):
        for name in (*names, *files):
            with suppress(OSError):
                found = max(found, os.lstat(os.path.join(here, name)).st_ctime_ns)
    return found
