"""What a remote holds, from copies of its packs' indexes.

A pack never changes, so a copy of its index is right for as long as the pack is there.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from mlops_cli.core.files import write_whole
from mlops_cli.core.id_table import Finder
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import INDEX_SUFFIX
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
from mlops_cli.core.records import dataclass
from mlops_cli.errors import IntegrityError
from mlops_cli.remotes.state import Held
from mlops_cli.remotes.transport import Transport


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
        self.sizes: Mapping[str, int] = {}
        """Bytes of each pack by its name; known once the catalogue was refreshed."""
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{INDEX_SUFFIX}")):
                raw = path.read_bytes()
                index = Index(raw, len(raw) // ENTRY_BYTES)
                if index.name == path.stem:
                    self.indexes[path.stem] = index

    def refresh(self, transport: Transport, packs: Mapping[str, Held]) -> None:
        """Take in which packs are there now, and read the indexes of those that are new.

        Raises:
            IntegrityError: a pack's end is damaged or its index is not what its name says.
        """
        self.sizes = {name: held.size for name, held in packs.items()}
        for name in set(self.indexes) - set(packs):
            del self.indexes[name]
            (self._folder / (name + INDEX_SUFFIX)).unlink(missing_ok=True)
        for name in sorted(set(packs) - set(self.indexes)):
            self.add(read_index(transport, name, packs[name]))
        self._forget()

    def add(self, index: Index) -> None:
        """Note a pack that is on the remote."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / (index.name + INDEX_SUFFIX), index.raw, durable=False)
        self.indexes[index.name] = index
        self._forget()

    def has(self, oid: ObjectId) -> bool:
        """Return whether the remote holds an object."""
        return self.holds(bytes.fromhex(oid))

    def holds(self, key: bytes) -> bool:
        """Return whether the remote holds the object with this 32-byte id."""
        return self._finder.find(key) is not None

    def find(self, oid: ObjectId) -> Place | None:
        """Return where an object is, or None."""
        place = self._finder.find(bytes.fromhex(oid))
        if place is None:
            return None
        index, at = place
        return Place(key_of(index.name), index.entry(at))

    def each(self, kind: Kind) -> Iterator[ObjectId]:
        """Yield the id of each object of a kind."""
        for index in self.indexes.values():
            for at in index.of_kind(kind):
                yield as_id(index.key(at))

    @cached_property
    def _finder(self) -> Finder:
        return Finder(list(self.indexes.values()))

    def _forget(self) -> None:
        self.__dict__.pop("_finder", None)


def key_of(name: str) -> str:
    """Return the key of a pack on a remote."""
    return f"packs/{name}{SUFFIX}"


def read_index(transport: Transport, name: str, held: Held) -> Index:
    """Return the index at the end of a pack on a remote.

    Raises:
        MissingKey: the pack is not there.
        IntegrityError: its end is damaged, or its index is not what its name says.
    """
    key = key_of(name)
    raw = transport.read(key, held.size - held.tail, held.tail)
    tail = read_trailer(raw[-TRAILER_BYTES:], size=held.size, where=key)
    if tail.count != held.objects:
        raise IntegrityError(f"'{key}' on '{transport.url}' is not the pack that was pushed")
    index = Index(raw[:-TRAILER_BYTES], tail.count)
    if index.name != name or tail.name != name or not index.is_sorted():
        raise IntegrityError(f"the index of '{key}' on '{transport.url}' is not what its name says")
    return index
