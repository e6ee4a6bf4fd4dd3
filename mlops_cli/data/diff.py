"""Diff: which files differ between two versions of the data, and how tables changed."""

import os
from collections.abc import Iterator, Sequence
from typing import Literal

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, reference, snapshot, table
from mlops_cli.data.differences import Pair, between, from_tree
from mlops_cli.data.reference import Reference
from mlops_cli.data.renames import Move, with_moves
from mlops_cli.data.tables.change import KeyOrigin, KeyUnknown, TableChange
from mlops_cli.errors import ExternalError, MissingObject, RequestError

TABLES_MAX = 20
"""After this many tables, the rest are compared as files only, unless paths were named."""

State = Literal["added", "removed", "changed", "renamed"]


@dataclass(frozen=True, slots=True)
class TableLook:
    """How closely to look into tables.

    Attributes:
        key: columns that tell rows apart; empty: as the settings say, else found.
        rows: how many rows to show of those that changed, were added, and were removed.
        statistics: whether to compare columns by statistics too, which reads all of both.
    """

    key: tuple[str, ...] = ()
    rows: int = 5
    statistics: bool = True
    progress: Progress = SILENT


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs; sizes are in bytes.

    Attributes:
        table: how the table changed, for a table that was read.
        note: why it was not, for one that could not be.
        path_before: where the file was, of one that was renamed.
    """

    path: str
    state: State
    size_before: int | None
    size_after: int | None
    table: TableChange | None = None
    note: str | None = None
    path_before: str | None = None


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
    look: TableLook | None = None,
) -> Diff:
    """Return what differs from the revision `old` to the revision `new`.

    Without `new`, the work tree is the new side; without `old`, the pointers are the old one.
    `only` are paths, relative to the root: versioned ones, folders above, or files below them.
    With `look`, tables are looked into.

    Raises:
        KeyUnknown: a table has no column of the key that was asked for.
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
    moves = with_moves(kept)
    changes = [_change(one) for one in moves]
    if look is not None:
        tables = _Tables(repo, look, all_of_them=bool(only), stored=new is not None)
        changes = [tables.seen(*both) for both in zip(moves, changes, strict=True)]
    return Diff(old or POINTERS, new or WORK_TREE, tuple(changes))


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


def _change(one: Pair | Move) -> FileChange:
    pair, source = (one.pair, one.source) if isinstance(one, Move) else (one, None)
    before, after = _size(pair.old), _size(pair.new)
    if source is not None:
        return FileChange(pair.path, "renamed", before, after, path_before=source)
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


class _Tables:
    """Looks into tables, while there are not too many of them."""

    def __init__(self, repo: Repository, look: TableLook, *, all_of_them: bool, stored: bool):
        self._repo = repo
        self._look = look
        self._left = None if all_of_them else TABLES_MAX
        self._stored = stored

    def seen(self, one: Pair | Move, change: FileChange) -> FileChange:
        """Return the change with how the table changed, if it is one that did."""
        if change.state != "changed" or change.note or isinstance(one, Move):
            return change
        if one.old is None or one.new is None or not table.is_table(one.path):
            return change
        if tree.Mode.SYMLINK in (one.old.mode, one.new.mode):
            return change
        if self._left == 0:
            return replace(change, note=f"not looked into, after {TABLES_MAX} tables: name it")
        if self._left is not None:
            self._left -= 1
        try:
            return replace(change, table=self._compare(one.path, one.old.oid, one.new.oid))
        except KeyUnknown:
            raise
        except (RequestError, MissingObject, ExternalError) as error:
            hint = f"; {error.hint}" if error.hint else ""
            return replace(change, note=f"compared as a file only: {error.message}{hint}")

    def _compare(self, path: str, old: ObjectId, new: ObjectId) -> TableChange:
        from mlops_cli.data.tables import compare
        from mlops_cli.data.tables.opened import open_table
        from mlops_cli.data.tables.source import Present, Stored

        repo, scratch = self._repo, scratch_files.folder(self._repo.layout)
        before = Stored(repo.objects, old)
        after = Stored(repo.objects, new) if self._stored else Present(repo.root / path)
        key, origin = self._key(path)
        return compare.compare(
            open_table(before, path, scratch=scratch),
            open_table(after, path, scratch=scratch),
            compare.Wish(key, origin, self._look.rows, self._look.statistics),
            compare.Desk(scratch, self._look.progress),
        )

    def _key(self, path: str) -> tuple[tuple[str, ...] | None, KeyOrigin]:
        """Return the key that was asked for, or the settings' for the table or a folder above."""
        if self._look.key:
            return self._look.key, "option"
        declared = self._repo.settings.data
        parts = path.split("/")
        for count in range(len(parts), 0, -1):
            found = declared.get("/".join(parts[:count]))
            if found is not None and found.key:
                return found.key, "settings"
        return None, "inferred"
