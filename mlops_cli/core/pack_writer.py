"""Writing packs: hash, compress, append, and publish each pack whole."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import BinaryIO, cast

from blake3 import blake3

from mlops_cli.core import codec
from mlops_cli.core.delta import Earlier
from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.packs import (
    HEADER,
    SUFFIX,
    Built,
    Codec,
    Entry,
    Kind,
    as_id,
    build_index,
    trailer,
)

PACK_BYTES = 64 * 1024 * 1024
"""A pack is closed when its payloads reach this size."""

_BATCH_BYTES = 4 * 1024 * 1024
_MAX_VECTORS = 1000
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
        self._pack: _OpenPack | None = None
        self._full: list[_OpenPack] = []
        self._background = _Background()
        self.published: list[Path] = []
        """The packs that were written; complete once `finish` has returned."""
        self._afterwards: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def afterwards(self, *, kept: Callable[[], None], dropped: Callable[[], None]) -> None:
        """Have `kept` called once all is durable, or `dropped` if it comes to nothing."""
        self._afterwards.append((kept, dropped))

    def put(self, data: bytes | memoryview, kind: Kind = Kind.BLOB) -> ObjectId:
        """Put `data` and return its id."""
        hasher = blake3(data)
        key = hasher.digest()
        if key not in self._new and not self._knows(key, kind):
            if len(data) <= codec.WHOLE_MAX:
                self._append(key, data, kind)
            else:
                import io

                self._cut(io.BytesIO(data), kind)
        return as_id(key)

    def put_file(self, path: Path) -> tuple[ObjectId, int]:
        """Put the content of a file and return its id and size in bytes.

        Raises:
            OSError: it cannot be read.
        """
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self.put_handle(handle)
        finally:
            os.close(handle)

    def put_handle(self, handle: int, *, like: ObjectId | None = None) -> tuple[ObjectId, int]:
        """Put what an open file holds from its start, and return the id and size in bytes.

        `like` is what the file was before, if that is known: what they share is not kept twice.
        """
        size = os.fstat(handle).st_size
        whole = min(size, codec.WHOLE_MAX)
        head = os.read(handle, whole + 1)
        if len(head) <= whole:
            return self.put(head), len(head)
        os.lseek(handle, 0, os.SEEK_SET)
        with os.fdopen(os.dup(handle), "rb", buffering=0) as file:
            if size > codec.WHOLE_MAX:
                return self._cut(file, Kind.BLOB, like)
            return self.put_stream(file, like=like)  # it has grown since

    def put_stream(self, source: BinaryIO, *, like: ObjectId | None = None) -> tuple[ObjectId, int]:
        """Put all that `source` gives when it is read, as `put_handle` does with a file."""
        head = b""
        while len(head) < _READ_BYTES and (piece := source.read(_READ_BYTES - len(head))):
            head += piece
        if len(head) < _READ_BYTES:
            return self.put(head), len(head)
        return self._cut(cast(BinaryIO, _Rejoined(head, source)), Kind.BLOB, like)

    def put_stored(self, oid: ObjectId, entry: Entry, payload: bytes) -> None:
        """Put an object in the form that another pack stores it in, undecoded."""
        key = bytes.fromhex(oid)
        if key not in self._new and not self._knows(key, entry.kind):
            self._add(key, payload, entry.length, entry.kind, entry.codec)

    def _cut(
        self, source: BinaryIO, kind: Kind, like: ObjectId | None = None
    ) -> tuple[ObjectId, int]:
        tap = _Tap(source)
        pieces: list[tuple[bytes, int]] = []
        earlier = self._earlier(like) if like is not None else None
        start = 0
        for chunk in codec.cut(tap):
            key = blake3(chunk.data).digest()
            if key not in self._new and not self._knows(key, Kind.CHUNK):
                self._append_chunk(key, bytes(chunk.data), start, earlier)
            elif earlier is not None:
                earlier.pass_over(key, start)
            pieces.append((key, chunk.length))
            start += chunk.length
        whole = tap.digest()
        if whole not in self._new and not self._knows(whole, kind):
            self._add(whole, codec.encode_list(pieces), tap.size, kind, Codec.LIST)
        return as_id(whole), tap.size

    def _append_chunk(
        self, key: bytes, content: bytes, start: int, earlier: Earlier | None
    ) -> None:
        payload = earlier.tell(content, start) if earlier is not None else None
        if payload is None:
            self._append(key, content, Kind.CHUNK)
        else:
            self._add(key, payload, len(content), Kind.CHUNK, Codec.DELTA)

    def _append(self, key: bytes, content: bytes | memoryview, kind: Kind) -> None:
        how, payload = codec.compress(content)
        self._add(key, payload, len(content), kind, how)

    def _add(
        self, key: bytes, payload: bytes | memoryview, length: int, kind: Kind, how: Codec
    ) -> None:
        pack = self._pack
        if pack is None:
            pack = self._pack = _OpenPack(self._folder, self._tmp, self._background)
        pack.add(key, payload, length, kind, how)
        self._new.add(key)
        if pack.size >= PACK_BYTES:
            self._publish(pack)

    def finish(self) -> None:
        """Publish what is left and wait until all of it is durable."""
        if self._pack is not None:
            self._publish(self._pack)
        self._background.join()
        for kept, _ in self._afterwards:
            kept()

    def _publish(self, pack: "_OpenPack") -> None:
        self._full.append(pack)
        self._pack = None
        self.published.append(pack.publish())

    def abandon(self) -> None:
        """Drop the pack that is not full yet, and those that could not be published."""
        self._background.stop()
        for pack in self._full if self._pack is None else [*self._full, self._pack]:
            pack.drop()
        self._pack = None
        for _, dropped in self._afterwards:
            dropped()


class _OpenPack:
    """A pack that is being written, in `tmp`, under a name nobody looks for."""

    def __init__(self, folder: Path, tmp: Path, background: "_Background") -> None:
        self._folder = folder
        self._background = background
        self._path = tmp / f"pack-{os.getpid()}-{os.urandom(6).hex()}"
        self._built: list[Built] = []
        self._waiting: list[bytes | memoryview] = [HEADER]
        self._waiting_bytes = len(HEADER)
        self.size = len(HEADER)
        try:
            self._handle = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
            )
        except OSError as error:
            raise outside(error, self._path) from error

    def add(
        self, key: bytes, payload: bytes | memoryview, length: int, kind: Kind, how: Codec
    ) -> None:
        stored = len(payload)
        self._built.append(Built(key, Entry(self.size, stored, length, kind, how)))
        self._waiting.append(payload)
        self._waiting_bytes += stored
        self.size += stored
        if self._waiting_bytes >= _BATCH_BYTES or len(self._waiting) >= _MAX_VECTORS:
            self._flush()

    def _flush(self) -> None:
        waiting = self._waiting
        self._waiting, self._waiting_bytes = [], 0
        self._background.do(lambda: self._write(waiting))

    def _write(self, waiting: list[bytes | memoryview]) -> None:
        try:
            expected = sum(len(part) for part in waiting)
            written = os.writev(self._handle, waiting)
            if written != expected:
                _write_all(self._handle, memoryview(b"".join(waiting))[written:])
        except OSError as error:
            raise outside(error, self._path) from error

    def publish(self) -> Path:
        """Give the pack its index and, once it is durable, its name; return its path to be."""
        index = build_index(self._built)
        self._waiting += [index.raw, trailer(index, self.size)]
        waiting, self._waiting = self._waiting, []
        target = self._folder / (index.name + SUFFIX)
        self._background.do(lambda: self._finish(waiting, target))
        return target

    def _finish(self, waiting: list[bytes | memoryview], target: Path) -> None:
        try:
            self._write(waiting)
            os.fsync(self._handle)
            os.replace(self._path, target)
            sync_folder(self._folder)
        except OSError as error:
            raise outside(error, target) from error
        finally:
            self._close()

    def drop(self) -> None:
        """Remove the file, unless it has its name already."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _write_all(handle: int, rest: memoryview) -> None:
    while rest:
        rest = rest[os.write(handle, rest) :]


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

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._hasher = blake3(max_threads=blake3.AUTO)
        self.size = 0

    def readinto(self, buffer: memoryview) -> int:
        got: int = self._source.readinto(buffer)  # type: ignore[attr-defined]  # raw files have it
        self._hasher.update(buffer[:got])
        self.size += got
        return got

    def digest(self) -> bytes:
        return self._hasher.digest()


class _Background:
    """Runs jobs in order on one thread, so that the disk and the hashing overlap.

    The first jobs run at once in the caller: small work never starts a thread. The first
    error stops all later jobs and is raised by the next call.
    """

    _INLINE = 1
    _DEPTH = 6

    def __init__(self) -> None:
        self._jobs: Queue[Callable[[], None] | None] = Queue(self._DEPTH)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._done = 0

    def do(self, job: Callable[[], None]) -> None:
        self._raise()
        if self._thread is None and self._done < self._INLINE:
            self._done += 1
            job()
            return
        if self._thread is None and not self._start():
            job()
            return
        self._jobs.put(job)

    def _start(self) -> bool:
        """Start the thread; return False where there can be none, as at the end of a process."""
        thread = threading.Thread(target=self._work, name="pack-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def join(self) -> None:
        self.stop()
        self._raise()

    def stop(self) -> None:
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is None:
                try:
                    job()
                except BaseException as error:  # noqa: BLE001  raised in the caller's thread
                    self._error = error
