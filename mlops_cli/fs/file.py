"""A version of a file, opened for reading."""

import io
import os
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.fs.view import Node, View

_BUFFER_BYTES = 64 * 1024
_FIRST_AHEAD_BYTES = 256 * 1024
_AHEAD_BYTES = 4 * 1024 * 1024
"""How far a remote is read ahead of whoever reads on and on."""


class VersionFile(io.BufferedReader):
    """Reads a version in place: any range of it, checked chunk by chunk.

    Read from its first byte to its last, it is also checked as a whole. It can be pickled, with
    the view it was opened from.
    """

    def __init__(self, view: "View", node: "Node") -> None:
        super().__init__(_Bytes(view, node), _BUFFER_BYTES)
        self.view = view
        self.path = node.name
        self.size = node.size

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return _reopen, (self.view, self.path, self.tell())


def _reopen(view: "View", path: str, at: int) -> VersionFile:
    file = view.open(path)
    file.seek(at)
    return file


class _Bytes(io.RawIOBase):
    """The bytes of a file, unbuffered."""

    def __init__(self, view: "View", node: "Node") -> None:
        assert node.oid is not None
        self.name = node.name
        self._view = view
        self._oid = node.oid
        self._size = node.size
        self._at = 0
        self._last_end = 0
        self._ahead = 0
        self._hasher = blake3(max_threads=1)
        self._hashed = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Set where the next byte is read; see `io.IOBase.seek`."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"cannot seek to byte {start + offset}")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer as far as the file goes; see `io.RawIOBase.readinto`."""
        target = memoryview(buffer).cast("B")
        start, done = self._at, 0
        self._note(start)
        for piece in self._view.pieces(self._oid, start, start + len(target), self._ahead):
            target[done : done + len(piece)] = piece
            done += len(piece)
        self._at = self._last_end = start + done
        self._prove(target[:done], start)
        return done

    def readall(self) -> bytes:
        """Return the rest of the file."""
        content = bytearray(max(self._size - self._at, 0))
        self.readinto(content)
        return bytes(content)

    def _note(self, start: int) -> None:
        """Read further ahead the longer reading goes straight on."""
        on = start == self._last_end and start > 0
        self._ahead = min(max(2 * self._ahead, _FIRST_AHEAD_BYTES), _AHEAD_BYTES) if on else 0

    def _prove(self, data: memoryview, start: int) -> None:
        """Hash what goes on from where hashing is; at the end it must give the file's id."""
        end = start + len(data)
        if start <= self._hashed < end:
            self._hasher.update(data[self._hashed - start :])
            self._hashed = end
            if end == self._size and self._hasher.hexdigest() != self._oid:
                raise IntegrityError(
                    f"'{self.name}' is damaged: its bytes hash to {self._hasher.hexdigest()}",
                    hint="mlo fsck",
                )
