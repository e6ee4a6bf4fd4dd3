"""Making data follow git: after git has changed pointers, the work tree gets what they name.

As git does with code, changes that nobody has saved are carried over: a file that is other than
its old version stays as it is, and if git brings another version of that very file, it is told.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mlops_cli.core.layout import LOCKFILE
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import locked, paths, pointer, reference, snapshot
from mlops_cli.data.borrow import borrow
from mlops_cli.data.checkout import Placed, checkout
from mlops_cli.data.discard import Unsaved, discard
from mlops_cli.data.merge import merge_trees
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.restore import restore
from mlops_cli.errors import MissingObject, MloError, RequestError

_NAMED = 3
"""So many of the files that conflict are named."""


@dataclass(frozen=True, slots=True)
class Left:
    """A path that is not as git's commit has it, why, and what to type."""

    path: str
    why: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Followed:
    """What was brought to the versions that git has now, what was removed, and what was left."""

    placed: tuple[Placed, ...]
    removed: tuple[str, ...]
    left: tuple[Left, ...]


def follow(
    repo: Repository,
    data: Mapping[str, Pointer | None],
    outputs: Mapping[str, Pointer | None],
) -> Followed:
    """Bring data and outputs of steps to the versions that the work tree names now.

    Args:
        repo: the project.
        data: paths whose pointers git may have changed, made or removed, with the pointers that
            they had, as far as that is known.
        outputs: outputs in `mlo.lock` of which the same holds. One that is no longer there stays.
    """
    follower = _Follower(repo)
    for path, was in sorted(data.items()):
        follower.attempt(path, was, lambda path: pointer.read(repo, path))
    if outputs:
        follower.outputs(outputs)
    return Followed(tuple(follower.placed), tuple(follower.removed), tuple(follower.left))


def outputs(repo: Repository, rev: str | None = None) -> dict[str, Pointer]:
    """Return the outputs in `mlo.lock`, of the work tree or a revision, as if by pointers."""
    return {
        path: Pointer(path, one.oid, one.kind, one.size, 1)
        for path, one in locked.outputs(repo, rev).items()
    }


class _Follower:
    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._borrowed = False
        self.placed: list[Placed] = []
        self.removed: list[str] = []
        self.left: list[Left] = []

    def attempt(
        self, path: str, was: Pointer | None, look: Callable[[str], Pointer | None]
    ) -> None:
        """Bring one path to its version; what stands in the way is noted, not raised."""
        try:
            now = look(path)
            if now is not None:
                self._note(carry(self._repo, was, now))
            elif was is not None and self._remove(was):
                self.removed.append(path)
        except MissingObject as error:
            if not self._borrowed and self._borrow():
                self.attempt(path, was, look)
            else:
                self.left.append(Left(path, error.message, "mlo pull"))
        except MloError as error:
            self.left.append(Left(path, error.message, error.hint))

    def outputs(self, before: Mapping[str, Pointer | None]) -> None:
        """Bring outputs to their versions, but for those that have a pointer."""
        try:
            now = outputs(self._repo)
        except MloError as error:
            self.left.append(Left(LOCKFILE, error.message, error.hint))
            return
        for path, was in sorted(before.items()):
            if path in now and not os.path.lexists(self._repo.root / pointer.file_of(path)):
                self.attempt(path, was, now.get)

    def _borrow(self) -> bool:
        self._borrowed = True
        return borrow(self._repo) > 0

    def _note(self, done: "Placed | Left | None") -> None:
        if isinstance(done, Left):
            self.left.append(done)
        elif done is not None and (done.written or done.removed):
            self.placed.append(done)

    def _remove(self, was: Pointer) -> bool:
        """Remove data whose pointer is gone, as git removes a file; return whether it did."""
        repo, target = self._repo, paths.locate(self._repo, was.path)
        if not os.path.lexists(target) or _is_versioned_otherwise(repo, was.path):
            return False
        try:
            discard(repo, was)
        except Unsaved:
            why = f"'{was.path}' stays: its pointer is gone, but it holds unsaved changes"
            self.left.append(Left(was.path, why, None))
            return False
        return True


def carry(repo: Repository, was: Pointer | None, now: Pointer) -> Placed | Left | None:
    """Bring a path from one version to another, keeping what differs from the first.

    Returns None when it holds the other version already.

    Raises:
        Conflict: it is not known what it was, and its content is in no store.
        MissingObject: the other version is not in this store.
    """
    target = paths.locate(repo, now.path)
    if not os.path.lexists(target):
        return _checkout(repo, now.path)
    found = snapshot.take(repo, target)
    is_now = (found.oid, found.kind) == (now.oid, now.kind)
    if was is None or is_now or (found.oid, found.kind) == (was.oid, was.kind):
        return _checkout(repo, now.path)
    if found.kind == was.kind == now.kind == "folder" and repo.objects.has(was.oid):
        return _merge_into(repo, target, was, now)
    why = f"'{now.path}' stays as you changed it, though git has another version of it now"
    return Left(now.path, why, _ways(now.path))


def _merge_into(repo: Repository, target: Path, was: Pointer, now: Pointer) -> Placed | Left:
    if not repo.objects.has(now.oid):
        raise MissingObject(f"the content of '{now.path}' is not in this store", hint="mlo pull")
    with repo.objects.writer() as writer:
        mine = snapshot.take(repo, target, writer=writer)
    merged = merge_trees(repo.objects, was.oid, mine.oid, now.oid)
    done = restore(repo, merged.oid, "folder", target)
    if not merged.conflicts:
        return Placed(now.path, done.written, done.removed)
    files = [f"'{one.path}'" for one in merged.conflicts]
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    why = f"what you changed in '{now.path}' stays, though git has other versions of it now"
    return Left(now.path, f"{why}: {', '.join(files[:_NAMED])}{more}", _ways(now.path))


def _ways(path: str) -> str:
    return (
        f"keep it as the next version: mlo add {path}, or give it up: mlo checkout --force {path}"
    )


def _checkout(repo: Repository, path: str) -> Placed | None:
    placed = checkout(repo, [repo.root / path])
    return placed[0] if placed else None


def _is_versioned_otherwise(repo: Repository, path: str) -> bool:
    from mlops_cli.core import git

    if git.is_tracked(repo.root, [path]):
        return True
    try:
        return reference.look_up(repo, path, None) is not None
    except (RequestError, MissingObject):
        return True
