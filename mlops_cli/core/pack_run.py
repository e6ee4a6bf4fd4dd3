"""Objects that lie in a row in a pack as they are, to become a part of a file at once."""

from collections.abc import Callable

from mlops_cli.core.extents import BLOCK, write_at
from mlops_cli.core.packs import Pack

SLICE_BYTES = 2 * 1024 * 1024
"""How many bytes are read, checked and written at once, while the processor has them near."""


class Run:
    """Neighbours in a pack whose payloads are their contents."""

    __slots__ = ("_end", "_start", "pack")

    def __init__(self, pack: Pack, start: int, length: int) -> None:
        self.pack = pack
        self._start = start
        self._end = start + length

    def __len__(self) -> int:
        return self._end - self._start

    def takes(self, pack: Pack, start: int, length: int) -> bool:
        """Take an object in, if it is the next; return whether it was."""
        if pack is not self.pack or start != self._end:
            return False
        self._end += length
        return True

    def write_to(
        self, handle: int, place: int, buffer: memoryview, look: Callable[[memoryview], object]
    ) -> None:
        """Make the bytes at `place` of a file these, sharing blocks where that can be.

        `look` is given all of them in order. `buffer` has `SLICE_BYTES`.
        """
        shared = self.pack.share(self._start, len(self), handle, place)
        copied = shared.rest(len(self))
        start = self._start
        while start < self._end:
            end = min(self._end, start // BLOCK * BLOCK + SLICE_BYTES)
            data = buffer[: end - start]
            self.pack.read_into(data, start)
            look(data)
            first, last = start - self._start, end - self._start
            for one, other in copied:
                here = data[max(one, first) - first : max(0, min(other, last) - first)]
                write_at(handle, here, place + max(one, first))
            start = end
