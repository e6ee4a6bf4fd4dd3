"""Merging two versions of a folder, file by file, against the version they both come from.

A side that left a file as it was gives way to the side that changed it. Content and the bit to
execute are merged apart. What both sides changed differently is a conflict: the merged version
has it as `ours` has it, unless told to take `theirs`. Bytes of files are never merged: nobody
would have seen, let alone checked, the result.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeVar

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind, ObjectStore
from mlops_cli.core.records import dataclass
from mlops_cli.core.tree import Entry, Mode

Side = Literal["ours", "theirs"]
Choice = Callable[[str], Side]
T = TypeVar("T")

_REGULAR = (Mode.FILE, Mode.EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A path, within the folder, that both sides changed, and what each made of it."""

    path: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged folder: its tree, which is in the store, its bytes, files, and what conflicts."""

    oid: ObjectId
    size: int
    files: int
    conflicts: tuple[Conflict, ...]


def ours(path: str) -> Side:  # noqa: ARG001  a choice that asks nothing
    """Choose what is here, whatever the path."""
    return "ours"


def merge_trees(
    objects: ObjectStore,
    base: ObjectId | None,
    here: ObjectId,
    there: ObjectId,
    *,
    choose: Choice = ours,
) -> Merged:
    """Return the tree that has what `here` and `there` changed since `base`, kept in the store.

    Without a base, all is new on both sides. `choose` is asked by path which side a conflict
    is to take; it is reported all the same.

    Raises:
        MissingObject: a tree is not in this store; contents of files are not needed.
        IntegrityError: a tree is malformed.
    """
    for one in (base, here, there):
        if one is not None:
            next(tree.walk(objects, one), None)  # refuses what is nested too deeply
    merge = _Merge(objects, choose)
    oid = merge.folder("", *(merge.listed(one) for one in (base, here, there)))[0]
    with objects.writer() as writer:
        for data in merge.made.values():
            writer.put(data, Kind.TREE)
    files = [one for _, one in tree.walk(objects, oid) if one.mode is not Mode.FOLDER]
    return Merged(oid, sum(one.size for one in files), len(files), tuple(merge.conflicts))


def pick(base: T | None, here: T, there: T) -> T | None:
    """Return the one that differs from `base`, or None when both do and are not equal.

    >>> pick(1, 1, 2), pick(1, 2, 1), pick(1, 2, 2), pick(1, 2, 3)
    (2, 2, 2, None)
    """
    if here == there or there == base:
        return here
    return there if here == base else None


_Listing = Mapping[str, Entry]


class _Merge:
    """One merge: the trees it made, by id, and the conflicts it met."""

    def __init__(self, objects: ObjectStore, choose: Choice) -> None:
        self._objects = objects
        self._choose = choose
        self.made: dict[ObjectId, bytes] = {}
        self.conflicts: list[Conflict] = []

    def listed(self, oid: ObjectId | None) -> _Listing:
        """Return the entries of a tree by name; none without a tree."""
        if oid is None:
            return {}
        return {entry.name: entry for entry in tree.decode(self._objects.get(oid))}

    def folder(
        self, prefix: str, base: _Listing, here: _Listing, there: _Listing
    ) -> tuple[ObjectId, list[Entry]]:
        """Return the id and the entries of the merged folder whose paths begin with `prefix`."""
        entries = list(self._entries(prefix, base, here, there))
        data = tree.encode(entries)
        oid = object_id(data)
        self.made[oid] = data
        return oid, entries

    def _entries(
        self, prefix: str, base: _Listing, here: _Listing, there: _Listing
    ) -> Iterator[Entry]:
        for name in sorted({*here, *there}):
            sides = base.get(name), here.get(name), there.get(name)
            merged = self._entry(prefix + name, *sides)
            if merged is not None:
                yield merged

    def _entry(
        self, path: str, base: Entry | None, here: Entry | None, there: Entry | None
    ) -> Entry | None:
        if here == there or there == base:
            return here
        if here == base:
            return there
        if _is_folder_or_none(here) and _is_folder_or_none(there):
            return self._both_folders(path, base, here, there)
        if _is_file(base) and _is_file(here) and _is_file(there):
            assert base is not None and here is not None and there is not None  # noqa: PT018
            oid = pick(base.oid, here.oid, there.oid)
            mode = pick(base.mode, here.mode, there.mode)
            if oid is not None and mode is not None:
                return Entry(here.name, mode, (here if oid == here.oid else there).size, oid)
        self.conflicts.append(Conflict(path, _change(base, here), _change(base, there)))
        return there if self._choose(path) == "theirs" else here

    def _both_folders(
        self, path: str, base: Entry | None, here: Entry | None, there: Entry | None
    ) -> Entry | None:
        """Merge folders, of which one may be gone: then only files the other side changed stay."""
        was = base if base is not None and base.mode is Mode.FOLDER else None
        oid, entries = self.folder(
            path + "/", *(self.listed(one.oid if one else None) for one in (was, here, there))
        )
        left = here or there
        if left is None or (not entries and (here is None or there is None)):
            return None
        return Entry(left.name, Mode.FOLDER, sum(entry.size for entry in entries), oid)


def _is_folder_or_none(entry: Entry | None) -> bool:
    return entry is None or entry.mode is Mode.FOLDER


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.mode in _REGULAR


def _change(base: Entry | None, now: Entry | None) -> str:
    if now is None:
        return "deleted"
    if base is None:
        return "added"
    if now.oid == base.oid:
        return "made executable" if now.mode is Mode.EXECUTABLE else "made not executable"
    if now.mode is not base.mode and not (_is_file(now) and _is_file(base)):
        return (
            "made a folder"
            if now.mode is Mode.FOLDER
            else ("made a link" if now.mode is Mode.SYMLINK else "made a file")
        )
    return "changed"
