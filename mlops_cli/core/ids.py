"""Bytes to id: an object is named by the BLAKE3-256 of its bytes, in hex."""

from typing import NewType

from blake3 import blake3

ObjectId = NewType("ObjectId", str)

HEX_DIGITS = 64
_LOWER_HEX = frozenset("0123456789abcdef")


def object_id(data: bytes | bytearray | memoryview) -> ObjectId:
    """Return the id of `data`; equals what `b3sum` prints for a file with these bytes.

    Source:
        J. O'Connor, J.-P. Aumasson, S. Neves, Z. Wilcox-O'Hearn, BLAKE3, 2020.

    >>> object_id(b"")[:16]
    'af1349b9f5f9a1a6'
    """
    return ObjectId(blake3(data).hexdigest())


def is_id(text: str) -> bool:
    """Return whether `text` is a full id: 64 lower-case hex digits."""
    return len(text) == HEX_DIGITS and _LOWER_HEX.issuperset(text)


def short(oid: ObjectId) -> str:
    """Return the first ten digits, enough for people to tell objects apart."""
    return oid[:10]
