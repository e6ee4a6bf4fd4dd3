"""Move: give versioned data another path, with its pointer and the line that git ignores it by."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mlops_cli.core import git, git_index
from mlops_cli.core.files import outside
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, pointer, snapshot
from mlops_cli.data.add import refuse_unfit
from mlops_cli.data.discard import remove_empty
from mlops_cli.data.ignore import ignore_all
from mlops_cli.data.mentions import mentions
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.remember import remember
from mlops_cli.data.remove import inside, stage, unignore, unversioned, versioned
from mlops_cli.errors import MissingObject, RequestError


@dataclass(frozen=True, slots=True)
class Moved:
    """One path that has another now; `mentions` are lines of the settings that name the old one."""

    path: str
    to: str
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moving:
    """What `move` did; `unstaged` are files that the user is to add to git."""

    moved: tuple[Moved, ...]
    unstaged: tuple[str, ...]


def move(repo: Repository, typed: Sequence[Path], target: Path) -> Moving:
    """Move versioned paths to `target`, or into it where that is a folder which is not versioned.

    Data moves as it is, also with changes that are in no version yet. All is looked at before
    anything is moved.

    Raises:
        RequestError: a path is not versioned, or its new one is taken or cannot be versioned.
        ExternalError: git or the file system refuses.
    """
    with repo.lock("move data"), repo.writing():
        plan = _plan(repo, typed, target)
        moved = [Moved(one.path, to, mentions(repo, one.path)) for one, to in plan]
        clean = _clean_ignores(repo, [to for _, to in plan])
        unstaged: set[str] = set()
        for one, to in plan:
            for file in ignore_all(repo.root, [to]):
                name = file.relative_to(repo.root).as_posix()
                if name in clean:
                    stage(repo, name)
                else:
                    unstaged.add(name)
            if not _carry(repo, one, to):
                unstaged.add(pointer.file_of(to))
            unstaged |= set(unignore(repo, [one.path]))
            remove_empty(repo.root / one.path, repo.root)
    return Moving(tuple(moved), tuple(sorted(unstaged)))


def _plan(repo: Repository, typed: Sequence[Path], target: Path) -> list[tuple[Pointer, str]]:
    into = target.is_dir() and versioned(repo, target) is None
    if len(typed) > 1 and not into:
        raise RequestError(f"'{target}' is no folder to move several paths into")
    plan: dict[str, tuple[Pointer, str]] = {}
    for path in typed:
        known = versioned(repo, path)
        if known is None:
            raise _unmovable(repo, paths.relative(repo, path))
        name = known.path.rpartition("/")[2]
        plan[known.path] = known, paths.relative(repo, target / name if into else target)
    staying = {one.path: one for one in pointer.each(repo) if one.path not in plan}
    for one, to in plan.values():
        _refuse_taken(repo, one.path, to)
    refuse_unfit(repo, [to for _, to in plan.values()], staying)
    return list(plan.values())


def _unmovable(repo: Repository, path: str) -> RequestError:
    if inside(repo, path):
        return RequestError(
            f"'{path}' is a folder of versioned paths, which move with it",
            hint=f"git mv {path} NEW",
        )
    return unversioned(repo, path)


def _refuse_taken(repo: Repository, old: str, new: str) -> None:
    if new == old or new.startswith(old + "/"):
        raise RequestError(f"'{old}' cannot be moved into itself")
    for taken in (new, pointer.file_of(new)):
        if os.path.lexists(repo.root / taken):
            raise RequestError(f"there is something at '{taken}'", hint="name another path")


def _clean_ignores(repo: Repository, new: Sequence[str]) -> set[str]:
    """Return the `.gitignore` files beside new paths that may be staged when a line is added."""
    names = {str(Path(path).parent / ".gitignore") for path in new}
    return {
        name
        for name in names
        if not os.path.lexists(repo.root / name) or git_index.is_as_staged(repo.root, name)
    }


def _carry(repo: Repository, one: Pointer, new: str) -> bool:
    """Move the data, then the pointer; when git refuses that, the data goes back.

    Returns whether the pointer was in git's index, and so is now under its new name.
    """
    old_data, new_data = repo.root / one.path, repo.root / new
    looks = _looks(repo, one, old_data)
    there = os.path.lexists(old_data)
    try:
        new_data.parent.mkdir(parents=True, exist_ok=True)
        if there:
            _rename(old_data, new_data)
        try:
            staged = _move_pointer(repo, pointer.file_of(one.path), pointer.file_of(new))
        except BaseException:
            if there:
                _rename(new_data, old_data)
            raise
    except OSError as error:
        raise outside(error, new_data) from error
    if looks is not None:
        remember(repo, new_data, one.oid, "folder", looks)
    return staged


def _move_pointer(repo: Repository, old: str, new: str) -> bool:
    if git.is_tracked(repo.root, [old]):
        git_index.move(repo.root, old, new)
        return True
    os.rename(repo.root / old, repo.root / new)
    return False


def _looks(repo: Repository, one: Pointer, data: Path) -> dict[str, bytes] | None:
    """Return what the files of a folder look like if it is its version, so that none is reread."""
    if one.kind != "folder" or not data.is_dir() or data.is_symlink():
        return None
    try:
        found = snapshot.take(repo, data)
        if (found.oid, found.kind) != (one.oid, one.kind) or not repo.objects.has(one.oid):
            return None
        return {path: look for path, (_, look) in snapshot.looks_at(repo, data).items()}
    except (RequestError, MissingObject):
        return None


def _rename(old: Path, new: Path) -> None:
    try:
        os.rename(old, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(old, new)


def _copy(old: Path, new: Path) -> None:
    """Move to another file system: the copy appears whole before the original goes."""
    beside = new.with_name(f".mlo-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        if old.is_dir():
            shutil.copytree(old, beside, symlinks=True)
        else:
            shutil.copy2(old, beside)
        os.rename(beside, new)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)
        raise
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink()
