"""A remote of any kind that holds nothing but encrypted bytes."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_cli.core.files import outside
from mlops_cli.errors import IntegrityError, RequestError, StateError
from mlops_cli.remotes.sealing import (
    HEADER_BYTES,
    SEALED_BYTES,
    SEGMENT_BYTES,
    NotSealed,
    Sealed,
    Sealer,
    plain_size,
)
from mlops_cli.remotes.transport import MissingKey, Transport

_PIECE_BYTES = 4 * 1024 * 1024
_OF_A_PLAIN_STORE = (b"mlo remote ", b"mlo store ")
"""What files of an mlo that encrypts nothing begin with."""


class Encrypted:
    """Encrypts what goes into another transport, and decrypts what comes out; see `sealing`.

    The folder of a key stays as it is, as does a name that is in none; names in folders are
    encrypted too. `aside` is a folder for files on their way; it must exist.

    Methods raise IntegrityError where bytes are not those that were put there under that key, and
    StateError or RequestError where the remote is not encrypted, or with another key.
    """

    def __init__(self, inner: Transport, key: bytes, *, aside: Path) -> None:
        self.url = inner.url
        self._inner = inner
        self._sealer = Sealer(key)
        self._aside = aside
        self._opened: dict[str, Sealed] = {}

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of an object; see `Transport`."""
        with self._told(key) as hidden:
            if start == 0 and length is None:
                raw = self._inner.read(hidden)
                return self._open(key, raw[:HEADER_BYTES], raw[HEADER_BYTES:])
            if length is None:
                length = max(0, self._size(key) - start)
            if not length:
                self._inner.size(hidden)  # there must be something
                return b""
            return self._range(key, start, length)

    def size(self, key: str) -> int:
        """Return the size of the content of an object; see `Transport`."""
        with self._told(key):
            return self._size(key)

    def write_new(self, key: str, source: Path | bytes) -> None:
        """Encrypt aside, then write that; see `Transport`."""
        with self._told(key) as hidden:
            if isinstance(source, bytes):
                self._inner.write_new(hidden, self._seal(key, source))
                return
            beside = self._aside / f"sealed-{os.getpid()}-{os.urandom(6).hex()}"
            try:
                self._seal_file(key, source, beside)
                self._inner.write_new(hidden, beside)
            finally:
                beside.unlink(missing_ok=True)

    def list(self, prefix: str) -> list[str]:
        """Return the keys of a folder that are ours; see `Transport`."""
        folder = prefix.rstrip("/")
        names = (one.rpartition("/")[2] for one in self._inner.list(prefix))
        shown = (self._sealer.shown(folder, name) for name in names)
        return sorted(prefix + name for name in shown if name is not None)

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        """Swap what `old` gives when it is encrypted, which is always the same."""
        sealed = None if old is None else self._seal(key, old)
        self._inner.compare_and_swap(self._hidden(key), sealed, self._seal(key, new))

    def _hidden(self, key: str) -> str:
        folder, slash, name = key.rpartition("/")
        return f"{folder}/{self._sealer.hidden(folder, name)}" if slash else key

    def _seal(self, key: str, content: bytes) -> bytes:
        salt = self._sealer.salt(key, [content])
        segments = self._sealer.segments(key, salt, [content])
        return self._sealer.header(salt) + b"".join(segments)

    def _seal_file(self, key: str, source: Path, beside: Path) -> None:
        salt = self._sealer.salt(key, _pieces(source))
        try:
            with beside.open("xb") as file:
                file.write(self._sealer.header(salt))
                for segment in self._sealer.segments(key, salt, _pieces(source)):
                    file.write(segment)
        except OSError as error:
            raise outside(error, beside) from error

    def _size(self, key: str) -> int:
        return plain_size(self._inner.size(self._hidden(key)))

    def _open(self, key: str, header: bytes, body: bytes) -> bytes:
        """Return the content of a whole object."""
        sealed = self._sealed(key, header)
        return self._checked(key, sealed, lambda: sealed.open(0, body, to_end=True))

    def _range(self, key: str, start: int, length: int) -> bytes:
        hidden = self._hidden(key)
        sealed = self._opened.get(key)
        if sealed is None:
            sealed = self._sealed(key, self._inner.read(hidden, 0, HEADER_BYTES))
        first, last = start // SEGMENT_BYTES, (start + length - 1) // SEGMENT_BYTES
        asked = (last + 1 - first) * SEALED_BYTES
        raw = self._inner.read(hidden, HEADER_BYTES + first * SEALED_BYTES, asked)
        opened = self._checked(key, sealed, lambda: self._segments(key, sealed, first, raw, asked))
        if "/" in key:  # what is in a folder never changes
            self._opened[key] = sealed
        return opened[start - first * SEGMENT_BYTES :][:length]

    def _segments(self, key: str, sealed: Sealed, first: int, raw: bytes, asked: int) -> bytes:
        if not raw:
            return self._past_end(key, sealed)
        if len(raw) < asked:
            return sealed.open(first, raw, to_end=True)
        try:
            return sealed.open(first, raw, to_end=False)
        except NotSealed:  # the range may end where the object does
            return sealed.open(first, raw, to_end=True)

    def _past_end(self, key: str, sealed: Sealed) -> bytes:
        """Return nothing, once it is sure that the object ends where it says."""
        last = max(0, self._size(key) - 1) // SEGMENT_BYTES
        raw = self._inner.read(
            self._hidden(key), HEADER_BYTES + last * SEALED_BYTES, SEALED_BYTES + 1
        )
        sealed.open(last, raw, to_end=True)
        return b""

    def _checked(self, key: str, sealed: Sealed, content: Callable[[], bytes]) -> bytes:
        """Return content, or tell a wrong key from bytes that were changed."""
        try:
            found = content()
        except NotSealed:
            self._opened.pop(key, None)
            if sealed.is_ours:
                raise
            raise self._wrong_key() from None
        if not sealed.is_ours:
            raise NotSealed  # the header's note of the key is damaged, and nothing else
        return found

    def _sealed(self, key: str, header: bytes) -> Sealed:
        if "/" not in key and header.startswith(_OF_A_PLAIN_STORE):
            raise StateError(
                f"the remote '{self.url}' is not encrypted, but the settings give it a key",
                hint="name an empty place, or take `encryption` out of its settings",
            )
        return self._sealer.read_header(key, header)

    def _wrong_key(self) -> RequestError:
        return RequestError(
            f"the key is not the one that the remote '{self.url}' is encrypted with",
            hint="get the key from who set the remote up; see its `encryption` in .mlops.yaml",
        )

    @contextmanager
    def _told(self, key: str) -> Iterator[str]:
        """Give the key's name on the remote; tell what is wrong by the name it has here."""
        try:
            yield self._hidden(key)
        except MissingKey as error:
            raise MissingKey(f"'{key}' is not on the remote '{self.url}'") from error
        except NotSealed as error:
            raise IntegrityError(
                f"'{key}' on the remote '{self.url}' is not what was encrypted there: "
                "it was changed, cut short or put in another's place",
                hint="put it back from a copy, or push from a whole clone to a new remote",
            ) from error


def _pieces(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
