"""Which of several processes stores an object that they all have found."""

import mmap

_TAG_BYTES = 16
_FREE = bytes(_TAG_BYTES)
_ROOM = 2
"""Slots for each object that may come, so that a free one is near."""


class Claims:
    """A table in memory that forked processes share; each object is given to whoever asks first.

    Two that ask in the same instant may both get it: then it is stored twice, and nothing is lost.
    """

    def __init__(self, most: int) -> None:
        """Make room for `most` objects."""
        slots = 1 << max(1, (_ROOM * most).bit_length())
        self._mask = slots - 1
        self._table = mmap.mmap(-1, slots * _TAG_BYTES)

    def take(self, key: bytes) -> bool:
        """Return whether the object with this 32-byte id is the caller's to store."""
        slot = int.from_bytes(key[:8], "little") & self._mask
        tag = key[8 : 8 + _TAG_BYTES]
        while True:
            start = slot * _TAG_BYTES
            held = self._table[start : start + _TAG_BYTES]
            if held == tag:
                return False
            if held == _FREE:
                self._table[start : start + _TAG_BYTES] = tag
                return True
            slot = (slot + 1) & self._mask
