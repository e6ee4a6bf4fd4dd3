"""An end to a conversation by a socket, however slowly the other side goes on to speak."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Deadline:
    """Cuts the connections that it watches, once so many seconds have passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._watched: list[socket.socket] = []
        self._guard = threading.Lock()

    def watch(self, connection: socket.socket) -> None:
        """Cut this one too; it may be wrapped in TLS afterwards."""
        own = socket.socket(fileno=os.dup(connection.fileno()))
        with self._guard:
            self._watched.append(own)
            if self.passed:
                _cut(own)

    def cut(self) -> None:
        """End all of them now."""
        with self._guard:
            self.passed = True
            for one in self._watched:
                _cut(one)

    def close(self) -> None:
        """Watch no more."""
        with self._guard:
            for one in self._watched:
                one.close()
            self._watched.clear()


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Yield a deadline that holds for a `with` block."""
    found = Deadline(seconds)
    timer = threading.Timer(seconds, found.cut)
    timer.daemon = True
    timer.start()
    try:
        yield found
    finally:
        timer.cancel()
        found.close()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
