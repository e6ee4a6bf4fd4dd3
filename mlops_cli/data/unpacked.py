"""Files as they are without their compression, which the last ending of a name tells."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Mapping
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import IO, Any

START_BYTES = 64 * 1024
"""So much of the beginning of a file is enough to say what may be wrong with it."""
_ZSTD_BYTES = 4 * 1024
"""So little is unpacked at once, as it may become thirty thousand times as much."""
DAMAGED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
"""What reading a file that `opened` returned may raise."""


def opened(source: Path | bytes, name: str) -> IO[bytes]:
    """Return what a file, or bytes, called `name` holds, unpacked if that says so."""
    opener = _OPENERS.get(Path(name.lower()).suffix)
    if opener is None:
        return BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    found: IO[bytes] = opener(BytesIO(source) if isinstance(source, bytes) else source)
    return found


def start(source: Path | bytes, name: str) -> bytes:
    """Return how a file begins, as far as it can be had."""
    try:
        with opened(source, name) as file:
            return file.read(START_BYTES)
    except DAMAGED:
        return b""


def _zstd(source: Path | BytesIO) -> IO[bytes]:
    return BufferedReader(_Zstd(source.open("rb") if isinstance(source, Path) else source))


class _Zstd(RawIOBase):
    """The bytes in frames of Zstandard, of which the library itself would not miss the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ready = memoryview(b"")
        self._frame: Any = None
        """The frame that has begun; None between two."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = self._file.read(_ZSTD_BYTES)
            if not packed:
                if self._frame is not None:
                    raise EOFError("it ends before its compressed data does")
                return 0
            self._ready = memoryview(self._unpack(packed))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self, packed: bytes) -> bytes:
        import zstandard

        found = b""
        while packed:
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                found += self._frame.decompress(packed)
            except zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
            packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = None
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


_OPENERS: Mapping[str, Callable[[Any], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _zstd,
}
