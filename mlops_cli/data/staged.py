"""What is wrong with a commit that is about to be made: large files, bytes that have a pointer,
pointers that name nothing or something else than the data beside them, data that was edited.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from mlops_cli.core import git_index, lockfile
from mlops_cli.core.git_index import Staged
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import conflicts, paths, pointer, projects, snapshot
from mlops_cli.data.merge import Conflict
from mlops_cli.data.pointer import Pointer
from mlops_cli.errors import MloError

Elsewhere = Callable[[Repository, ObjectId], bool]
_MIB = 1024 * 1024
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a staged path, and what to type; `stops` if it is not to be committed."""

    path: str
    problem: str
    hint: str | None
    stops: bool


def inspect(top: Path, index: str | None, elsewhere: Elsewhere) -> list[Finding]:
    """Return what is wrong with the files staged in an index, in the order of their paths.

    `elsewhere` is asked whether an object that is not in the store is known to be on a remote.
    Paths are from `top`, the top folder of the git repository; files outside of projects are
    nobody's business here.
    """
    commit = _Commit(top, index, elsewhere)
    found = [finding for one in commit.staged for finding in commit.look(one)]
    return found + list(commit.failing()) + list(commit.unsettled()) + list(commit.edited())


class _Commit:
    def __init__(self, top: Path, index: str | None, elsewhere: Elsewhere) -> None:
        self._top = top
        self._index = index
        self._elsewhere = elsewhere
        self._repositories: dict[Path, Repository] = {}
        self._roots: dict[str, Path | None] = {}
        self.staged = git_index.staged(top, index)

    def look(self, one: Staged) -> Iterator[Finding]:
        """Yield what is wrong with one file."""
        root = self._root_of(one.path.rpartition("/")[0])
        if root is None:
            return
        if pointer.is_pointer(one.path):
            yield from self._pointer(self._open(root), one)
        elif self._top / one.path == root / LOCKFILE:
            yield from self._lock(one)
        else:
            yield from self._bytes(self._open(root), one)

    def unsettled(self) -> Iterator[Finding]:
        """Yield the pointers that are staged though nobody has settled their conflicts."""
        for root, touched in projects.touched(self._top, self._pointers).items():
            repo = self._open(root)
            for path, one in conflicts.read(repo).items():
                staged = self._staged_pointer(touched.file(path), path)
                if one.open and staged == one.kept and self._operation is not None:
                    yield Finding(
                        touched.prefix + path,
                        f"both sides of the {self._operation} changed {_list(one.open)}, "
                        "and neither was chosen",
                        f"mlo merge, or keep what is here: mlo merge --take ours {path}",
                        stops=True,
                    )

    def failing(self) -> Iterator[Finding]:
        """Yield the data that does not pass its schema."""
        names: dict[Path, set[str]] = {}
        for one in self.staged:
            root = self._root_of(one.path.rpartition("/")[0])
            if root is not None:
                names.setdefault(root, set()).add(self._within(self._open(root), one.path))
        for root, staged in names.items():
            repo = self._open(root)
            if any(one.schema is not None for one in repo.settings.data.values()):
                yield from self._failing(repo, staged)

    def _failing(self, repo: Repository, staged: set[str]) -> Iterator[Finding]:
        from mlops_cli.data.validation import staged as validation

        prefix = "" if repo.root == self._top else f"{repo.root.relative_to(self._top).as_posix()}/"

        def content(path: str) -> bytes | None:
            return git_index.content(self._top, prefix + path, self._index)

        for path, problem, hint in validation.failing(repo, staged, content):
            yield Finding(prefix + path, problem, hint, stops=True)

    def edited(self) -> Iterator[Finding]:
        """Yield the data that was edited since it was added, of pointers that are not staged."""
        if self._operation is not None:
            return
        for file in sorted(self._pointers - {one.path for one in self.staged}):
            root = self._root_of(file.rpartition("/")[0])
            if root is not None:
                yield from self._edited(self._open(root), file)

    def _edited(self, repo: Repository, file: str) -> Iterator[Finding]:
        data = file.removesuffix(POINTER_SUFFIX)
        try:
            now = pointer.read(repo, self._within(repo, data))
            if now is None or not os.path.lexists(self._top / data):
                return
            found = snapshot.take(repo, paths.locate(repo, now.path))
        except MloError:
            return  # told by `mlo status`, and no concern of this commit
        if (found.oid, found.kind) != (now.oid, now.kind):
            yield Finding(
                data,
                "it was edited since it was added, and this commit keeps the version before",
                f"mlo add {data} && git add {file}",
                stops=False,
            )

    def _pointer(self, repo: Repository, one: Staged) -> Iterator[Finding]:
        path = self._within(repo, one.path).removesuffix(POINTER_SUFFIX)
        try:
            found = pointer.decode(git_index.contents(self._top, [one.blob])[one.blob], path)
        except MloError as error:
            yield Finding(one.path, error.message, error.hint, stops=True)
            return
        if not repo.objects.has(found.oid) and not self._elsewhere(repo, found.oid):
            yield Finding(
                one.path,
                "the content that it names is not in this store",
                f"write it anew: mlo add {path}, or get its content: mlo fetch",
                stops=self._operation is None,
            )
        yield from self._beside(repo, one, found)

    def _beside(self, repo: Repository, one: Staged, staged: Pointer) -> Iterator[Finding]:
        """Yield that the data in the work tree is not what its staged pointer says."""
        target = paths.locate(repo, staged.path)
        if not os.path.lexists(target):
            return
        try:
            found = snapshot.take(repo, target)
        except MloError as error:
            yield Finding(one.path, error.message, error.hint, stops=False)
            return
        if (found.oid, found.kind) != (staged.oid, staged.kind):
            data = one.path.removesuffix(POINTER_SUFFIX)
            yield Finding(
                one.path,
                "the data beside it has changed since, and is not in this commit",
                f"mlo add {data} && git add {one.path}",
                stops=False,
            )

    def _lock(self, one: Staged) -> Iterator[Finding]:
        try:
            lockfile.decode(git_index.contents(self._top, [one.blob])[one.blob], where=one.path)
        except MloError as error:
            yield Finding(one.path, error.message, error.hint, stops=True)

    def _bytes(self, repo: Repository, one: Staged) -> Iterator[Finding]:
        for above in (one.path, *map(str, PurePosixPath(one.path).parents)):
            if above + POINTER_SUFFIX in self._pointers:
                yield Finding(
                    one.path,
                    f"its bytes are versioned by '{above}{POINTER_SUFFIX}', and git would keep "
                    "them too",
                    f"git rm -r --cached {above}",
                    stops=True,
                )
                return
        limit = repo.settings.hooks.max_file_bytes
        if limit and one.size > limit:
            yield Finding(
                one.path,
                f"it has {one.size / _MIB:,.1f} MiB, more than the {limit / _MIB:,.4g} MiB that "
                "git is to have in one file",
                f"git rm --cached {one.path} && mlo add {one.path}",
                stops=True,
            )

    def _staged_pointer(self, file: str, path: str) -> ObjectId | None:
        held = git_index.content(self._top, file, self._index)
        try:
            return None if held is None else pointer.decode(held, path).oid
        except MloError:
            return None

    def _open(self, root: Path) -> Repository:
        if root not in self._repositories:
            self._repositories[root] = open_repository(root)
        return self._repositories[root]

    def _root_of(self, folder: str) -> Path | None:
        if folder not in self._roots:
            self._roots[folder] = projects.root_of(self._top, folder)
        return self._roots[folder]

    def _within(self, repo: Repository, path: str) -> str:
        return (self._top / path).relative_to(repo.root).as_posix()

    @cached_property
    def _pointers(self) -> set[str]:
        found = git_index.files(self._top, "*" + POINTER_SUFFIX, index=self._index)
        return {file for file in found if pointer.is_pointer(file)}

    @cached_property
    def _operation(self) -> str | None:
        return git_index.operation(self._top)


def _list(open_ones: Sequence[Conflict]) -> str:
    names = [one.path for one in open_ones]
    if names == ["."]:
        return "it"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_NAMED]) + more
