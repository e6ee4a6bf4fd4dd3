"""How bytes are encrypted for a remote; `docs/design/format.md` has every byte.

An object is a header and segments. Each segment is encrypted and authenticated by itself, with
AES-256-GCM and a key that only this object has, so that a range can be read alone. The nonce is the
segment's number and whether it is the last, so segments cannot be moved, dropped or cut off. The
object's key depends on its name and content: what is under one name does not open under another,
and the same bytes under the same name always give the same object, whoever encrypts them.
"""

import struct
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

SEGMENT_BYTES = 64 * 1024
TAG_BYTES = 16
SEALED_BYTES = SEGMENT_BYTES + TAG_BYTES
"""A segment as it is stored; the last may be shorter."""
MAGIC = b"mlo encrypted 1\n"
_CHECK_BYTES = 16
_SALT_BYTES = 32
HEADER_BYTES = len(MAGIC) + _CHECK_BYTES + _SALT_BYTES
KEY_BYTES = 32


class NotSealed(Exception):
    """The bytes are not what was encrypted under this name, or the key is another."""


class Sealer:
    """Encrypts and decrypts what a remote holds, with the one key of that remote."""

    def __init__(self, key: bytes) -> None:
        self._check = _derived(key, "check")[:_CHECK_BYTES]
        self._salting = _derived(key, "salt")
        self._sealing = _derived(key, "object")
        self._naming = _derived(key, "name", 64)

    def salt(self, name: str, pieces: Iterable[bytes]) -> bytes:
        """Return the salt of an object: what no other name or content has."""
        hasher = blake3(_framed(name), key=self._salting)
        for piece in pieces:
            hasher.update(piece)
        return hasher.digest()

    def header(self, salt: bytes) -> bytes:
        """Return what an object begins with."""
        return MAGIC + self._check + salt

    def read_header(self, name: str, header: bytes) -> "Sealed":
        """Return what decrypts the object of that header.

        Raises:
            NotSealed: it is no header.
        """
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise NotSealed
        check = header[len(MAGIC) : -_SALT_BYTES]
        return Sealed(self._cipher(name, header[-_SALT_BYTES:]), is_ours=check == self._check)

    def segments(self, name: str, salt: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the encrypted segments of an object; `pieces` must be what the salt was made of.

        Raises:
            NotSealed: they are not; what was yielded must not be kept.
        """
        cipher = self._cipher(name, salt)
        again = blake3(_framed(name), key=self._salting)
        number, waiting = 0, bytearray()
        for piece in pieces:
            again.update(piece)
            waiting += piece
            whole = max(0, len(waiting) - 1) // SEGMENT_BYTES  # one byte is left for the last
            for at in range(whole):
                plain = bytes(waiting[at * SEGMENT_BYTES : (at + 1) * SEGMENT_BYTES])
                yield cipher.encrypt(_nonce(number, last=False), plain, None)
                number += 1
            del waiting[: whole * SEGMENT_BYTES]
        if again.digest() != salt:
            raise NotSealed
        yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), None)

    def hidden(self, folder: str, name: str) -> str:
        """Return what a name in a folder is called on the remote."""
        return self._names.encrypt(name.encode(), [folder.encode()]).hex()

    def shown(self, folder: str, hidden: str) -> str | None:
        """Return the name that is hidden so; None when it is not one of ours."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._names.decrypt(bytes.fromhex(hidden), [folder.encode()]).decode()
        except (ValueError, InvalidTag):
            return None

    def _cipher(self, name: str, salt: bytes) -> "AESGCM":
        key = blake3(salt + _framed(name), key=self._sealing).digest()
        cipher: AESGCM = _aead().AESGCM(key)
        return cipher

    @cached_property
    def _names(self) -> "AESSIV":
        cipher: AESSIV = _aead().AESSIV(self._naming)
        return cipher


class Sealed:
    """One encrypted object, whose segments are decrypted here."""

    def __init__(self, cipher: "AESGCM", *, is_ours: bool) -> None:
        self._cipher = cipher
        self.is_ours = is_ours
        """Whether the header says that it was made with this key."""

    def open(self, first: int, data: bytes, *, to_end: bool) -> bytes:
        """Return the content of segments from number `first` on.

        With `to_end` the data ends where the object does, so the last segment must say so.

        Raises:
            NotSealed: a segment is not the one that was put there.
        """
        if not data:
            raise NotSealed
        parts = []
        for at in range(0, len(data), SEALED_BYTES):
            segment = data[at : at + SEALED_BYTES]
            ends = to_end and at + SEALED_BYTES >= len(data)
            parts.append(self._open(first + at // SEALED_BYTES, segment, last=ends))
        return b"".join(parts)

    def _open(self, number: int, segment: bytes, *, last: bool) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(_nonce(number, last=last), segment, None)
        except (InvalidTag, ValueError) as error:
            raise NotSealed from error


def plain_size(sealed_bytes: int) -> int:
    """Return how long the content of an object of `sealed_bytes` is.

    >>> plain_size(HEADER_BYTES + TAG_BYTES)
    0

    Raises:
        NotSealed: no object is that long.
    """
    body = sealed_bytes - HEADER_BYTES
    count = -(-body // SEALED_BYTES)
    plain = body - count * TAG_BYTES
    if count < 1 or plain < 0 or -(-max(plain, 1) // SEGMENT_BYTES) != count:
        raise NotSealed
    return plain


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _framed(name: str) -> bytes:
    data = name.encode()
    return struct.pack("<I", len(data)) + data


def _derived(key: bytes, purpose: str, size: int = 32) -> bytes:
    return blake3(key, derive_key_context=f"mlo 2026 encrypted remote {purpose}").digest(size)


def _aead() -> Any:
    """Return the library's ciphers."""
    try:
        from cryptography.hazmat.primitives.ciphers import aead
    except ImportError as error:
        raise RequestError(
            "an encrypted remote needs the library cryptography",
            hint="pip install 'mlo[encryption]'",
        ) from error
    return aead
