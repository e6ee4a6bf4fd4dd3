"""Merging pointers that both sides of a git merge changed.

Folders are merged file by file. What conflicts is kept as ours, so that the merged pointer is a
good one and every command goes on working.
"""

from collections.abc import Collection

from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import merge as trees
from mlops_cli.data.merge import Conflict, Side
from mlops_cli.data.pointer import Pointer
from mlops_cli.errors import MissingObject

WHOLE = "."
"""The path, within a version, that stands for all of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A merged pointer, and what of it conflicts: paths within it, `.` for all of it."""

    pointer: Pointer
    conflicts: tuple[Conflict, ...]


def merge(
    repo: Repository,
    base: Pointer | None,
    ours: Pointer,
    theirs: Pointer,
    taken: Collection[str] = (),
) -> Outcome:
    """Return the pointer that has what both sides changed.

    `taken` are conflicting paths where theirs is to be taken instead of ours.

    Raises:
        MissingObject: the listing of a folder is not in this store.
    """

    def choose(path: str) -> Side:
        return "theirs" if path in taken else "ours"

    if ours == theirs or theirs == base:
        return Outcome(ours, ())
    if ours == base:
        return Outcome(theirs, ())
    if ours.kind == theirs.kind == "folder":
        was = base.oid if base is not None and base.kind == "folder" else None
        try:
            done = trees.merge_trees(repo.objects, was, ours.oid, theirs.oid, choose=choose)
        except MissingObject as error:
            raise MissingObject(
                f"cannot merge '{ours.path}': a listing of its files is not in this store",
                hint="mlo fetch, then: mlo merge",
            ) from error
        merged = replace(ours, oid=done.oid, size=done.size, files=done.files)
        return Outcome(merged, done.conflicts)
    return _as_files(base, ours, theirs) or Outcome(
        theirs if choose(WHOLE) == "theirs" else ours,
        (Conflict(WHOLE, _change(base, ours), _change(base, theirs)),),
    )


def _as_files(base: Pointer | None, ours: Pointer, theirs: Pointer) -> Outcome | None:
    """Merge content and the bit to execute apart; None when both sides changed the same one."""
    if base is None or not base.kind == ours.kind == theirs.kind:
        return None
    oid = trees.pick(base.oid, ours.oid, theirs.oid)
    executable = trees.pick(base.executable, ours.executable, theirs.executable)
    if oid is None or executable is None:
        return None
    size = ours.size if oid == ours.oid else theirs.size
    return Outcome(replace(ours, oid=oid, size=size, executable=executable), ())


def _change(base: Pointer | None, now: Pointer) -> str:
    if base is None:
        return "added"
    return "changed" if base.kind == now.kind else f"made a {now.kind}"
