"""Which files differ between two versions of a folder, without looking where nothing differs."""

import os
from collections.abc import Callable, Iterator

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import STAT, UNTRUSTED
from mlops_cli.data import snapshot
from mlops_cli.data.listing import CACHES

_Entries = dict[str, tree.Entry]
_List = Callable[[str, ObjectId], _Entries]


@dataclass(frozen=True, slots=True)
class Pair:
    """One path that differs: what it was, and what it is; None where it is not there."""

    path: str
    old: tree.Entry | None
    new: tree.Entry | None


def between(
    objects: ObjectStore, old: ObjectId | None, new: ObjectId | None, path: str
) -> Iterator[Pair]:
    """Yield the files and links that differ from the tree `old` to `new` of the folder `path`.

    Raises:
        MissingObject: a tree is not in this store.
    """
    listed = _stored(objects)
    before = {} if old is None else listed(path, old)
    after = {} if new is None else listed(path, new)
    yield from _compare(path, before, after, listed, listed)


def from_tree(
    repo: Repository, old: ObjectId | None, path: str, *, found: ObjectId | None = None
) -> Iterator[Pair]:
    """Yield the files and links that differ from the tree `old` to what is in the folder `path`.

    Reads only files that have changed since they were last hashed, and lists only folders that
    have something different inside. `found` is the folder's id, if it was just looked at.

    Raises:
        MissingObject: a tree is not in this store.
    """
    new = snapshot.take(repo, repo.root / path).oid if found is None else found
    stored, present = _stored(repo.objects), _present(repo)
    if new != old:
        before = {} if old is None else stored(path, old)
        yield from _compare(path, before, present(path, new), stored, present)


def _stored(objects: ObjectStore) -> _List:
    def listed(path: str, oid: ObjectId) -> _Entries:  # noqa: ARG001  a tree is the same anywhere
        return {entry.name: entry for entry in tree.decode(objects.get(oid))}

    return listed


def _present(repo: Repository) -> _List:
    """Return a lister of work tree folders that were just hashed, from the stat cache."""

    def listed(path: str, oid: ObjectId) -> _Entries:  # noqa: ARG001  it is as it is
        block = repo.stat_cache.blocks[os.fsencode(path)]
        here = os.fsencode(repo.root / path) + b"/"
        found: _Entries = {}
        for raw, (packed, key) in block.trusted().items():
            name = os.fsdecode(raw)
            size, *_, mode = STAT.unpack(packed)
            if size == UNTRUSTED:
                size = os.lstat(here + raw).st_size
            found[name] = tree.Entry(name, snapshot.mode_of(mode), size, ObjectId(key.hex()))
        folders = sorted(
            entry.name
            for entry in os.scandir(here)
            if entry.is_dir(follow_symlinks=False) and entry.name not in CACHES
        )
        for at, raw in enumerate(folders):
            key = block.below[at * 32 : (at + 1) * 32]
            name = os.fsdecode(raw)
            found[name] = tree.Entry(name, tree.Mode.FOLDER, 0, ObjectId(key.hex()))
        return found

    return listed


def _compare(
    path: str, before: _Entries, after: _Entries, old: _List, new: _List
) -> Iterator[Pair]:
    for name in sorted({*before, *after}, key=os.fsencode):
        one, other = before.get(name), after.get(name)
        if one and other and (one.oid, one.mode) == (other.oid, other.mode):
            continue
        here = f"{path}/{name}"
        file, another = _file(one), _file(other)
        if file is not None or another is not None:
            yield Pair(here, file, another)
        yield from _compare(here, _inner(old, here, one), _inner(new, here, other), old, new)


def _file(entry: tree.Entry | None) -> tree.Entry | None:
    return None if entry is None or entry.mode is tree.Mode.FOLDER else entry


def _inner(listed: _List, path: str, entry: tree.Entry | None) -> _Entries:
    if entry is None or entry.mode is not tree.Mode.FOLDER:
        return {}
    return listed(path, entry.oid)
