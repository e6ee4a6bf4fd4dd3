"""The pack: an append-only file of stored objects that ends in its own index.

`docs/design/format.md` specifies every byte. A pack is written once, named by the hash of its
index, and never changed; this module reads and writes single packs and knows no store.
"""

import os
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from mlops_cli.core.extents import Shared, share
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import PACK_SUFFIX
from mlops_cli.core.records import dataclass
from mlops_cli.errors import IntegrityError

HEADER = b"MLOPACK\x01" + bytes(8)
SUFFIX = PACK_SUFFIX
ID_BYTES = 32
_TRAILER = struct.Struct("<QQ32s8s")
_END = b"MLOPEND\x01"
ENTRY_BYTES = ID_BYTES + 8 + 8 + 4 + 1 + 1
"""What an object takes in an index."""

MOST_STORED = 512 * 1024
"""No payload is longer, but that of a list, which is shorter than the content: so much is read."""


class Kind(IntEnum):
    """What an object is; kept in the index so that runs and events can be listed."""

    BLOB = 1
    CHUNK = 2
    TREE = 3
    RUN = 4
    EVENT = 5
    AUDIT = 6


class Codec(IntEnum):
    """How a payload gives the content."""

    RAW = 0
    """The payload is the content."""
    ZSTD = 1
    """The payload is one zstd frame (RFC 8878) of the content."""
    LIST = 2
    """The payload lists the chunks whose contents, joined, are the content."""
    DELTA = 3
    """The payload names a base, and tells the content against it (`core/delta.py`)."""


KINDS = {int(kind): kind for kind in Kind}
_CODECS = {int(codec): codec for codec in Codec}


class Entry(NamedTuple):
    """Where and how one object is stored.

    `offset` and `stored` give the payload in bytes; `length` is the content's size in bytes.
    """

    offset: int
    stored: int
    length: int
    kind: Kind
    codec: Codec


Row = tuple[bytes, int, int, int, int, int]
"""An id in 32 bytes; offset and length of the payload; length, kind and codec of the content."""


class Index:
    """The sorted table at the end of a pack: id to `Entry`."""

    __slots__ = ("_raw", "count", "name")

    def __init__(self, raw: bytes, count: int) -> None:
        if len(raw) != count * ENTRY_BYTES:
            raise IntegrityError("a pack's index has the wrong length")
        self._raw = raw
        self.count = count
        self.name = blake3(raw).hexdigest()

    @property
    def raw(self) -> bytes:
        """The bytes of the index."""
        return self._raw

    def find(self, key: bytes) -> int | None:
        """Return the position of the object with the 32-byte id `key`, or None."""
        raw = self._raw
        at = bisect_left(
            range(self.count), key, key=lambda i: raw[i * ID_BYTES : (i + 1) * ID_BYTES]
        )
        if at < self.count and raw[at * ID_BYTES : (at + 1) * ID_BYTES] == key:
            return at
        return None

    def key(self, at: int) -> bytes:
        """Return the 32-byte id at a position."""
        return self._raw[at * ID_BYTES : (at + 1) * ID_BYTES]

    def first_at_least(self, key: bytes) -> int:
        """Return the first position whose id is not below `key`, a prefix of an id."""
        raw, width = self._raw, len(key)
        return bisect_left(
            range(self.count), key, key=lambda i: raw[i * ID_BYTES : i * ID_BYTES + width]
        )

    def entry(self, at: int) -> Entry:
        """Return what is stored at a position.

        Raises:
            IntegrityError: it is of a newer mlo, or longer than anything that is ever stored.
        """
        count, raw = self.count, self._raw
        base = ID_BYTES * count
        (offset,) = _U64.unpack_from(raw, base + 8 * at)
        (length,) = _U64.unpack_from(raw, base + 8 * count + 8 * at)
        (stored,) = _U32.unpack_from(raw, base + 16 * count + 4 * at)
        kind = raw[base + 20 * count + at]
        codec = raw[base + 21 * count + at]
        try:
            entry = Entry(offset, stored, length, KINDS[kind], _CODECS[codec])
        except KeyError as error:
            raise IntegrityError(
                f"a pack holds an object of kind {kind} and codec {codec}, unknown here",
                hint="use a newer mlo",
            ) from error
        if stored > MOST_STORED and (codec != Codec.LIST or stored > length):
            raise IntegrityError(f"a stored object claims to take {stored} bytes, too many for it")
        return entry

    def is_sorted(self) -> bool:
        """Return whether each id comes after the one before it, as `find` needs."""
        return all(one < other for one, other in pairwise(self.ids()))

    def is_delta(self, at: int) -> bool:
        """Return whether the object at a position is told against another."""
        return self._raw[(ID_BYTES + 21) * self.count + at] == Codec.DELTA

    def has_composed(self) -> bool:
        """Return whether any object is a list or a delta, which need others."""
        start = (ID_BYTES + 21) * self.count
        codecs = set(self._raw[start : start + self.count])
        return bool(codecs - {Codec.RAW, Codec.ZSTD})

    def ids(self) -> list[bytes]:
        """Return all ids, sorted."""
        raw = self._raw
        return [raw[i : i + ID_BYTES] for i in range(0, self.count * ID_BYTES, ID_BYTES)]

    def row(self, at: int) -> Row:
        """Return what is known of the object at a position.

        Raises:
            IntegrityError: as of `entry`.
        """
        offset, stored, length, kind, how = self.entry(at)
        return self.key(at), offset, stored, length, kind, how

    def rows(self) -> Iterator[Row]:
        """Yield what is known of each object, in the order of their ids; nothing is checked."""
        count, raw = self.count, self._raw
        base = ID_BYTES * count
        numbers = struct.unpack_from(f"<{2 * count}Q{count}I", raw, base)
        kinds, codecs = raw[base + 20 * count : base + 21 * count], raw[base + 21 * count :]
        offsets, lengths = islice(numbers, count), islice(numbers, count, 2 * count)
        stored = islice(numbers, 2 * count, None)
        return zip(self.ids(), offsets, stored, lengths, kinds, codecs, strict=True)

    def stored(self) -> list[int]:
        """Return how many bytes each object takes, in the order of their ids."""
        start = (ID_BYTES + 16) * self.count
        column = struct.unpack_from(f"<{self.count}I", self._raw, start)
        return list(column)

    def prefixes(self, first: int | None) -> Iterator[tuple[int, int]]:
        """Yield position and `prefix` of each id that begins with the byte `first`; None: all."""
        start, end = 0, self.count
        if first is not None:
            start = self.first_at_least(bytes([first]))
            if first != _LAST_BYTE:
                end = self.first_at_least(bytes([first + 1]))
        found = array(
            "Q", memoryview(self._raw)[: self.count * ID_BYTES].cast("Q")[start * 4 : end * 4 : 4]
        )
        if sys.byteorder == "little":
            found.byteswap()
        return enumerate(found, start)

    @staticmethod
    def prefix(key: bytes) -> int:
        """Return the first eight bytes of an id as a number, in the order of ids."""
        return int.from_bytes(key[:8], "big")

    def composed(self) -> list[int]:
        """Return the positions of all objects that are read with the help of others."""
        return self._positions(21, Codec.LIST) + self._positions(21, Codec.DELTA)

    def of_kind(self, kind: Kind) -> list[int]:
        """Return the positions of all objects of a kind."""
        return self._positions(20, kind)

    def _positions(self, column: int, value: int) -> list[int]:
        """Return where a column of single bytes, so many bytes an object after the ids, has one."""
        start = (ID_BYTES + column) * self.count
        cells = self._raw[start : start + self.count]
        found, at = [], cells.find(value)
        while at >= 0:
            found.append(at)
            at = cells.find(value, at + 1)
        return found


_LAST_BYTE = 255
_U64 = struct.Struct("<Q")
_U32 = struct.Struct("<I")


def trailer(index: Index, index_offset: int) -> bytes:
    """Return the last bytes of a pack, from which a reader finds the index."""
    return _TRAILER.pack(index_offset, index.count, bytes.fromhex(index.name), _END)


TRAILER_BYTES = _TRAILER.size


@dataclass(frozen=True, slots=True)
class Tail:
    """What a trailer says: where the index is, of how many objects, and its hash."""

    index_offset: int
    count: int
    name: str

    @property
    def index_bytes(self) -> int:
        """The size of the index."""
        return self.count * ENTRY_BYTES


def read_trailer(raw: bytes, *, size: int, where: str) -> Tail:
    """Return what the last `TRAILER_BYTES` of a pack of `size` bytes say.

    Raises:
        IntegrityError: they are not a trailer, or do not fit the size.
    """
    if len(raw) != TRAILER_BYTES or raw[-8:] != _END:
        raise IntegrityError(f"'{where}' is not a whole pack", hint="mlo fsck")
    index_offset, count, name, _ = _TRAILER.unpack(raw)
    if index_offset + count * ENTRY_BYTES + TRAILER_BYTES != size:
        raise IntegrityError(f"the index of '{where}' does not fit its size", hint="mlo fsck")
    return Tail(index_offset, count, name.hex())


class Pack:
    """A pack opened for reading. Threads may share it."""

    __slots__ = ("_handle", "index", "path", "payload_end", "size")

    def __init__(self, path: Path) -> None:
        """Open a pack and check its index against its name.

        Raises:
            FileNotFoundError: it is gone.
            IntegrityError: it is cut short or its index was changed.
        """
        self.path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.size = os.fstat(self._handle).st_size
            start = max(0, self.size - TRAILER_BYTES)
            tail = read_trailer(
                os.pread(self._handle, TRAILER_BYTES, start), size=self.size, where=path.name
            )
            raw = os.pread(self._handle, tail.index_bytes, tail.index_offset)
            self.index = Index(raw, tail.count)
        except BaseException:
            os.close(self._handle)
            del self._handle
            raise
        self.payload_end = tail.index_offset
        if self.index.name != tail.name or path.name != tail.name + SUFFIX:
            raise IntegrityError(f"the index of '{path.name}' was changed", hint="mlo fsck")

    @classmethod
    def salvaged(cls, path: Path) -> "Pack | None":
        """Return a damaged pack opened by what is left of its end; None when that is too little.

        Nothing in its index may be believed before the content was hashed.
        """
        pack = cls.__new__(cls)
        pack.path = path
        pack._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        pack.size = os.fstat(pack._handle).st_size
        end = pack.size - TRAILER_BYTES
        if end < len(HEADER):
            return None
        start, count, _, _ = _TRAILER.unpack(os.pread(pack._handle, TRAILER_BYTES, end))
        for index_bytes in (count * ENTRY_BYTES, end - start):
            if 0 < index_bytes <= end - len(HEADER) and index_bytes % ENTRY_BYTES == 0:
                raw = os.pread(pack._handle, index_bytes, end - index_bytes)
                pack.index = Index(raw, index_bytes // ENTRY_BYTES)
                pack.payload_end = end - index_bytes
                return pack
        return None

    def payload(self, entry: Entry) -> bytes:
        """Return the stored bytes of one object.

        Raises:
            IntegrityError: they lie outside the pack.
        """
        return self.read(entry.offset, entry.stored)

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the payloads.

        Raises:
            IntegrityError: they lie outside the pack.
        """
        if start < len(HEADER) or start + length > self.payload_end:
            raise IntegrityError(f"an entry of '{self.path.name}' lies outside it")
        return os.pread(self._handle, length, start)

    def read_into(self, buffer: memoryview, start: int) -> None:
        """Fill a buffer with bytes of the payloads.

        Raises:
            IntegrityError: they lie outside the pack, or it was cut short.
        """
        if start < len(HEADER) or start + len(buffer) > self.payload_end:
            raise IntegrityError(f"an entry of '{self.path.name}' lies outside it")
        if os.preadv(self._handle, [buffer], start) != len(buffer):
            raise IntegrityError(f"'{self.path.name}' was cut short", hint="mlo fsck")

    def share(self, start: int, length: int, target: int, place: int) -> Shared:
        """Have another file share a part of the payloads; see `extents.share`."""
        return share(self._handle, start, length, target, place)

    def source(self) -> Path:
        """Return a path by which the whole file can be read, even if its name was removed."""
        return Path(f"/proc/self/fd/{self._handle}") if not self.path.exists() else self.path

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            os.close(handle)


def as_id(key: bytes) -> ObjectId:
    """Return the id that these 32 bytes are."""
    return ObjectId(key.hex())
