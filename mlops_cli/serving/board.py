"""Counters that several processes share: memory made before they are forked.

Every process adds in a part of its own, so none waits for another; a sum goes over all parts. The
part of a process that died keeps what it counted, and its successor goes on in it. A counter gets
its place, the same in every part, when somebody first counts under its name.
"""

import fcntl
import mmap
import os
import struct
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

_CELLS = 1 << 16
"""Numbers in a part. Memory that nobody touched costs none."""
_NAMES_BYTES = 4 << 20
_HEAD = struct.Struct("<QQ")
"""Bytes of names, and cells given away."""

Name = tuple[str, ...]
"""What a counter is called: a family, then the values of its labels."""


class Board:
    """The memory of `parts` processes."""

    def __init__(self, parts: int = 1) -> None:
        """Make the memory; call this before the processes are forked."""
        self.parts = parts
        self._memory = mmap.mmap(-1, _NAMES_BYTES + parts * _CELLS * 8)
        self._lock_file = _nameless_file()
        weakref.finalize(self, os.close, self._lock_file)
        self._lock = threading.Lock()
        self._cells = memoryview(self._memory)[_NAMES_BYTES:].cast("d")
        self._places: dict[Name, tuple[int, int]] = {}
        self._read = _HEAD.size
        if _HEAD.unpack_from(self._memory) == (0, 0):
            _HEAD.pack_into(self._memory, 0, _HEAD.size, 0)

    def part(self, number: int) -> "memoryview[float]":
        """Return the numbers of one process, which alone writes there."""
        return self._cells[number * _CELLS : (number + 1) * _CELLS]

    def place(self, name: Name, width: int = 1) -> int:
        """Return where the counter `name` begins in every part, which has `width` numbers.

        When there is no room the last cells are shared by all that found none.
        """
        found = self._places.get(name)
        if found is None:
            with self._locked():
                self._learn()
                found = self._places.get(name) or self._give(name, width)
        return found[0]

    def sums(self, family: str) -> dict[Name, list[float]]:
        """Return the counters of a family by their labels, each number summed over all parts."""
        self._learn()
        found = {}
        for name, (first, width) in list(self._places.items()):
            if name[0] == family:
                found[name[1:]] = [
                    sum(self._cells[part * _CELLS + first + at] for part in range(self.parts))
                    for at in range(width)
                ]
        return found

    def _give(self, name: Name, width: int) -> tuple[int, int]:
        end, used = _HEAD.unpack_from(self._memory)
        line = orjson.dumps([name, used, width], option=orjson.OPT_APPEND_NEWLINE)
        if used + width > _CELLS - 256 or end + len(line) > _NAMES_BYTES:
            return _CELLS - 256, width
        self._memory[end : end + len(line)] = line
        _HEAD.pack_into(self._memory, 0, end + len(line), used + width)
        self._places[name] = (used, width)
        return used, width

    def _learn(self) -> None:
        """Read the names that other processes have added."""
        end, _ = _HEAD.unpack_from(self._memory)
        for line in self._memory[self._read : end].splitlines():
            name, first, width = orjson.loads(line)
            self._places[tuple(name)] = (first, width)
        self._read = end

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one thread of one process at a time give places; a process that dies lets go."""
        with self._lock:
            fcntl.lockf(self._lock_file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._lock_file, fcntl.LOCK_UN)


def _nameless_file() -> int:
    """Return a file to hold locks on, which nobody else can open."""
    handle, path = tempfile.mkstemp(prefix="mlo-board-")
    os.unlink(path)
    return handle
