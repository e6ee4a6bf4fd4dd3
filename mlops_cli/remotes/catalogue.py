"""What a remote holds, from copies of its packs' indexes.

A pack never changes, so a copy of its index is right for as long as the pack is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.packs import (
    ENTRY_BYTES,
    SUFFIX,
    TRAILER_BYTES,
    Entry,
    Index,
    Kind,
    as_id,
    read_trailer,
)
from mlops_cli.errors import IntegrityError
from mlops_cli.remotes.transport import Transport

_INDEX_SUFFIX = ".idx"


@dataclass(frozen=True, slots=True)
class Place:
    """Where on a remote an object is: the pack's key, and the entry in it."""

    key: str
    entry: Entry


class Catalogue:
    """The indexes of a remote's packs, kept in a folder of this clone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.indexes: dict[str, Index] = {}
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{_INDEX_SUFFIX}")):
                raw = path.read_bytes()
                index = Index(raw, len(raw) // ENTRY_BYTES)
                if index.name == path.stem:
                    self.indexes[path.stem] = index

    def refresh(self, transport: Transport) -> None:
        """See which packs are there now, and read the indexes of new ones.

        Raises:
            IntegrityError: a pack's end is damaged or its index is not what its name says.
        """
        listed = {Path(key).stem: key for key in transport.list("packs/") if key.endswith(SUFFIX)}
        for name in set(self.indexes) - set(listed):
            del self.indexes[name]
            (self._folder / (name + _INDEX_SUFFIX)).unlink(missing_ok=True)
        for name in sorted(set(listed) - set(self.indexes)):
            self.add(_read_index(transport, listed[name], name))
        self._forget_table()

    def add(self, index: Index) -> None:
        """Note a pack that is on the remote."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / (index.name + _INDEX_SUFFIX), index.raw, durable=False)
        self.indexes[index.name] = index
        self._forget_table()

    def has(self, oid: ObjectId) -> bool:
        """Return whether the remote holds an object."""
        return bytes.fromhex(oid) in self._table

    def keys(self) -> set[bytes]:
        """Return the ids, 32 bytes each, of all that the remote holds."""
        return set(self._table)

    def find(self, oid: ObjectId) -> Place | None:
        """Return where an object is, or None."""
        place = self._table.get(bytes.fromhex(oid))
        if place is None:
            return None
        index, at = place
        return Place(f"packs/{index.name}{SUFFIX}", index.entry(at))

    def each(self, kind: Kind) -> Iterator[ObjectId]:
        """Yield the id of each object of a kind."""
        for index in self.indexes.values():
            for at in index.of_kind(kind):
                yield as_id(index.key(at))

    @cached_property
    def _table(self) -> dict[bytes, tuple[Index, int]]:
        return {
            key: (index, at)
            for index in self.indexes.values()
            for at, key in enumerate(index.ids())
        }

    def _forget_table(self) -> None:
        self.__dict__.pop("_table", None)


def _read_index(transport: Transport, key: str, name: str) -> Index:
    size = transport.size(key)
    raw = transport.read(key, max(0, size - TRAILER_BYTES), TRAILER_BYTES)
    tail = read_trailer(raw, size=size, where=key)
    index = Index(transport.read(key, tail.index_offset, tail.index_bytes), tail.count)
    if index.name != name or tail.name != name:
        raise IntegrityError(f"the index of '{key}' on '{transport.url}' is not what its name says")
    return index
