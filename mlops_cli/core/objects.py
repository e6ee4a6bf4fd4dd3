"""The object store: immutable bytes by id, kept in packs.

Any number of threads and processes may read and write one store at once: a pack appears whole
under its final name or not at all, and nothing in it ever changes. What a writer puts can be
read once its `with` block has ended, and is durable then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from mlops_cli.core import codec, delta
from mlops_cli.core.extents import write_at
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.pack_run import Run
from mlops_cli.core.pack_set import PackSet
from mlops_cli.core.packs import Codec, Entry, Index, Kind, Pack, Row, as_id
from mlops_cli.core.read_ahead import ReadAhead
from mlops_cli.errors import IntegrityError, MissingObject

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter
    from mlops_cli.core.read_many import Content

__all__ = ["Kind", "ObjectStore"]

_MANY = 100_000
"""How many chunks are looked up at once."""

_MOST_TOLD = 8
"""How many deltas may be told against each other in a row; only odd histories have two."""


class ObjectStore:
    """The packs in one folder."""

    def __init__(
        self,
        packs: Path,
        tmp: Path,
        *,
        writing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`writing` opens what keeps objects from going while a writer is open."""
        self._writing = writing
        self._folder = packs
        self._tmp = tmp
        self._packs = PackSet(packs)

    def has(self, oid: ObjectId) -> bool:
        """Return whether the object is in this store."""
        return self._packs.locate(bytes.fromhex(oid)) is not None

    def absent(self, oids: Iterable[ObjectId]) -> set[bytes]:
        """Return those of many objects that are not in this store, by their 32-byte ids."""
        return self.absent_keys({bytes.fromhex(oid) for oid in oids})

    def absent_keys(self, keys: set[bytes]) -> set[bytes]:
        """Return those of many 32-byte ids, a set to be used up, that are not in this store."""
        return self._packs.absent(keys)

    def size(self, oid: ObjectId) -> int:
        """Return the size of the content in bytes.

        Raises:
            MissingObject: the object is not here.
        """
        pack, at = self._place(oid)
        return pack.index.entry(at).length

    def kind(self, oid: ObjectId) -> Kind:
        """Return what the object was put as."""
        pack, at = self._place(oid)
        return pack.index.entry(at).kind

    def get(self, oid: ObjectId) -> bytes:
        """Return the content, checked against its id.

        Raises:
            MissingObject: the object, or a chunk of it, is not here.
            IntegrityError: the stored bytes do not give it.
        """
        pack, at = self._place(oid)
        entry = pack.index.entry(at)
        if entry.codec is Codec.LIST:
            return b"".join(self.stream(oid))
        return self._whole(oid, pack, entry)

    def stream(self, oid: ObjectId) -> Iterator[bytes]:
        """Yield the content in pieces of at most 256 KiB; at the end it has been checked.

        A caller that needs checked bytes must not use any piece before the last is drawn.
        """
        pack, at = self._place(oid)
        entry = pack.index.entry(at)
        if entry.codec is not Codec.LIST:
            yield self._whole(oid, pack, entry)
            return
        hasher = blake3(max_threads=1)
        for key, length in codec.decode_list(pack.payload(entry), entry.length):
            piece = self._piece(key)
            if len(piece) != length:
                raise IntegrityError(f"a chunk of object {oid} has the wrong length")
            hasher.update(piece)
            yield piece
        _check(hasher.hexdigest(), oid)

    def write_to(self, handle: int, oid: ObjectId) -> None:
        """Make an open, empty file hold the content; it has been checked when this returns.

        What is stored as it is shares its blocks with the pack where the file system can.

        Raises:
            MissingObject, IntegrityError: as of `get`.
            OSError: the file cannot be written.
        """
        pack, at = self._place(oid)
        entry = pack.index.entry(at)
        if entry.codec is not Codec.LIST:
            write_at(handle, self._whole(oid, pack, entry), 0)
            return
        hasher = blake3(max_threads=1)  # more cost twice as much for slices of a file
        ahead = ReadAhead(entry.length)
        place = 0
        for part in self._runs(codec.decode_list(pack.payload(entry), entry.length)):
            if isinstance(part, bytes):
                hasher.update(part)
                write_at(handle, part, place)
            else:
                part.write_to(handle, place, ahead, hasher.update)
            place += len(part)
        _check(hasher.hexdigest(), oid)

    def _runs(self, pieces: Sequence[tuple[bytes, int]]) -> "Iterator[Run | bytes]":
        """Yield what chunks give, those that lie together in a pack as they are as one."""
        run: Run | None = None
        for key, length, (pack, (_, start, stored, _, _, how)) in self._chunks(pieces):
            if how == Codec.RAW and stored == length:
                if run is not None and run.takes(pack, start, length):
                    continue
                if run is not None:
                    yield run
                run = Run(pack, start, length)
                continue
            if run is not None:
                yield run
                run = None
            content = self._piece(key)
            if len(content) != length:
                raise IntegrityError(f"chunk {as_id(key)} has the wrong length")
            yield content
        if run is not None:
            yield run

    def _chunks(
        self, pieces: Sequence[tuple[bytes, int]]
    ) -> "Iterator[tuple[bytes, int, tuple[Pack, Row]]]":
        """Yield chunks with where they are, looked up many at once."""
        for start in range(0, len(pieces), _MANY):
            part = pieces[start : start + _MANY]
            rows = self._packs.rows({key for key, _ in part})
            for key, length in part:
                if key not in rows:
                    raise _missing(as_id(key))
                yield key, length, rows[key]

    def contents(self, oids: Sequence[ObjectId]) -> "Iterator[Content | None]":
        """Yield the content of each object, checked; None where it is a list of chunks.

        For many objects, the order in which they were put is the fastest. A content is good until
        the next is drawn.

        Raises:
            MissingObject, IntegrityError: as of `get`.
        """
        return self.contents_of([bytes.fromhex(oid) for oid in oids])

    def contents_of(self, keys: Sequence[bytes]) -> "Iterator[Content | None]":
        """Yield the same for 32-byte ids."""
        from mlops_cli.core.read_many import contents

        return contents(self._packs, keys, self.get)

    def put(self, data: bytes, kind: Kind = Kind.BLOB) -> ObjectId:
        """Keep `data` and return its id; a second call with equal bytes is free."""
        with self.writer() as writer:
            return writer.put(data, kind)

    @contextmanager
    def writer(self) -> "Iterator[PackWriter]":
        """Open a writer; what it was given is in the store, durable, when the block ends.

        When the block raises, what was not yet written is dropped. Objects of packs that were
        already full may stay; nothing names them, so they harm nobody. Who names what was put,
        opens the writer within `Repository.writing`.
        """
        with self._writing():
            yield from self._write()

    def _write(self) -> "Iterator[PackWriter]":
        from mlops_cli.core.pack_writer import PackWriter

        writer = PackWriter(self._folder, self._tmp, knows=self.knows, earlier=self._earlier)
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.abandon()
            raise
        if writer.published:
            self.refresh()
            self._tidy()

    def _tidy(self) -> None:
        from mlops_cli.core import alive, tidy

        if packs := tidy.small(self._packs.all()):
            tidy.merge(packs, self._folder, self._tmp)
            alive.sweep(self._tmp)
            self.refresh()

    def find(self, prefix: str) -> list[ObjectId]:
        """Return the ids that begin with these hex digits, sorted, at most 100."""
        even = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
        found: set[ObjectId] = set()
        for pack in self._packs.all().values():
            at = pack.index.first_at_least(even)
            while at < pack.index.count and pack.index.key(at).startswith(even):
                oid = as_id(pack.index.key(at))
                if oid.startswith(prefix):
                    found.add(oid)
                if len(found) >= 100:
                    return sorted(found)
                at += 1
        return sorted(found)

    def each(self, kind: Kind) -> Iterator[ObjectId]:
        """Yield the id of each object of a kind, once, in no order that means anything."""
        seen: set[bytes] = set()
        for pack in list(self._packs.all().values()):
            for at in pack.index.of_kind(kind):
                key = pack.index.key(at)
                if key not in seen:
                    seen.add(key)
                    yield as_id(key)

    def indexes(self) -> Mapping[str, Index]:
        """Return the index of each pack by the pack's name."""
        return {name: pack.index for name, pack in self._packs.all().items()}

    def packs(self) -> dict[str, Pack]:
        """Return all packs by name, open: they can be read even after somebody removed them."""
        return dict(self._packs.all())

    def pack(self, name: str) -> Pack:
        """Return an open pack by its name."""
        return self._packs.all()[name]

    def stored(self, oid: ObjectId) -> tuple[Pack, Entry]:
        """Return where an object is stored, to copy it without decoding."""
        pack, at = self._place(oid)
        return pack, pack.index.entry(at)

    def chunks(self, oid: ObjectId) -> list[ObjectId]:
        """Return the chunks that an object needs; none when it is stored whole."""
        pack, entry = self.stored(oid)
        if entry.codec is not Codec.LIST:
            return []
        return [as_id(key) for key, _ in codec.decode_list(pack.payload(entry), entry.length)]

    def needs(self, oid: ObjectId) -> list[ObjectId]:
        """Return the objects without which this one cannot be read: chunks, or a base."""
        pack, entry = self.stored(oid)
        if entry.codec is Codec.DELTA:
            return [as_id(delta.base_of(pack.payload(entry)))]
        return self.chunks(oid)

    def base(self, key: bytes) -> bytes:
        """Return the content that deltas are told against, by its 32-byte id; unchecked.

        Writers tell deltas only against what stands alone; yet where two clones stored a chunk
        each in its own form, a base may be here as a delta itself.

        Raises:
            MissingObject: it is not here.
            IntegrityError: it is a list, or told against what leads back to it.
        """
        return self._base(key, _MOST_TOLD)

    def _base(self, key: bytes, left: int) -> bytes:
        pack, at = self._place(as_id(key))
        entry = pack.index.entry(at)
        if entry.codec is Codec.LIST or not left:
            raise IntegrityError(f"object {as_id(key)} cannot be the base of a delta")
        payload = pack.payload(entry)
        return codec.decompress(payload, entry, lambda further: self._base(further, left - 1))

    def refresh(self) -> None:
        """See what other writers have added since."""
        self._packs.refresh()

    def _whole(self, oid: ObjectId, pack: Pack, entry: Entry) -> bytes:
        """Return the content of what is no list, checked."""
        content = codec.decompress(pack.payload(entry), entry, self.base)
        _check(blake3(content).hexdigest(), oid)
        return content

    def _piece(self, key: bytes) -> bytes:
        located = self._packs.locate(key)
        if located is None:
            raise _missing(as_id(key))
        pack, at = located
        entry = pack.index.entry(at)
        if entry.codec is Codec.LIST:
            raise IntegrityError(f"object {as_id(key)} is a list where a chunk is needed")
        return codec.decompress(pack.payload(entry), entry, self.base)

    def _earlier(self, oid: ObjectId) -> delta.Earlier | None:
        """Return the chunks of an object, for a later version to be told against."""
        located = self._packs.search(bytes.fromhex(oid))
        if located is None:
            return None
        entry = located[0].index.entry(located[1])
        if entry.codec is not Codec.LIST:
            return None
        pieces = codec.decode_list(located[0].payload(entry), entry.length)
        return delta.Earlier(pieces, self._forerunner)

    def _forerunner(self, key: bytes) -> delta.Base | None:
        """Return what stands for a chunk as a base: itself, or its own base; checked, if here."""
        located = self._packs.search(key)
        if located is None:
            return None
        pack, at = located
        entry = pack.index.entry(at)
        if entry.codec is Codec.DELTA:
            key = delta.base_of(pack.payload(entry))
        try:
            content = self.base(key)
        except (IntegrityError, MissingObject):
            return None
        return (key, content) if blake3(content).digest() == key else None

    def _place(self, oid: ObjectId) -> tuple[Pack, int]:
        located = self._packs.locate(bytes.fromhex(oid))
        if located is None:
            raise _missing(oid)
        return located

    def knows(self, key: bytes, kind: Kind) -> bool:
        """Return whether `key` need not be put again as `kind`; does not look for new packs."""
        located = self._packs.search(key)
        if located is None or kind in (Kind.BLOB, Kind.CHUNK, Kind.TREE):
            return located is not None
        pack, at = located
        return pack.index.entry(at).kind is kind


def _check(found: str, oid: ObjectId) -> None:
    if found != oid:
        raise IntegrityError(f"object {oid} is damaged: its bytes hash to {found}", hint="mlo fsck")


def _missing(oid: ObjectId) -> MissingObject:
    return MissingObject(f"object {oid} is not in this store", hint="mlo fetch", oid=oid)
