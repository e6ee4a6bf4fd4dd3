"""Objects that lie in a row in a pack as they are, to become a part of a file at once."""

from collections.abc import Callable

from mlops_cli.core.extents import BLOCK, write_at
from mlops_cli.core.packs import Pack
from mlops_cli.core.read_ahead import ReadAhead


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
        self, handle: int, place: int, ahead: ReadAhead, look: Callable[[memoryview], object]
    ) -> None:
        """Make the bytes at `place` of a file these, sharing blocks where that can be.

        `look` is given all of them in order.
        """
        shared = self.pack.share(self._start, len(self), handle, place)
        copied = shared.rest(len(self))
        first = 0
        for data in ahead.slices(self._reader(), len(self)):
            look(data)
            last = first + len(data)
            for one, other in copied:
                here = data[max(one, first) - first : max(0, min(other, last) - first)]
                write_at(handle, here, place + max(one, first))
            first = last

    def _reader(self) -> Callable[[memoryview], int]:
        """Return what reads these bytes into a buffer, from where it came to; 0 at their end."""
        start = self._start

        def fill(buffer: memoryview) -> int:
            nonlocal start
            end = min(self._end, start // BLOCK * BLOCK + len(buffer))
            count = end - start
            if count:
                self.pack.read_into(buffer[:count], start)
            start = end
            return count

        return fill
