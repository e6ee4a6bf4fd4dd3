"""Reading the next part of a large file while something is done with the one before.

Copying bytes out of the system's memory takes nearly as long as hashing them, so on two processors
both together take little longer than one.
"""

import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

SLICE_BYTES = 2 * 1024 * 1024
"""How many bytes are read at once: few enough to stay near the processor."""

_LEAST_BYTES = 64 * 1024
"""A content may turn out to be longer than was said."""

Fill = Callable[[memoryview], int]
"""Fills the begin of a buffer with what comes next; returns how many bytes, 0 at the end."""


class ReadAhead:
    """Two buffers, to read parts of a large content with, one part after the other."""

    def __init__(self, size: int) -> None:
        """No part has more than about `size` bytes."""
        self._length = min(SLICE_BYTES, max(size, _LEAST_BYTES))
        self._buffers: list[memoryview] = []

    def slices(self, fill: Fill, size: int) -> Iterator[memoryview]:
        """Yield what `fill` reads, about `size` bytes; each is good until the next is drawn.

        Raises:
            BaseException: what `fill` raised.
        """
        two = size > SLICE_BYTES and len(os.sched_getaffinity(0)) > 1
        while len(self._buffers) < 1 + two:
            self._buffers.append(memoryview(bytearray(self._length)))
        return self._beside(fill) if two else self._alone(fill)

    def _alone(self, fill: Fill) -> Iterator[memoryview]:
        buffer = self._buffers[0]
        while count := fill(buffer):
            yield buffer[:count]

    def _beside(self, fill: Fill) -> Iterator[memoryview]:
        free: SimpleQueue[memoryview | None] = SimpleQueue()
        full: SimpleQueue[tuple[memoryview, int] | BaseException] = SimpleQueue()

        def read() -> None:
            try:
                while (buffer := free.get()) is not None:
                    full.put((buffer, fill(buffer)))
            except BaseException as error:  # noqa: BLE001  raised in the thread that waits
                full.put(error)

        for buffer in self._buffers:
            free.put(buffer)
        thread = threading.Thread(target=read, name="read-ahead")
        thread.start()
        try:
            while True:
                found = full.get()
                if isinstance(found, BaseException):
                    raise found
                buffer, count = found
                if not count:
                    return
                yield buffer[:count]
                free.put(buffer)
        finally:
            free.put(None)
            thread.join()
