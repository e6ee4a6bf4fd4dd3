"""Reading many objects in the order in which they are asked for.

What was put together lies together, so a pack is read ahead as long as it is read in order.
"""

from collections.abc import Callable, Iterator, Sequence

from blake3 import blake3

from mlops_cli.core import codec
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.pack_set import PackSet
from mlops_cli.core.packs import KINDS, MOST_STORED, Codec, Entry, Pack, Row, as_id

_BATCH = 100_000
"""How many objects are looked up at once."""

_FIRST_BYTES, _MOST_BYTES = 16 * 1024, 256 * 1024
"""How far is read ahead at first, and in the end."""

Content = bytes | memoryview


def contents(
    packs: PackSet, keys: Sequence[bytes], other: Callable[[ObjectId], bytes]
) -> Iterator[Content | None]:
    """Yield the content of each object, checked against its 32-byte id; None for a list of chunks.

    A content is good until the next is drawn. `other` gives one that is told against another, and
    says what is wrong with one that cannot be given.
    """
    ahead = Ahead()
    for start in range(0, len(keys), _BATCH):
        part = keys[start : start + _BATCH]
        rows = packs.rows(set(part))
        for key in part:
            row = rows.get(key)
            if row is not None and row[1][-1] == Codec.LIST:
                yield None
                continue
            content = None if row is None else ahead.content(*row)
            if content is None or blake3(content).digest() != key:
                content = _alone(packs, key, other)  # which says what is wrong, if anything is
            yield content


def _alone(packs: PackSet, key: bytes, other: Callable[[ObjectId], bytes]) -> bytes | None:
    place = packs.locate(key)
    if place is not None and place[0].index.entry(place[1]).codec is Codec.LIST:
        return None
    return other(as_id(key))


class Ahead:
    """Reads objects of packs, further than asked for while they come in order."""

    def __init__(self) -> None:
        self._pack: Pack | None = None
        self._start = self._end = 0
        self._data = memoryview(b"")
        self._ahead = 0

    def content(self, pack: Pack, row: Row) -> Content | None:
        """Return the content of an object, not checked; None where more is needed to tell.

        Raises:
            IntegrityError: it is not in the pack, or its length is not what the index states.
        """
        _, start, stored, length, kind, how = row
        known = KINDS.get(kind)
        if how > Codec.ZSTD or stored > MOST_STORED or known is None:
            return None
        end = start + stored
        if pack is not self._pack or start < self._start or end > self._end:
            self._read(pack, start, stored)
        payload = self._data[start - self._start : end - self._start]
        if how == Codec.RAW and stored == length:
            return payload
        entry = Entry(start, stored, length, known, Codec(how))
        return codec.decompress(bytes(payload), entry, _no_base)

    def _read(self, pack: Pack, start: int, length: int) -> None:
        in_order = pack is self._pack and 0 <= self._end - start <= length
        self._ahead = min(max(2 * self._ahead, _FIRST_BYTES), _MOST_BYTES) if in_order else 0
        most = max(length, min(self._ahead, pack.payload_end - start))
        self._data = memoryview(pack.read(start, most))
        self._pack, self._start, self._end = pack, start, start + most


def _no_base(_: bytes) -> bytes:
    raise AssertionError("only a delta asks for its base")
