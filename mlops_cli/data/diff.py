"""Diff: which files differ between two versions of the data, and how tables changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, reference, snapshot, table
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


@dataclass(frozen=True, slots=True)
class _File:
    oid: ObjectId
    mode: tree.Mode
    size: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """One path on both sides."""

    path: str
    old: _File | None
    new: _File | None


_Files = Mapping[str, _File]
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
    pairs: list[_Pair] = []
    for path in _chosen(repo, sorted({*before, *after}), only):
        there = after.get(path)
        if new is None:
            files = _present(repo, path) if there is not None else {}
        else:
            files = _stored(repo, there)
        pairs += _pairs(_stored(repo, before.get(path)), files)
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


def _stored(repo: Repository, found: Reference | None) -> _Files:
    if found is None:
        return {}
    if found.kind == "file":
        mode = tree.Mode.EXECUTABLE if found.executable else tree.Mode.FILE
        size = repo.objects.size(found.oid) if repo.objects.has(found.oid) else -1
        return {found.path: _File(found.oid, mode, size)}
    return {
        path: _File(entry.oid, entry.mode, entry.size)
        for path, entry in tree.walk(repo.objects, found.oid, found.path + "/")
        if entry.mode is not tree.Mode.FOLDER
    }


def _present(repo: Repository, path: str) -> _Files:
    target = paths.locate(repo, path)
    if target.is_dir() and not target.is_symlink():
        return {
            f"{path}/{name}": _File(entry.oid, entry.mode, entry.size)
            for name, entry in snapshot.files_at(repo, target).items()
        }
    if not target.exists() and not target.is_symlink():
        return {}
    found = snapshot.take(repo, target)
    executable = target.stat().st_mode & 0o100
    mode = tree.Mode.EXECUTABLE if executable else tree.Mode.FILE
    return {path: _File(found.oid, mode, found.size)}


def _pairs(before: _Files, after: _Files) -> list[_Pair]:
    """Return the files that differ."""
    pairs = (_Pair(path, before.get(path), after.get(path)) for path in sorted({*before, *after}))
    return [one for one in pairs if one.old is None or one.new is None or not _same(one)]


def _same(pair: _Pair) -> bool:
    old, new = pair.old, pair.new
    return old is not None and new is not None and (old.oid, old.mode) == (new.oid, new.mode)


def _changes(
    repo: Repository, pairs: Sequence[_Pair], *, tables: bool, from_store: bool
) -> Iterator[FileChange]:
    left = TABLES_MAX if tables else 0
    for pair in pairs:
        change = _change(pair)
        if change.state == "changed" and left and table.is_table(pair.path):
            left -= 1
            change = _with_table(repo, pair, change, from_store=from_store)
        yield change


def _change(pair: _Pair) -> FileChange:
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


def _size(file: _File | None) -> int | None:
    return None if file is None or file.size < 0 else file.size


def _with_table(
    repo: Repository, pair: _Pair, change: FileChange, *, from_store: bool
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
