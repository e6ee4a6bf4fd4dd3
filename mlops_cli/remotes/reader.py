"""Any range of an object's bytes, from this store or in place from a remote.

A chunk's id is its hash, so what is read is checked chunk by chunk and nothing else has to be
read for it. What comes from a remote is kept in memory, up to a bound, and not written.
"""

import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import accumulate

from blake3 import blake3

from mlops_cli.core import codec, delta
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.packs import Codec, Entry, as_id
from mlops_cli.errors import IntegrityError, MissingObject
from mlops_cli.remotes.catalogue import Place
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.spans import Span, spans
from mlops_cli.remotes.transport import MissingKey

CACHE_BYTES = 64 * 1024 * 1024
_AT_ONCE = 128
"""Chunks that are read together: 8 MiB on average."""

_SHAPES = 64


class Shape:
    """What an object is made of: its pieces' 32-byte ids, and where each ends in it."""

    __slots__ = ("ends", "keys")

    def __init__(self, pieces: Sequence[tuple[bytes, int]]) -> None:
        self.keys = [key for key, _ in pieces]
        self.ends = list(accumulate(length for _, length in pieces))

    @property
    def size(self) -> int:
        """The object's size in bytes."""
        return self.ends[-1] if self.ends else 0

    def start(self, at: int) -> int:
        """Return where a piece begins."""
        return self.ends[at - 1] if at else 0

    def covering(self, start: int, end: int) -> range:
        """Return which pieces hold the bytes from `start` to before `end`, start < end <= size."""
        return range(bisect_right(self.ends, start), bisect_left(self.ends, end) + 1)


class Cache:
    """The contents of chunks that were read last, up to a bound in bytes. Threads may share it."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._held: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        """Return a chunk's content, None when it is not held."""
        with self._guard:
            content = self._held.get(key)
            if content is not None:
                self._held.move_to_end(key)
            return content

    def put(self, key: bytes, content: bytes) -> None:
        """Hold a chunk's content, and let go of those that were not asked for longest."""
        with self._guard:
            if key not in self._held:
                self._held[key] = content
                self._size += len(content)
            while self._size > self._limit:
                self._size -= len(self._held.popitem(last=False)[1])


class Reader:
    """Reads objects that are in this store or on a remote. Threads may share it.

    `remote` is asked for when something is not here; it gives None when the project has none.
    """

    def __init__(
        self,
        objects: ObjectStore,
        remote: Callable[[], Remote | None],
        *,
        cache: Cache | None = None,
    ) -> None:
        self._objects = objects
        self._remote = remote
        self._cache = Cache() if cache is None else cache
        self._looking = threading.RLock()
        self._transfer = threading.Lock()
        self._shape = lru_cache(maxsize=_SHAPES)(self._read_shape)

    def size(self, oid: ObjectId) -> int:
        """Return the size of an object's content in bytes.

        Raises:
            MissingObject: it is neither here nor on the remote.
        """
        return self._shape(oid).size

    def get(self, oid: ObjectId) -> bytes:
        """Return the whole content, checked against its id.

        Raises:
            MissingObject, IntegrityError, ExternalError: as of `stream`.
        """
        content = b"".join(self.stream(oid, 0, self.size(oid)))
        found = blake3(content).hexdigest()
        if found != oid:
            raise IntegrityError(f"object {oid} is damaged: its bytes hash to {found}")
        return content

    def pread(self, oid: ObjectId, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`; fewer only at the end of the object.

        Raises:
            MissingObject, IntegrityError, ExternalError: as of `stream`.
        """
        return b"".join(self.stream(oid, start, start + length))

    def stream(
        self, oid: ObjectId, start: int, end: int, *, ahead: int = 0
    ) -> Iterator[memoryview]:
        """Yield the bytes from `start` to before `end`, or to the end of the object.

        Each chunk that they come from has been checked. When a remote has to be asked, `ahead`
        more bytes are asked for with the last of them.

        Raises:
            MissingObject: the object, or a chunk of it, is neither here nor on the remote.
            IntegrityError: the stored bytes are damaged.
            ExternalError: the remote does not answer.
        """
        shape = self._shape(oid)
        end = min(end, shape.size)
        if start >= end:
            return
        wanted = shape.covering(start, end)
        spare = range(wanted.stop, shape.covering(start, min(end + ahead, shape.size)).stop)
        for first in range(wanted.start, wanted.stop, _AT_ONCE):
            batch = range(first, min(first + _AT_ONCE, wanted.stop))
            more = spare if batch.stop == wanted.stop else range(0)
            found = self._contents([shape.keys[i] for i in batch], [shape.keys[i] for i in more])
            for at in batch:
                begins, content = shape.start(at), found[shape.keys[at]]
                if len(content) != shape.ends[at] - begins:
                    raise IntegrityError(f"a chunk of object {oid} has the wrong length")
                yield memoryview(content)[max(start - begins, 0) : end - begins]

    def _read_shape(self, oid: ObjectId) -> Shape:
        key = bytes.fromhex(oid)
        try:
            pack, entry = self._objects.stored(oid)
            payload = pack.payload(entry) if entry.codec is Codec.LIST else b""
        except MissingObject:
            entry, payload = self._shape_there(key)
        if entry.codec is Codec.LIST:
            return Shape(codec.decode_list(payload, entry.length))
        return Shape([(key, entry.length)] if entry.length else [])

    def _shape_there(self, key: bytes) -> tuple[Entry, bytes]:
        remote, places = self._places([key])
        entry = places[key].entry
        if entry.codec is not Codec.LIST:
            return entry, b""
        try:
            return self._payloads(remote, places)[key]
        except MissingKey:
            self._refresh(remote)
            return self._payloads(*self._places([key]))[key]

    def _contents(self, keys: Sequence[bytes], spare: Sequence[bytes] = ()) -> dict[bytes, bytes]:
        """Return the contents of chunks; `spare` are worth having when a remote is asked."""
        found: dict[bytes, bytes] = {}
        missing: list[bytes] = []
        for key in dict.fromkeys(keys):
            content = self._cache.get(key)
            if content is None:
                content = self._here(key)
            if content is None:
                missing.append(key)
            else:
                found[key] = content
        if missing:
            more = [key for key in spare if self._cache.get(key) is None]
            found |= self._bring(missing, [key for key in more if not self._has(key)])
        return found

    def _has(self, key: bytes) -> bool:
        return self._objects.has(as_id(key))

    def _here(self, key: bytes) -> bytes | None:
        try:
            content = self._objects.get(as_id(key))
        except MissingObject:
            return None
        self._cache.put(key, content)
        return content

    def _bring(self, keys: Sequence[bytes], spare: Sequence[bytes]) -> dict[bytes, bytes]:
        remote, places = self._places(keys, spare)
        try:
            payloads = self._payloads(remote, places)
        except MissingKey:
            # its packs were merged since this clone last looked
            self._refresh(remote)
            remote, places = self._places(keys, spare)
            payloads = self._payloads(remote, places)
        return self._decoded(remote, payloads)

    def _places(
        self, keys: Sequence[bytes], spare: Sequence[bytes] = ()
    ) -> tuple[Remote, dict[bytes, Place]]:
        """Return the remote, and where on it `keys` are, and those of `spare` that are there."""
        remote = self._remote()
        if remote is None:
            raise MissingObject(
                f"object {as_id(keys[0])} is not in this store, and there is no remote",
                hint="mlo remote add origin URL",
                oid=as_id(keys[0]),
            )
        with self._looking:
            if not all(remote.catalogue.has(as_id(key)) for key in keys):
                self._refresh(remote)
            places = {key: remote.catalogue.find(as_id(key)) for key in (*keys, *spare)}
        found = {key: place for key, place in places.items() if place is not None}
        for key in keys:
            if key not in found:
                raise MissingObject(
                    f"object {as_id(key)} is neither here nor on '{remote.name}'",
                    hint="push it from where it was made: mlo push",
                    oid=as_id(key),
                )
        return remote, found

    def _refresh(self, remote: Remote) -> None:
        with self._looking, self._transfer:
            remote.catalogue.refresh(remote.transport, remote.read().state.packs)

    def _payloads(
        self, remote: Remote, places: dict[bytes, Place]
    ) -> dict[bytes, tuple[Entry, bytes]]:
        """Return the stored bytes of objects, neighbours by one read."""
        found: dict[bytes, tuple[Entry, bytes]] = {}
        ranges = spans(places.items())
        for span, data in zip(ranges, self._read(remote, ranges), strict=True):
            for key, place in span.places:
                found[key] = place.entry, span.payload(data, place)
        return found

    def _read(self, remote: Remote, ranges: Sequence[Span]) -> Iterator[bytes]:
        """Yield the bytes of spans; a transport that says how many `readers` it takes gets them."""
        read = remote.transport.read
        readers = getattr(remote.transport, "readers", 1)
        if readers == 1:
            for span in ranges:
                with self._transfer:
                    data = read(span.key, span.start, span.length)
                yield data
        elif len(ranges) == 1:
            yield read(ranges[0].key, ranges[0].start, ranges[0].length)
        else:
            with ThreadPoolExecutor(min(readers, len(ranges))) as threads:
                yield from threads.map(lambda one: read(one.key, one.start, one.length), ranges)

    def _decoded(
        self, remote: Remote, payloads: dict[bytes, tuple[Entry, bytes]]
    ) -> dict[bytes, bytes]:
        """Return the contents that stored bytes give, each checked and held in the cache."""
        needed = {
            delta.base_of(payload)
            for entry, payload in payloads.values()
            if entry.codec is Codec.DELTA
        }
        found: dict[bytes, bytes] = {}
        known = self._bases(remote, needed - payloads.keys()) if needed else {}

        def base(key: bytes) -> bytes:
            return known[key] if key in known else decode(key)

        def decode(key: bytes) -> bytes:
            if key not in found:
                entry, payload = payloads[key]
                if entry.codec is Codec.LIST or (key in needed and entry.codec is Codec.DELTA):
                    raise _damaged(remote, key, "it is not stored whole where it has to be")
                try:
                    content = codec.decompress(payload, entry, base)
                except IntegrityError as error:
                    raise _damaged(remote, key, error.message) from error
                if blake3(content).digest() != key:
                    raise _damaged(remote, key, "its bytes are not what its name says")
                found[key] = content
                self._cache.put(key, content)
            return found[key]

        for key in payloads:
            decode(key)
        return found

    def _bases(self, remote: Remote, keys: set[bytes]) -> dict[bytes, bytes]:
        held = {key: self._cache.get(key) or self._here(key) for key in keys}
        found = {key: content for key, content in held.items() if content is not None}
        missing = sorted(keys - found.keys())
        if missing:
            payloads = self._payloads(*self._places(missing))
            if any(entry.codec is Codec.DELTA for entry, _ in payloads.values()):
                raise _damaged(remote, missing[0], "it is the base of a delta, not stored whole")
            found |= self._decoded(remote, payloads)
        return found


def _damaged(remote: Remote, key: bytes, why: str) -> IntegrityError:
    return IntegrityError(
        f"object {as_id(key)} on the remote '{remote.name}' is damaged: {why}",
        hint="push it again from a clone that has it whole, to a remote that is whole",
    )
