"""Diff: which files differ between two versions of the data, and how tables changed."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, reference, snapshot, table
from mlops_cli.data.differences import Pair, between, from_tree
from mlops_cli.data.reference import Reference
from mlops_cli.data.table_diff import TableChange, compare
from mlops_cli.errors import ExternalError, MissingObject, RequestError

TABLE_MAX_BYTES = 256 * 1024 * 1024
"""Larger tables are compared as files only: they are read whole into memory."""

TABLES_MAX = 20
"""After this many tables, the rest are compared as files only."""

State = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs; sizes are in bytes.

    Attributes:
        table: how the table changed, for a table that was read.
        note: why it was not, for one that could not be.
    """

    path: str
    state: State
    size_before: int | None
    size_after: int | None
    table: TableChange | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """All files that differ from `old` to `new`, by path."""

    old: str
    new: str
    changes: tuple[FileChange, ...]


_UNKNOWN = -1
WORK_TREE = "work tree"
POINTERS = "pointers"


def diff(
    repo: Repository,
    old: str | None = None,
    new: str | None = None,
    *,
    only: Sequence[str] = (),
    tables: bool = True,
) -> Diff:
    """Return what differs from the revision `old` to the revision `new`.

    Without `new`, the work tree is the new side; without `old`, the pointers are the old one.
    `only` are paths, relative to the root: versioned ones, folders above, or files below them.

    Raises:
        RequestError: a path of `only` is versioned on neither side, or a revision is unknown.
        MissingObject: the listing of a folder is not in this store.
    """
    before = {one.path: one for one in reference.everything(repo, old)}
    if new is None:
        after = {one.path: one for one in reference.everything(repo)}
    else:
        after = {one.path: one for one in reference.everything(repo, new)}
    pairs: list[Pair] = []
    for path in _chosen(repo, sorted({*before, *after}), only):
        if new is None and path in after:
            pairs += _to_present(repo, path, before.get(path))
        else:
            pairs += _to_stored(repo, path, before.get(path), after.get(path))
    kept = [one for one in pairs if not only or any(_within(one.path, name) for name in only)]
    return Diff(
        old or POINTERS,
        new or WORK_TREE,
        tuple(_changes(repo, kept, tables=tables, from_store=new is not None)),
    )


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _chosen(repo: Repository, versioned: Sequence[str], only: Sequence[str]) -> list[str]:
    if not only:
        return list(versioned)
    for name in only:
        if not any(_within(path, name) or _within(name, path) for path in versioned):
            raise reference.unknown(repo, name)
    return [
        path
        for path in versioned
        if any(_within(path, name) or _within(name, path) for name in only)
    ]


def _to_stored(
    repo: Repository, path: str, old: Reference | None, new: Reference | None
) -> Iterator[Pair]:
    file = Pair(path, _single(repo, old), _single(repo, new))
    if _differs(file):
        yield file
    yield from between(repo.objects, _tree(old), _tree(new), path)


def _to_present(repo: Repository, path: str, old: Reference | None) -> Iterator[Pair]:
    target = paths.locate(repo, path)
    is_folder = target.is_dir() and not target.is_symlink()
    file = Pair(path, _single(repo, old), None if is_folder else _single_present(repo, path))
    if _differs(file):
        yield file
    if is_folder:
        yield from from_tree(repo, _tree(old), path)
    else:
        yield from between(repo.objects, _tree(old), None, path)


def _tree(found: Reference | None) -> ObjectId | None:
    return found.oid if found is not None and found.kind == "folder" else None


def _single(repo: Repository, found: Reference | None) -> tree.Entry | None:
    if found is None or found.kind == "folder":
        return None
    mode = tree.Mode.EXECUTABLE if found.executable else tree.Mode.FILE
    size = repo.objects.size(found.oid) if repo.objects.has(found.oid) else _UNKNOWN
    return tree.Entry(found.path, mode, size, found.oid)


def _single_present(repo: Repository, path: str) -> tree.Entry | None:
    target = repo.root / path
    if not os.path.lexists(target):
        return None
    found = snapshot.take(repo, target)
    return tree.Entry(path, snapshot.mode_of(target.stat().st_mode), found.size, found.oid)


def _differs(pair: Pair) -> bool:
    old, new = pair.old, pair.new
    if old is None or new is None:
        return old is not new
    return (old.oid, old.mode) != (new.oid, new.mode)


def _changes(
    repo: Repository, pairs: Sequence[Pair], *, tables: bool, from_store: bool
) -> Iterator[FileChange]:
    left = TABLES_MAX if tables else 0
    for pair in pairs:
        change = _change(pair)
        if change.state == "changed" and left and table.is_table(pair.path):
            left -= 1
            change = _with_table(repo, pair, change, from_store=from_store)
        yield change


def _change(pair: Pair) -> FileChange:
    before = _size(pair.old)
    after = _size(pair.new)
    if pair.old is None:
        return FileChange(pair.path, "added", before, after)
    if pair.new is None:
        return FileChange(pair.path, "removed", before, after)
    note = None
    if pair.old.oid == pair.new.oid:
        executable = pair.new.mode is tree.Mode.EXECUTABLE
        note = "is executable now" if executable else "is not executable any more"
    return FileChange(pair.path, "changed", before, after, note=note)


def _size(entry: tree.Entry | None) -> int | None:
    return None if entry is None or entry.size == _UNKNOWN else entry.size


def _with_table(
    repo: Repository, pair: Pair, change: FileChange, *, from_store: bool
) -> FileChange:
    assert pair.old is not None
    assert pair.new is not None
    if pair.old.oid == pair.new.oid:
        return change
    if max(pair.old.size, pair.new.size) > TABLE_MAX_BYTES:
        return _noted(change, f"too large to compare rows: over {TABLE_MAX_BYTES // 2**20} MiB")
    try:
        before = table.of_version(repo, pair.old.oid, pair.path)
        if from_store:
            after = table.of_version(repo, pair.new.oid, pair.path)
        else:
            after = table.read(repo.root / pair.path, pair.path)
        found = compare(before, after)
    except (RequestError, MissingObject, ExternalError) as error:
        return _noted(change, error.message)
    return FileChange(change.path, "changed", change.size_before, change.size_after, found)


def _noted(change: FileChange, note: str) -> FileChange:
    return FileChange(change.path, change.state, change.size_before, change.size_after, None, note)
