"""Bytes to id: an object is named by the BLAKE3-256 of its bytes, in hex."""

import os
import re
from typing import NewType

from blake3 import blake3

ObjectId = NewType("ObjectId", str)

HEX_DIGITS = 64
_ID_IN_TEXT = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_LOWER_HEX = frozenset("0123456789abcdef")


_forked = False


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def hash_threads() -> int:
    """Return how many threads BLAKE3 may use for large content, for its `max_threads`.

    One in a forked process: the pool of threads that its parent used is not there, and BLAKE3
    would wait for it for ever.
    """
    return 1 if _forked else blake3.AUTO


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


def ids_in(data: bytes) -> set[bytes]:
    """Return all ids in a text, such as a record or a pointer, 32 bytes each.

    >>> [key.hex()[:4] for key in ids_in(b"id: " + b"ab" * 32 + b", not: " + b"ab" * 40)]
    ['abab']
    """
    return {bytes.fromhex(found.decode()) for found in _ID_IN_TEXT.findall(data)}


def short(oid: ObjectId) -> str:
    """Return the first ten digits, enough for people to tell objects apart."""
    return oid[:10]
