"""Content to payload and back: zstd where it pays, chunks where content is large."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from mlops_cli.core import delta
from mlops_cli.core.packs import ID_BYTES, Codec, Entry
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    import zstandard

WHOLE_MAX = 64 * 1024
"""Content up to this many bytes is stored whole; larger content is cut into chunks."""

CHUNK_MEAN, CHUNK_MIN, CHUNK_MAX = 64 * 1024, 16 * 1024, 256 * 1024
"""FastCDC's sizes in bytes, with normalization level 1 and seed 0: part of the format."""

ZSTD_LEVEL = 1
_TINY = 64
_SAMPLE = 4096
_PIECE_BYTES = ID_BYTES + 4


class Readable(Protocol):
    """What content is read from: `readinto` fills a buffer and returns how much, 0 at the end."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer."""


class _PerThread(threading.local):
    """zstd's contexts may not be shared by threads."""

    compressor: "zstandard.ZstdCompressor | None" = None
    decompressor: "zstandard.ZstdDecompressor | None" = None


_contexts = _PerThread()


def compress(content: bytes | memoryview) -> tuple[Codec, bytes | memoryview]:
    """Return how to store `content`, and the payload.

    A frame is kept when it saves a sixteenth.
    """
    if not is_promising(content):
        return Codec.RAW, content
    frame = _compressor().compress(content)
    if len(frame) > len(content) - len(content) // 16:
        return Codec.RAW, content
    return Codec.ZSTD, frame


def is_promising(content: bytes | memoryview) -> bool:
    """Return whether it may pay to compress `content`.

    Of larger content a sample is tried, so that what does not compress (images, archives) costs
    little.
    """
    if len(content) <= _TINY:
        return False
    if len(content) < 4 * _SAMPLE:
        return True
    middle = len(content) // 2
    return len(_compressor().compress(content[middle : middle + _SAMPLE])) <= _SAMPLE * 31 // 32


def _compressor() -> "zstandard.ZstdCompressor":
    compressor = _contexts.compressor
    if compressor is None:
        import zstandard

        compressor = _contexts.compressor = zstandard.ZstdCompressor(
            level=ZSTD_LEVEL, write_content_size=True, write_checksum=False
        )
    return compressor


def decompress(payload: bytes, entry: Entry, base: Callable[[bytes], bytes]) -> bytes:
    """Return the content of an object that is not a list.

    `base` returns the content that has a 32-byte id, of an object stored raw or zstd; it is
    asked when this one is a delta.

    Raises:
        IntegrityError: it is longer than a chunk may be, or the payload does not give
            exactly the length that the index states.
    """
    if entry.length > CHUNK_MAX:
        raise IntegrityError(f"a stored object claims {entry.length} bytes, too many for one")
    if entry.codec is Codec.RAW:
        content = payload
    elif entry.codec is Codec.DELTA:
        content = delta.decode(payload, base(delta.base_of(payload)), entry.length)
    else:
        content = _unframe(payload, entry.length)
    if len(content) != entry.length:
        raise IntegrityError("a stored object does not have the length its index states")
    return content


def _unframe(payload: bytes, length: int) -> bytes:
    import zstandard

    decompressor = _contexts.decompressor
    if decompressor is None:
        decompressor = _contexts.decompressor = zstandard.ZstdDecompressor()
    try:
        if zstandard.frame_content_size(payload) != length:
            raise IntegrityError("a stored object does not have the length its index states")
        return decompressor.decompress(payload, max_output_size=length)
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a stored object does not decompress: {error}") from error


def cut(source: Readable) -> Iterator[Any]:
    """Yield chunks of `source` in order, each with `.data` that is valid until the next.

    Source:
        W. Xia et al., The Design of Fast Content-Defined Chunking for Data Deduplication
        Based Storage Systems, IEEE TPDS 31 (2020) 2017-2031.
    """
    from pyfastcdc import FastCDC

    cutter = FastCDC(
        CHUNK_MEAN, min_size=CHUNK_MIN, max_size=CHUNK_MAX, normalized_chunking=1, seed=0
    )
    return iter(cutter.cut_stream(source))


def encode_list(pieces: list[tuple[bytes, int]]) -> bytes:
    """Return the payload that lists chunks, each a 32-byte id and a length in bytes."""
    return b"".join([key + length.to_bytes(4, "little") for key, length in pieces])


def decode_list(payload: bytes, length: int) -> list[tuple[bytes, int]]:
    """Return the chunks that a list names.

    Raises:
        IntegrityError: the list is cut short, or its chunks do not add up to `length` bytes.
    """
    if len(payload) % _PIECE_BYTES:
        raise IntegrityError("a chunk list has the wrong length")
    pieces = [
        (
            payload[i : i + ID_BYTES],
            int.from_bytes(payload[i + ID_BYTES : i + _PIECE_BYTES], "little"),
        )
        for i in range(0, len(payload), _PIECE_BYTES)
    ]
    if sum(size for _, size in pieces) != length or not all(size for _, size in pieces):
        raise IntegrityError("the chunks of an object do not add up to its length")
    return pieces
