"""Which data in the work tree is not what its pointer says."""

import os
from collections.abc import Sequence
from typing import Literal

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.errors import RequestError

State = Literal["changed", "missing"]


@dataclass(frozen=True, slots=True)
class Changed:
    """One path that is not what its pointer says.

    Attributes:
        state: `missing` when there is nothing at the path.
        added, modified, removed: numbers of files; of a folder whose listing is not in this
            store they are None.
        stored: whether the version of the pointer is in this store, so that `checkout` works.
        problem: why the path could not be read, for what cannot be versioned.
    """

    path: str
    kind: ObjectKind
    state: State
    added: int | None
    modified: int | None
    removed: int | None
    stored: bool
    problem: str | None = None


def changes(repo: Repository, pointers: Sequence[Pointer]) -> tuple[Changed, ...]:
    """Return the paths of `pointers` that are not as they say, in their order.

    Reads only files that look other than when they were last hashed.

    Raises:
        IntegrityError: a pointer's path leaves the project.
        ExternalError: a file cannot be read.
    """
    found = (_change(repo, pointer) for pointer in pointers)
    return tuple(change for change in found if change is not None)


def _change(repo: Repository, pointer: Pointer) -> Changed | None:
    target = paths.locate(repo, pointer.path)
    if not os.path.lexists(target):
        stored = repo.objects.has(pointer.oid)
        return Changed(pointer.path, pointer.kind, "missing", 0, 0, pointer.files, stored)
    try:
        found = snapshot.take(repo, target)
    except RequestError as error:  # a link, socket or device is where data was
        stored = repo.objects.has(pointer.oid)
        return Changed(
            pointer.path, pointer.kind, "changed", None, None, None, stored, error.message
        )
    if found.oid == pointer.oid and found.kind == pointer.kind and _same_mode(repo, pointer):
        return None
    stored = repo.objects.has(pointer.oid)
    counts: tuple[int | None, int | None, int | None]
    if pointer.kind == "folder" and found.kind == "folder":
        counts = _count(repo, pointer, found.oid) if stored else (None, None, None)
    elif pointer.kind == found.kind:
        counts = (0, 1, 0)
    else:
        counts = (found.files, 0, pointer.files)
    added, modified, removed = counts
    return Changed(pointer.path, pointer.kind, "changed", added, modified, removed, stored)


def _same_mode(repo: Repository, pointer: Pointer) -> bool:
    if pointer.kind == "folder":
        return True
    mode = os.stat(repo.root / pointer.path).st_mode
    return bool(mode & 0o100) == pointer.executable


def _count(repo: Repository, pointer: Pointer, found: ObjectId) -> tuple[int, int, int]:
    """Return how many files of a folder are new, other than before, and gone."""
    from mlops_cli.data.differences import from_tree

    added = modified = removed = 0
    for pair in from_tree(repo, pointer.oid, pointer.path, found=found):
        added += pair.old is None
        removed += pair.new is None
        modified += pair.old is not None and pair.new is not None
    return added, modified, removed
