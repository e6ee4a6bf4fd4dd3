"""Checkout: make the work tree hold the versions that pointers and `mlo.lock` name."""

import os
from collections.abc import Sequence
from pathlib import Path

from mlops_cli.core import alive, git
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import dvc_history, paths, reference
from mlops_cli.data.reference import Reference
from mlops_cli.data.remember import remember
from mlops_cli.data.restore import restore
from mlops_cli.errors import Conflict, MissingObject, MloError, RequestError, StateError

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Placed:
    """One path that is now as its version says; how many files were written and removed.

    `rev` is the git revision of that version; None for what the work tree's pointers say.
    """

    path: str
    written: int
    removed: int
    rev: str | None = None


def checkout(
    repo: Repository,
    typed: Sequence[Path] = (),
    *,
    rev: str | None = None,
    force: bool = False,
    progress: Progress = SILENT,
) -> tuple[Placed, ...]:
    """Make paths hold their versions at `rev`, or as the work tree's pointers say.

    A path may name a revision of its own, as in `data/raw.csv@HEAD~1`. Without paths,
    everything that has a pointer or is an output in `mlo.lock`. Pointers are git's, and stay as
    they are. What can be done is done before an error is raised.

    Raises:
        RequestError: a path is not versioned, or names a revision besides `rev`.
        Conflict: work that is in no store would be lost, and not `force`.
        MissingObject: a version is not in this store.
        IntegrityError: a stored object is damaged, or a path leaves the project.
    """
    alive.sweep(repo.layout.tmp)
    if typed:
        wanted = [_named(repo, path, rev) for path in typed]
    else:
        wanted = reference.everything(repo, rev)
    placed: list[Placed] = []
    refused: list[StateError] = []
    for one in wanted:
        try:
            placed.append(_place(repo, one, force=force, progress=progress))
        except (Conflict, MissingObject) as error:
            refused.append(error)
    if refused:
        raise _together(refused, done=sum(1 for one in placed if one.written or one.removed))
    return tuple(placed)


def _named(repo: Repository, path: Path, rev: str | None) -> Reference:
    kept = paths.relative(repo, path)
    found = reference.look_up(repo, kept, rev)
    if found is not None:
        return found
    if reference.split(str(path))[1] is not None:
        if rev is not None:
            raise RequestError(
                f"'{path}' and --rev both name a revision", hint=f"mlo checkout {path}"
            )
        return reference.resolve(repo, str(path), start=Path.cwd())
    if kept in dvc_history.lost(repo, rev):
        raise MissingObject(
            f"the version of '{kept}' that DVC kept was not brought along",
            hint="bring it from DVC's cache or remote, where that still has it: mlo import-dvc",
        )
    if rev is None:
        raise _is_revision(repo, path) or reference.unknown(repo, kept)
    raise RequestError(
        f"'{kept}' is not versioned at '{rev}'", hint=f"list its versions: mlo log {kept}"
    )


def _is_revision(repo: Repository, typed: Path) -> RequestError | None:
    """Return what to tell somebody who typed a revision of git's where a path goes."""
    rev = str(typed)
    if os.path.lexists(typed) or rev.startswith("-"):
        return None
    try:
        git.resolve(repo.root, rev)
    except MloError:
        return None
    return RequestError(
        f"'{rev}' is a revision, and paths are checked out",
        hint=f"its data alone: mlo checkout --rev {rev}; "
        f"its pointers too: git checkout {rev} && mlo checkout",
    )


def _place(repo: Repository, one: Reference, *, force: bool, progress: Progress) -> Placed:
    if one.link:
        raise RequestError(
            f"'{one.path}' is a symbolic link in '{one.held_by}'",
            hint=f"mlo checkout {one.held_by}",
        )
    target = paths.locate(repo, one.path)
    if not repo.objects.has(one.oid):
        raise MissingObject(f"the content of '{one.path}' is not in this store", hint="mlo pull")
    done = restore(repo, one.oid, one.kind, target, force=force, progress=progress)
    written = done.written
    if one.kind == "file" and _set_executable(target, executable=one.executable):
        remember(repo, target, one.oid, one.kind)
        written = max(written, 1)
    return Placed(one.path, written, done.removed, one.rev)


def _set_executable(target: Path, *, executable: bool) -> bool:
    """Give or take the bits to execute, as far as they can be read; return whether it changed."""
    mode = os.stat(target).st_mode
    if bool(mode & 0o100) == executable:
        return False
    readable = (mode & 0o444) >> 2
    os.chmod(target, mode | readable if executable else mode & ~0o111)
    return True


def _together(refused: Sequence[StateError], *, done: int) -> StateError:
    """Return one error for all that could not be checked out, each on a line of its own."""
    first = refused[0]
    others = f"{done} other path{' was' if done == 1 else 's were'} checked out"
    also = f" ({others})" if done else ""
    if len(refused) == 1:
        return type(first)(first.message + also, hint=first.hint)
    lines = [f"  {error.message}" for error in refused[:_SHOWN]]
    if len(refused) > _SHOWN:
        lines.append(f"  and {len(refused) - _SHOWN:,} more")
    told = "\n".join([f"{len(refused)} paths stay as they are{also}:", *lines])
    return type(first)(told, hint=first.hint)
