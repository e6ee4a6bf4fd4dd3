"""Parts of files that two files can share, on file systems that know how (XFS, btrfs).

There a large file that does not compress takes its space once: the pack that stores it and the
work tree share its blocks, until one of them is changed. Elsewhere bytes are copied.
"""

import errno
import os
from pathlib import Path

BLOCK = 4096
"""What is shared begins and ends at multiples of a file system's block, of this size at most."""

_FICLONE = 0x40049409
_FICLONERANGE = 0x4020940D
_COPY_BYTES = 1024 * 1024


class Source:
    """An open file, closed when nobody needs any part of it any more."""

    __slots__ = ("handle",)

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def __del__(self) -> None:
        os.close(self.handle)


class Extent:
    """A part of an open file, to become a part of another."""

    __slots__ = ("length", "source", "start")

    def __init__(self, source: Source, start: int, length: int) -> None:
        self.source = source
        self.start = start
        self.length = length

    def __len__(self) -> int:
        return self.length

    def goes_on(self, other: "Extent") -> bool:
        """Return whether `other` begins where this one ends."""
        return other.source is self.source and other.start == self.start + self.length

    def write(self, handle: int, place: int) -> None:
        """Make the bytes at `place` of another file these, sharing what can be shared."""
        shared = share(self.source.handle, self.start, self.length, handle, place)
        for start, end in shared.rest(self.length):
            _copy(self.source.handle, self.start + start, end - start, handle, place + start)


class Shared:
    """Which bytes of an extent are shared now: from `start` to `end`, counted from its begin."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def rest(self, length: int) -> list[tuple[int, int]]:
        """Return the ranges before and behind, which are still to be copied."""
        return [(a, b) for a, b in ((0, self.start), (self.end, length)) if a < b]


def freeze(handle: int, tmp: Path) -> Source | None:
    """Return a copy of an open file that shares all its blocks; None where there is no such thing.

    What is read from it stays, whatever happens to the file.
    """
    import fcntl

    path = tmp / f"frozen-{os.getpid()}-{os.urandom(6).hex()}"
    try:
        copy = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    source = Source(copy)
    try:
        fcntl.ioctl(copy, _FICLONE, handle)
    except OSError:
        return None
    finally:
        path.unlink(missing_ok=True)
    return source


def share(source: int, start: int, length: int, target: int, place: int) -> Shared:
    """Have `target` share the whole blocks of a part of `source`; none where that cannot be."""
    import fcntl
    import struct

    lead = -start % BLOCK
    whole = (length - lead) // BLOCK * BLOCK
    if (start - place) % BLOCK or whole <= 0:
        return Shared(0, 0)
    request = struct.pack("qQQQ", source, start + lead, whole, place + lead)
    try:
        fcntl.ioctl(target, _FICLONERANGE, request)
    except OSError:
        return Shared(0, 0)
    return Shared(lead, lead + whole)


def _copy(source: int, start: int, length: int, target: int, place: int) -> None:
    end = start + length
    while start < end:
        data = os.pread(source, min(_COPY_BYTES, end - start), start)
        if not data:
            raise OSError(errno.EIO, "a file ended early")
        write_at(target, data, place)
        start += len(data)
        place += len(data)


def write_at(handle: int, data: bytes | memoryview, place: int) -> None:
    """Write all of `data` at a place of a file."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(handle, rest, place)
        rest, place = rest[written:], place + written
