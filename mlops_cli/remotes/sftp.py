"""SFTP version 3 over a pair of pipes: what a remote needs of it, with many requests under way.

Source: draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the extensions `...@openssh.com`.
"""

import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from mlops_cli.core.records import dataclass
from mlops_cli.errors import ExternalError

NO_SUCH_FILE = 2
PERMISSION_DENIED = 3
FAILURE = 4

READ = 0x01
CREATE_NEW = 0x02 | 0x08 | 0x20
"""Write, create, and fail when it is there already."""

_EOF = 1
_INIT, _VERSION = 1, 2
_OPEN, _CLOSE, _READ, _WRITE = 3, 4, 5, 6
_FSETSTAT, _OPENDIR, _READDIR, _REMOVE, _MKDIR = 10, 11, 12, 13, 14
_STAT, _RENAME = 17, 18
_STATUS, _HANDLE, _DATA, _NAME, _ATTRS = 101, 102, 103, 104, 105
_EXTENDED, _EXTENDED_REPLY = 200, 201
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 1, 2, 4, 8, 0x80000000

_BLOCK_BYTES = 32 * 1024
"""What every server takes in one request."""
_LARGEST_BLOCK_BYTES = 255 * 1024
_UNDER_WAY = 64
_LONGEST_PACKET = 1024 * 1024


class Pipe(Protocol):
    """A stream of bytes to a server and back; raises ExternalError when it is lost."""

    def send(self, data: bytes) -> None:
        """Send all of `data`."""

    def receive(self, size: int) -> bytes:
        """Return exactly `size` bytes."""


class SftpError(Exception):
    """The server said no; `code` is one of the statuses above, or another."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a server tells of a file; `mode` and `changed_s` are 0 when it does not."""

    size: int = 0
    mode: int = 0
    changed_s: int = 0


class Sftp:
    """A session with a server. One thread at a time; paths are the server's.

    Methods raise SftpError when the server refuses, and ExternalError when the pipe is lost or
    what comes is not SFTP.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._last = 0
        self._answers: dict[int, tuple[int, _Body]] = {}
        self._unwanted: set[int] = set()
        self._extensions = self._begin()
        self._read_bytes, self._write_bytes = self._limits()

    def can(self, extension: str) -> bool:
        """Return whether the server offers OpenSSH's `extension`."""
        return f"{extension}@openssh.com" in self._extensions

    def open(self, path: str, flags: int) -> bytes:
        """Return a handle for a file."""
        return self._call(_OPEN, _text(path) + struct.pack(">II", flags, 0), _HANDLE).text()

    def close(self, handle: bytes) -> None:
        """Close a handle; what was written is with the server then."""
        self._call(_CLOSE, _text(handle))

    def drop(self, handle: bytes) -> None:
        """Close a handle without waiting for an answer."""
        self._unwanted.add(self._ask(_CLOSE, _text(handle)))

    def read(self, handle: bytes, start: int, length: int | None) -> bytes:
        """Return `length` bytes from `start`, fewer at the end of the file; all when None."""
        end = None if length is None else start + length
        parts: list[bytes] = []
        waiting: deque[tuple[int, int, int]] = deque()
        at, window = start, 4
        while True:
            while len(waiting) < window and (end is None or at < end):
                asked = self._read_bytes if end is None else min(self._read_bytes, end - at)
                waiting.append((self._ask_read(handle, at, asked), at, asked))
                at += asked
            if not waiting:
                return b"".join(parts)
            number, offset, asked = waiting.popleft()
            data = self._data(number)
            if data is None:
                self._abandon(number for number, _, _ in waiting)
                return b"".join(parts)
            if len(data) > asked:
                raise _strange()
            parts.append(data)
            if len(data) < asked:
                offset, asked = offset + len(data), asked - len(data)
                waiting.appendleft((self._ask_read(handle, offset, asked), offset, asked))
            window = min(_UNDER_WAY, window * 2)

    def write(self, handle: bytes, data: Iterable[bytes]) -> None:
        """Write pieces of any length one after the other, from the beginning of the file."""
        waiting: deque[int] = deque()
        offset = 0
        try:
            for piece in data:
                for block in _blocks(piece, self._write_bytes):
                    request = _text(handle) + struct.pack(">Q", offset) + _text(block)
                    waiting.append(self._ask(_WRITE, request))
                    offset += len(block)
                    if len(waiting) >= _UNDER_WAY:
                        self._answer(waiting.popleft(), _STATUS)
            while waiting:
                self._answer(waiting.popleft(), _STATUS)
        finally:
            self._abandon(waiting)

    def stat(self, path: str) -> Attributes:
        """Return what there is at a path."""
        return self._call(_STAT, _text(path), _ATTRS).attributes()

    def list(self, path: str) -> Iterator[tuple[str, Attributes]]:
        """Yield the names in a folder, but `.` and `..`."""
        handle = self._call(_OPENDIR, _text(path), _HANDLE).text()
        try:
            while True:
                try:
                    body = self._call(_READDIR, _text(handle), _NAME)
                except SftpError as error:
                    if error.code == _EOF:
                        return
                    raise
                for _ in range(body.number()):
                    name = os.fsdecode(body.text())
                    body.text()  # the line that `ls -l` would print
                    found = body.attributes()
                    if name not in (".", ".."):
                        yield name, found
        finally:
            self.drop(handle)

    def make_folder(self, path: str) -> None:
        """Make a folder; fails when it is there."""
        self._call(_MKDIR, _text(path) + struct.pack(">I", 0))

    def set_mode(self, handle: bytes, mode: int) -> None:
        """Set the permissions of an open file."""
        self._call(_FSETSTAT, _text(handle) + struct.pack(">II", _HAS_MODE, mode))

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._call(_REMOVE, _text(path))

    def rename(self, old: str, new: str) -> None:
        """Rename a file; fails when there is something at `new`."""
        self._call(_RENAME, _text(old) + _text(new))

    def replace(self, old: str, new: str) -> None:
        """Rename a file over what is at `new`, atomically."""
        self._call_extension("posix-rename", _text(old) + _text(new))

    def sync(self, handle: bytes) -> None:
        """Have the server make a file durable, where it can."""
        if self.can("fsync"):
            self._call_extension("fsync", _text(handle))

    def free_bytes(self, path: str) -> int | None:
        """Return how much room there is on a path's disk, None when the server does not tell."""
        if not self.can("statvfs"):
            return None
        body = self._call_extension("statvfs", _text(path), _EXTENDED_REPLY)
        _, fragment_bytes, _, _, free = (body.long() for _ in range(5))
        return fragment_bytes * free

    def _begin(self) -> frozenset[str]:
        self._pipe.send(struct.pack(">IBI", 5, _INIT, 3))
        kind, body = self._packet()
        if kind != _VERSION or body.number() < 3:
            raise _strange()
        offered = set()
        while body.more():
            offered.add(body.text().decode("ascii", "replace"))
            body.text()
        return frozenset(offered)

    def _limits(self) -> tuple[int, int]:
        """Return how many bytes one request may read and write."""
        if not self.can("limits"):
            return _BLOCK_BYTES, _BLOCK_BYTES
        body = self._call_extension("limits", b"", _EXTENDED_REPLY)
        _, reading, writing = body.long(), body.long(), body.long()
        return (
            min(reading or _BLOCK_BYTES, _LARGEST_BLOCK_BYTES),
            min(writing or _BLOCK_BYTES, _LARGEST_BLOCK_BYTES),
        )

    def _ask_read(self, handle: bytes, start: int, size: int) -> int:
        return self._ask(_READ, _text(handle) + struct.pack(">QI", start, size))

    def _data(self, number: int) -> bytes | None:
        try:
            data = self._answer(number, _DATA).text()
        except SftpError as error:
            if error.code == _EOF:
                return None
            raise
        return data or None

    def _call(self, kind: int, content: bytes, expected: int = _STATUS) -> "_Body":
        return self._answer(self._ask(kind, content), expected)

    def _call_extension(self, name: str, content: bytes, expected: int = _STATUS) -> "_Body":
        return self._call(_EXTENDED, _text(f"{name}@openssh.com") + content, expected)

    def _ask(self, kind: int, content: bytes) -> int:
        self._last = (self._last + 1) & 0xFFFFFFFF
        self._pipe.send(struct.pack(">IBI", 5 + len(content), kind, self._last) + content)
        return self._last

    def _answer(self, number: int, expected: int) -> "_Body":
        while number not in self._answers:
            kind, body = self._packet()
            answered = body.number()
            if answered in self._unwanted:
                self._unwanted.remove(answered)
            elif len(self._answers) < 2 * _UNDER_WAY:
                self._answers[answered] = kind, body
            else:
                raise _strange()
        kind, body = self._answers.pop(number)
        if kind == _STATUS:
            code = body.number()
            if code or expected != _STATUS:
                said = body.text().decode("utf-8", "replace") if body.more() else ""
                raise SftpError(code, said)
        elif kind != expected:
            raise _strange()
        return body

    def _abandon(self, numbers: Iterable[int]) -> None:
        """Drop the answers to requests, whether they have come or not."""
        for number in numbers:
            if self._answers.pop(number, None) is None:
                self._unwanted.add(number)

    def _packet(self) -> tuple[int, "_Body"]:
        (length,) = struct.unpack(">I", self._pipe.receive(4))
        if not 1 <= length <= _LONGEST_PACKET:
            raise _strange()
        data = self._pipe.receive(length)
        return data[0], _Body(data)


class _Body:
    """The content of a packet, read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 1

    def more(self) -> bool:
        return self._at < len(self._data)

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def text(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> Attributes:
        flags = self.number()
        size = self.long() if flags & _HAS_SIZE else 0
        if flags & _HAS_OWNER:
            self._take(8)
        mode = self.number() if flags & _HAS_MODE else 0
        changed_s = (self.number(), self.number())[1] if flags & _HAS_TIMES else 0
        for _ in range(self.number() if flags & _HAS_MORE else 0):
            self.text()
            self.text()
        return Attributes(size, mode, changed_s)

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _strange()
        taken = self._data[self._at : end]
        self._at = end
        return taken


def _blocks(piece: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(piece), size):
        yield piece[start : start + size]


def _text(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else os.fsencode(text)
    return struct.pack(">I", len(data)) + data


def _strange() -> ExternalError:
    return ExternalError(
        "the server sent something that is not SFTP",
        hint="see whether a start-up file of the shell there prints something",
    )
