"""Writing packs: hash, compress, append, and publish each pack whole."""

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from blake3 import blake3

from mlops_cli.core import codec, extents
from mlops_cli.core.delta import Earlier
from mlops_cli.core.extents import Extent
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.open_pack import Background, OpenPack, Payload
from mlops_cli.core.packs import Codec, Entry, Kind, as_id

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

PACK_BYTES = 64 * 1024 * 1024
"""A pack is closed when its payloads reach this size."""

_WORTH_SHARING = 1024 * 1024
_AHEAD = 8
"""How many chunks may wait to be compressed."""

_READ_BYTES = codec.WHOLE_MAX + 1


class PackWriter:
    """Puts objects into new packs. Not shared between threads."""

    def __init__(
        self,
        folder: Path,
        tmp: Path,
        *,
        knows: Callable[[bytes, Kind], bool],
        earlier: Callable[[ObjectId], Earlier | None] = lambda _: None,
    ) -> None:
        """Write packs into `folder`.

        `knows` says whether an object of this id and kind is already in the store; `earlier`
        gives the chunks of an object there, so that an edited one costs what was changed.
        """
        self._folder = folder
        self._tmp = tmp
        self._knows = knows
        self._earlier = earlier
        self._new: set[bytes] = set()
        self._pack: OpenPack | None = None
        self._full: list[OpenPack] = []
        self._background = Background()
        self.published: list[Path] = []
        """The packs that were written; complete once `finish` has returned."""
        self._pool: ThreadPoolExecutor | None = None
        self._squeezed: deque[Callable[[], None]] = deque()
        self._afterwards: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def afterwards(self, *, kept: Callable[[], None], dropped: Callable[[], None]) -> None:
        """Have `kept` called once all is durable, or `dropped` if it comes to nothing."""
        self._afterwards.append((kept, dropped))

    def put(self, data: bytes | memoryview, kind: Kind = Kind.BLOB) -> ObjectId:
        """Put `data` and return its id."""
        return as_id(self.put_key(data, kind))

    def put_key(self, data: bytes | memoryview, kind: Kind = Kind.BLOB) -> bytes:
        """Put `data` and return its id as 32 bytes."""
        key = blake3(data).digest()
        if key not in self._new and not self._knows(key, kind):
            if len(data) <= codec.WHOLE_MAX:
                self._append(key, data, kind)
            else:
                import io

                self._cut(io.BytesIO(data), kind)
        return key

    def put_file(self, path: str | Path) -> tuple[ObjectId, int]:
        """Put the content of a file and return its id and size in bytes.

        Raises:
            OSError: it cannot be read.
        """
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            key, size = self.put_handle(handle, os.fstat(handle).st_size)
            return as_id(key), size
        finally:
            os.close(handle)

    def put_handle(
        self,
        handle: int,
        size: int,
        *,
        like: ObjectId | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> tuple[bytes, int]:
        """Put what an open file holds, about `size` bytes; return the 32-byte id and the size.

        `like` is what the file was before, if that is known: what they share is not kept twice.
        `advance` is told of the bytes of a large file as they are read.
        """
        whole = min(size, codec.WHOLE_MAX)
        head = os.read(handle, whole + 1)
        if len(head) <= whole:
            return self.put_key(head), len(head)
        frozen = extents.freeze(handle, self._tmp) if size >= _WORTH_SHARING else None
        steady = handle if frozen is None else frozen.handle
        os.lseek(steady, 0, os.SEEK_SET)
        with os.fdopen(os.dup(steady), "rb", buffering=0) as file:
            if size <= codec.WHOLE_MAX:
                oid, size = self.put_stream(file, like=like)  # it has grown since
                return bytes.fromhex(oid), size
            runs = _Runs(frozen) if size >= _WORTH_SHARING else None
            return self._cut(file, Kind.BLOB, like, runs, advance)

    def put_stream(self, source: BinaryIO, *, like: ObjectId | None = None) -> tuple[ObjectId, int]:
        """Put all that `source` gives when it is read, as `put_handle` does with a file."""
        head = b""
        while len(head) < _READ_BYTES and (piece := source.read(_READ_BYTES - len(head))):
            head += piece
        if len(head) < _READ_BYTES:
            return self.put(head), len(head)
        key, size = self._cut(cast(BinaryIO, _Rejoined(head, source)), Kind.BLOB, like)
        return as_id(key), size

    def put_stored(self, oid: ObjectId, entry: Entry, payload: bytes) -> None:
        """Put an object in the form that another pack stores it in, undecoded."""
        key = bytes.fromhex(oid)
        if key not in self._new and not self._knows(key, entry.kind):
            self._add(key, payload, entry.length, entry.kind, entry.codec)

    def _cut(
        self,
        source: BinaryIO,
        kind: Kind,
        like: ObjectId | None = None,
        runs: "_Runs | None" = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> tuple[bytes, int]:
        tap = _Tap(source, advance)
        pieces: list[tuple[bytes, int]] = []
        earlier = self._earlier(like) if like is not None else None
        start = 0
        for chunk in codec.cut(tap):
            key = blake3(chunk.data).digest()
            if key not in self._new and not self._knows(key, Kind.CHUNK):
                self._append_chunk(key, chunk.data, start, earlier, runs)
            elif earlier is not None:
                earlier.pass_over(key, start)
            pieces.append((key, chunk.length))
            start += chunk.length
        self._settle()
        whole = tap.digest()
        if whole not in self._new and not self._knows(whole, kind):
            self._add(whole, codec.encode_list(pieces), tap.size, kind, Codec.LIST)
        return whole, tap.size

    def _append_chunk(
        self,
        key: bytes,
        data: memoryview,
        start: int,
        earlier: Earlier | None,
        runs: "_Runs | None",
    ) -> None:
        """Add a chunk; `data` is good for this call only."""
        told = earlier.tell(bytes(data), start) if earlier is not None else None
        if told is not None:
            self._add(key, told, len(data), Kind.CHUNK, Codec.DELTA)
            return
        if not codec.is_promising(data):
            kept = data if runs is not None and runs.is_frozen else bytes(data)
            self._add_chunk(key, kept, start, runs, (Codec.RAW, kept))
            return
        content = bytes(data)
        self._new.add(key)
        squeezing = self._squeezers().submit(codec.compress, content)
        self._squeezed.append(
            lambda: self._add_chunk(key, content, start, runs, squeezing.result())
        )
        if len(self._squeezed) > _AHEAD:
            self._squeezed.popleft()()

    def _add_chunk(
        self,
        key: bytes,
        content: bytes | memoryview,
        start: int,
        runs: "_Runs | None",
        stored: tuple[Codec, bytes | memoryview],
    ) -> None:
        how, payload = stored
        if how is Codec.RAW and runs is not None:
            pack = self._open()
            if runs.should_align(start, len(content)) or pack.is_empty:
                pack.align(start)
            self._add(key, runs.part(content, start), len(content), Kind.CHUNK, how)
        else:
            self._add(key, payload, len(content), Kind.CHUNK, how)

    def _squeezers(self) -> "ThreadPoolExecutor":
        """Return the threads that compress chunks while this one reads on and hashes."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "squeeze")
        return self._pool

    def _settle(self) -> None:
        while self._squeezed:
            self._squeezed.popleft()()

    def rest(self) -> None:
        """Let its threads end until there is more to do: a process with threads must not fork."""
        self._settle()
        self._dismiss()
        self._background.stop()

    def _dismiss(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _append(self, key: bytes, content: bytes | memoryview, kind: Kind) -> None:
        how, payload = codec.compress(content)
        self._add(key, payload, len(content), kind, how)

    def _open(self) -> OpenPack:
        if self._pack is None:
            self._pack = OpenPack(self._folder, self._tmp, self._background)
        return self._pack

    def _add(self, key: bytes, payload: Payload, length: int, kind: Kind, how: Codec) -> None:
        pack = self._open()
        pack.add(key, payload, length, kind, how)
        self._new.add(key)
        if pack.size >= PACK_BYTES:
            self._publish(pack)

    def flush(self) -> None:
        """Publish what is not in a full pack yet, and wait until all so far is durable."""
        self._dismiss()
        if self._pack is not None:
            self._publish(self._pack)
        self._background.join()

    def finish(self) -> None:
        """Publish what is left, wait until all of it is durable, and tell who waits for that."""
        self.flush()
        for kept, _ in self._afterwards:
            kept()

    def _publish(self, pack: OpenPack) -> None:
        self._full.append(pack)
        self._pack = None
        self.published.append(pack.publish())

    def abandon(self) -> None:
        """Drop the pack that is not full yet, and those that could not be published."""
        self._squeezed.clear()
        self._dismiss()
        self._background.stop()
        for pack in self._full if self._pack is None else [*self._full, self._pack]:
            pack.drop()
        self._pack = None
        for _, dropped in self._afterwards:
            dropped()


class _Runs:
    """Chunks of a large file that are stored as they are, one after the other.

    Where such a run begins its place in the pack is aligned with its place in the file, so that
    the two can share blocks. Short runs are not worth the gap.
    """

    def __init__(self, frozen: extents.Source | None) -> None:
        self._frozen = frozen
        self._end = 0
        self._length = _WORTH_SHARING

    def should_align(self, start: int, length: int) -> bool:
        """Return whether the chunk at `start` begins a run after one that was worth it."""
        if start and start == self._end:
            self._end, self._length = start + length, self._length + length
            return False
        worth = self._length >= _WORTH_SHARING
        self._end, self._length = start + length, length
        return worth

    @property
    def is_frozen(self) -> bool:
        """Whether there is a frozen file, so that the bytes of a chunk need not be kept."""
        return self._frozen is not None

    def part(self, content: bytes | memoryview, start: int) -> Payload:
        """Return the chunk as a part of the frozen file, if there is one."""
        return content if self._frozen is None else Extent(self._frozen, start, len(content))


class _Rejoined:
    """A stream of which the head has been read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readinto(self, buffer: memoryview) -> int:
        if not self._head:
            piece = self._rest.read(len(buffer))
        else:
            piece, self._head = bytes(self._head[: len(buffer)]), self._head[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class _Tap:
    """Passes a file's bytes on, and hashes what passed."""

    def __init__(self, source: BinaryIO, advance: Callable[[int], None]) -> None:
        self._source = source
        self._advance = advance
        self._hasher = blake3(max_threads=1)  # more cost twice as much for pieces of this size
        self.size = 0

    def readinto(self, buffer: memoryview) -> int:
        got: int = self._source.readinto(buffer)  # type: ignore[attr-defined]  # raw files have it
        self._hasher.update(buffer[:got])
        self.size += got
        self._advance(got)
        return got

    def digest(self) -> bytes:
        return self._hasher.digest()
