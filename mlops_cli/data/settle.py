"""Finishing a git merge in versioned data: merging what git left open, and choosing sides."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlops_cli.core import git_index, lockfile
from mlops_cli.core.files import write_whole
from mlops_cli.core.git_index import Unmerged
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import conflicts, merge_pointer, paths, pointer
from mlops_cli.data.conflicts import Conflicted
from mlops_cli.data.follow import Left, carry
from mlops_cli.data.merge import Conflict, Side
from mlops_cli.data.merge_lock import merge_locks
from mlops_cli.data.merge_pointer import WHOLE
from mlops_cli.data.pointer import Pointer
from mlops_cli.errors import MissingObject, RequestError


@dataclass(frozen=True, slots=True)
class Settled:
    """How one versioned path stands: what is still open, how much was settled now.

    `left` is why the data in the work tree is not as the merged version; None when it is.
    """

    path: str
    open: tuple[Conflict, ...]
    settled: int
    left: Left | None = None


def settle(repo: Repository, typed: Sequence[Path], take: Side | None) -> tuple[Settled, ...]:
    """Merge the pointers that a git merge left open, and `take` a side of what conflicts.

    With paths, of versioned data or of files in it, only those are taken. A pointer without
    open conflicts is staged, so that git has it as merged, and its data is checked out.

    Raises:
        RequestError: a path has no conflict.
        MissingObject: the listing of a folder that is to be merged is not in this store.
    """
    top = git_index.top_of(repo.root)
    prefix = _prefix(repo, top)
    wanted = [paths.relative(repo, path) for path in typed]
    with repo.writing():
        held = _held(repo, top, prefix)
        _refuse_unknown(wanted, held)
        done = [_settle(repo, top, prefix, one, wanted, take) for one in held.values()]
    return (*done, *_lock(repo, top, prefix))


def _held(repo: Repository, top: Path, prefix: str) -> dict[str, Conflicted]:
    """Return what is to be merged, with what was settled of it before."""
    noted = conflicts.read(repo)
    found: dict[str, Conflicted] = {}
    for one in git_index.unmerged(top, "*" + POINTER_SUFFIX):
        if pointer.is_pointer(one.path) and one.path.startswith(prefix):
            fresh = _fresh(top, one, one.path[len(prefix) : -len(POINTER_SUFFIX)])
            before = noted.get(fresh.ours.path)
            same = before is not None and (before.ours, before.theirs) == (fresh.ours, fresh.theirs)
            found[fresh.ours.path] = before if before is not None and same else _merge(repo, fresh)
    if git_index.operation(top) is not None:
        for path, before in noted.items():  # staged by hand, with conflicts that are still open
            now = pointer.read(repo, path)
            if path not in found and now is not None and now.oid == before.kept:
                found[path] = before
    return found


def _fresh(top: Path, one: Unmerged, path: str) -> Conflicted:
    blobs = [blob for blob in (one.base, one.ours, one.theirs) if blob is not None]
    held = git_index.contents(top, blobs)
    base, ours, theirs = (
        None if blob is None else pointer.decode(held[blob], path)
        for blob in (one.base, one.ours, one.theirs)
    )
    assert ours is not None and theirs is not None  # noqa: PT018
    return Conflicted(base, ours, theirs, ours.oid, ())


def _merge(repo: Repository, one: Conflicted) -> Conflicted:
    done = merge_pointer.merge(repo, one.base, one.ours, one.theirs)
    return replace(one, kept=done.pointer.oid, open=done.conflicts)


def _settle(
    repo: Repository,
    top: Path,
    prefix: str,
    one: Conflicted,
    wanted: Sequence[str],
    take: Side | None,
) -> Settled:
    path = one.ours.path
    chosen = [c.path for c in one.open if take and _is_meant(path, c.path, wanted)]
    taken = (*one.taken, *(chosen if take == "theirs" else ()))
    merged = merge_pointer.merge(repo, one.base, one.ours, one.theirs, taken).pointer
    still = tuple(c for c in one.open if c.path not in chosen)
    before = _was(repo, path)
    pointer.write(repo, merged)
    if still:
        conflicts.note(repo, path, replace(one, kept=merged.oid, open=still, taken=taken))
    else:
        git_index.stage(top, prefix + pointer.file_of(path))
        conflicts.note(repo, path, None)
    return Settled(path, still, len(chosen), _carry(repo, one, before, merged))


def _was(repo: Repository, path: str) -> Pointer | None:
    try:
        return pointer.read(repo, path)
    except RequestError:
        return None  # git left markers in it


def _carry(
    repo: Repository, one: Conflicted, before: Pointer | None, merged: Pointer
) -> Left | None:
    """Check the merged version out; the work tree has ours, or what was merged so far."""
    from mlops_cli.data import snapshot

    target = paths.locate(repo, merged.path)
    was = one.ours
    if before is not None and os.path.lexists(target):
        found = snapshot.take(repo, target)
        was = before if found.oid == before.oid else one.ours
    try:
        done = carry(repo, was, merged)
    except MissingObject as error:
        return Left(merged.path, error.message, "mlo pull")
    return done if isinstance(done, Left) else None


def _is_meant(path: str, inner: str, wanted: Sequence[str]) -> bool:
    whole = path if inner == WHOLE else f"{path}/{inner}"
    return not wanted or any(whole == one or whole.startswith(one + "/") for one in wanted)


def _refuse_unknown(wanted: Sequence[str], held: dict[str, Conflicted]) -> None:
    for one in wanted:
        if not any(_is_meant(path, c.path, [one]) for path, h in held.items() for c in h.open):
            raise RequestError(
                f"nothing conflicts in '{one}'",
                hint="list what does: mlo merge" if held else None,
            )


def _lock(repo: Repository, top: Path, prefix: str) -> Iterator[Settled]:
    """Merge `mlo.lock` where git had no driver for it."""
    for one in git_index.unmerged(top, prefix + LOCKFILE):
        if one.path != prefix + LOCKFILE:
            continue
        held = git_index.contents(top, [b for b in (one.base, one.ours, one.theirs) if b])
        base, ours, theirs = (
            lockfile.decode(held[blob], where=LOCKFILE) if blob else {}
            for blob in (one.base, one.ours, one.theirs)
        )
        merged = merge_locks(base, ours, theirs)
        write_whole(repo.layout.lockfile, lockfile.encode(merged.steps))
        git_index.stage(top, one.path)
        yield Settled(LOCKFILE, (), len(merged.dropped))


def _prefix(repo: Repository, top: Path) -> str:
    inner = repo.root.resolve().relative_to(top).as_posix()
    return "" if inner == "." else inner + "/"
