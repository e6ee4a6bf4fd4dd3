"""The bytes of one version of a table, as UTF-8 delimited text in content-defined chunks."""

import codecs
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from mlops_cli.core import codec
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.errors import ExternalError, StateError


class Pieces(Protocol):
    """Reads chunks, front to back."""

    def take(self) -> bytes:
        """Return the next chunk."""

    def skip(self) -> None:
        """Leave the next chunk out."""


class Source(Protocol):
    """One version of a table. Reading it again gives the same bytes."""

    size: int
    """In bytes, as it is stored; what progress is measured by."""

    def chunks(self) -> Sequence[bytes]:
        """Return a name for each chunk; chunks of the same name are equal in any source."""

    def pieces(self) -> Pieces:
        """Start to read."""


class Stored:
    """A file in the object store."""

    def __init__(self, objects: ObjectStore, oid: ObjectId) -> None:
        self._objects = objects
        self._oids = objects.chunks(oid) or [oid]
        self.size = objects.size(oid)

    def chunks(self) -> Sequence[bytes]:
        """Return the ids of the chunks."""
        return [bytes.fromhex(oid) for oid in self._oids]

    def pieces(self) -> Pieces:
        """Start to read; each chunk is checked against its id."""
        return _StoredPieces(self._objects, iter(self._oids))


class _StoredPieces:
    def __init__(self, objects: ObjectStore, oids: Iterator[ObjectId]) -> None:
        self._objects = objects
        self._oids = oids

    def take(self) -> bytes:
        return self._objects.get(next(self._oids))

    def skip(self) -> None:
        next(self._oids)


class Present:
    """A file in the work tree."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: list[bytes] = []
        self._lengths: list[int] = []
        try:
            self.size = path.stat().st_size
        except OSError as error:
            raise _unreadable(path, error) from error

    def chunks(self) -> Sequence[bytes]:
        """Return the ids that the store would give the chunks."""
        if self.size and not self._names:
            self._cut()
        return self._names

    def _cut(self) -> None:
        try:
            with self._path.open("rb", buffering=0) as file:
                if self.size <= codec.WHOLE_MAX:
                    self._note(file.read())
                    return
                for piece in codec.cut(file):
                    self._note(piece.data)
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def _note(self, data: bytes) -> None:
        self._names.append(blake3(data).digest())
        self._lengths.append(len(data))

    def pieces(self) -> Pieces:
        """Start to read; a chunk that is not what it was stops it."""
        names = self.chunks()
        return _PresentPieces(self._path, iter(zip(names, self._lengths, strict=True)))


class _PresentPieces:
    def __init__(self, path: Path, pieces: Iterator[tuple[bytes, int]]) -> None:
        self._path = path
        self._pieces = pieces
        self._at = 0
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise _unreadable(path, error) from error

    def take(self) -> bytes:
        name, length = next(self._pieces)
        try:
            data = os.pread(self._file.fileno(), length, self._at)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if blake3(data).digest() != name:
            raise StateError(f"'{self._path}' changed while it was read", hint="try again")
        self._at += length
        return data

    def skip(self) -> None:
        self._at += next(self._pieces)[1]

    def __del__(self) -> None:
        if file := getattr(self, "_file", None):
            file.close()


class Translated:
    """A file of another kind, turned into delimited text on the way, each time it is read."""

    def __init__(self, size: int, text: Callable[[], Iterator[bytes]]) -> None:
        self.size = size
        self._text = text
        self._names: list[bytes] | None = None

    def chunks(self) -> Sequence[bytes]:
        """Return names of the chunks of the text."""
        if self._names is None:
            self._names = [
                blake3(piece.data).digest() for piece in codec.cut(_Reader(self._text()))
            ]
        return self._names

    def pieces(self) -> Pieces:
        """Start to read."""
        return _CutPieces(self._text())


class _CutPieces:
    def __init__(self, text: Iterator[bytes]) -> None:
        self._pieces = codec.cut(_Reader(text))

    def take(self) -> bytes:
        return bytes(next(self._pieces).data)

    def skip(self) -> None:
        next(self._pieces)


class _Reader:
    """Bytes of any lengths, as a file."""

    def __init__(self, text: Iterator[bytes]) -> None:
        self._text = text
        self._left = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        while not self._left:
            self._left = memoryview(next(self._text, b""))
            if not self._left:
                return 0
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def raw(source: Source) -> Iterator[bytes]:
    """Yield all bytes of a source, front to back."""
    pieces = source.pieces()
    for _ in source.chunks():
        yield pieces.take()


def recoded(data: Iterator[bytes], encoding: str, *, lone_returns: bool) -> Iterator[bytes]:
    """Yield text of another encoding as UTF-8, and with line feeds for lone carriage returns."""
    decode = codecs.getincrementaldecoder(encoding)(
        "surrogateescape" if encoding == "utf-8" else "replace"
    ).decode
    for piece in data:
        text = decode(piece).encode("utf-8", "surrogateescape")
        if block := text.replace(b"\r", b"\n") if lone_returns else text:
            yield block


def _unreadable(path: Path, error: OSError) -> ExternalError:
    reason = (error.strerror or str(error)).lower()
    return ExternalError(f"cannot read '{path}': {reason}")
