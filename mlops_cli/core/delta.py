"""Deltas: a chunk of an edited file told against the chunk that it was before.

Content-defined chunks keep what lies between two edits. Where edits are scattered, nearly every
chunk holds one, and each would be stored anew. So a chunk that is not in the store is compressed
with its forerunner as the dictionary, and costs about what was changed. Deltas are one deep: a
base is never a delta itself, so reading a chunk never takes more than two.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from mlops_cli.core.packs import ID_BYTES
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    import zstandard

Base = tuple[bytes, bytes]
"""The 32-byte id of a chunk that deltas may be told against, and its content."""

_LEVEL = 1
_WINDOW_LOG = 19
"""A window of 512 KiB: a chunk and its base are 256 KiB at most, and each must see all of both."""

_HASH_LOG = 16
_WORTH = 4
"""A delta is kept when it is at most a fourth of the content: it costs a second read, for ever."""

_MISSES = 4
_RETRY = 16
"""After some misses in a row only every 16th chunk is tried: the file has become another."""


def encode(content: bytes, base: Base) -> bytes | None:
    """Return the payload that tells `content` against `base`; None when it would not pay."""
    import zstandard

    key, forerunner = base
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL, window_log=_WINDOW_LOG, hash_log=_HASH_LOG, write_content_size=1
    )
    compressor = zstandard.ZstdCompressor(
        dict_data=_dictionary(forerunner), compression_params=parameters
    )
    payload = key + compressor.compress(content)
    return payload if len(payload) * _WORTH <= len(content) else None


def base_of(payload: bytes) -> bytes:
    """Return the 32-byte id of the base of a delta.

    Raises:
        IntegrityError: the payload is cut short.
    """
    if len(payload) <= ID_BYTES:
        raise IntegrityError("a delta is cut short")
    return payload[:ID_BYTES]


def decode(payload: bytes, forerunner: bytes, length: int) -> bytes:
    """Return the content, of `length` bytes, that a payload tells against its base's content.

    Raises:
        IntegrityError: it gives anything else.
    """
    import zstandard

    frame = payload[ID_BYTES:]
    try:
        if zstandard.frame_content_size(frame) != length:
            raise IntegrityError("a stored object does not have the length its index states")
        decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(forerunner))
        return decompressor.decompress(frame, max_output_size=length)
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a stored delta does not decompress: {error}") from error


def _dictionary(content: bytes) -> "zstandard.ZstdCompressionDict":
    import zstandard

    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


class Earlier:
    """An earlier version of a file, in step with the later one that is being cut.

    Chunks that both have keep the two in step; between those, a chunk's forerunner is the old
    chunk that covers most of the same place.
    """

    def __init__(
        self, pieces: Sequence[tuple[bytes, int]], base: Callable[[bytes], Base | None]
    ) -> None:
        """`pieces` are the earlier version's chunks; `base` gives what stands for one of them."""
        self._keys = [key for key, _ in pieces]
        self._starts = list(accumulate((length for _, length in pieces), initial=0))
        self._places = {key: at for at, key in enumerate(self._keys)}
        self._base = base
        self._shift = 0
        self._misses = 0

    def pass_over(self, key: bytes, start: int) -> None:
        """Note that a chunk that begins at byte `start` of the later version is stored already."""
        expected = self._at(start)
        if expected is not None and self._keys[expected] == key:
            at: int | None = expected
        else:
            at = self._places.get(key)
        if at is not None:
            self._shift = self._starts[at] - start
            self._misses = 0

    def tell(self, content: bytes, start: int) -> bytes | None:
        """Return the delta of a chunk that begins at byte `start`, or None where none pays."""
        at = self._at(start + len(content) // 2)
        if at is None or (self._misses >= _MISSES and self._misses % _RETRY):
            self._misses += 1
            return None
        base = self._base(self._keys[at])
        payload = encode(content, base) if base is not None else None
        if payload is None:
            self._misses += 1
            return None
        self._misses = 0
        self._shift = self._starts[at + 1] - (start + len(content))
        return payload

    def _at(self, place: int) -> int | None:
        """Return which old chunk covers a byte of the later version."""
        at = bisect_right(self._starts, place + self._shift) - 1
        return at if 0 <= at < len(self._keys) else None
