"""Taking connections from a listening socket that several processes share.

No process has a queue of its own, so a connection that nobody has taken yet outlives whichever
process dies. A process that has more connections than the others lets them go first.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from mlops_cli.serving.board import Board

_FAMILY = ("mlo_connections",)
_AT_ONCE = 64
_YIELD_S = 0.002
_FULL_S = 0.1

Connect = Callable[[socket.socket], Coroutine[Any, Any, None]]


class Acceptor:
    """Accepts for one process, part `part` of the board."""

    def __init__(self, listener: socket.socket, connect: Connect, board: Board, part: int) -> None:
        """Hand each connection on `listener` to `connect`."""
        self._listener = listener
        self._connect = connect
        self._board = board
        self._part = part
        self._place = board.place(_FAMILY)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        listener.settimeout(0)
        self._listen()

    def count(self, connections: int) -> None:
        """Tell the other processes how many connections this one has."""
        self._board.part(self._part)[self._place] = connections

    def close(self) -> None:
        """Take what has come so far, then no more."""
        self._closed = True
        self._loop.remove_reader(self._listener.fileno())
        while self._take(_AT_ONCE):
            pass

    def _listen(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener.fileno(), self._ready)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(seconds, self._listen)

    def _ready(self) -> None:
        alone = self._board.parts == 1
        if not alone and self._is_ahead():
            self._rest(_YIELD_S)
        else:
            self._take(_AT_ONCE if alone else 1)

    def _is_ahead(self) -> bool:
        """Return whether another process that is at work has fewer connections."""
        own = self._board.part(self._part)[self._place]
        others = [
            self._board.part(part)[self._place]
            for part in range(self._board.parts)
            if part != self._part
        ]
        return any(0 <= other < own for other in others)

    def _take(self, most: int) -> bool:
        """Take up to `most` connections; return whether there may be more."""
        for _ in range(most):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return False
            except OSError:  # no more files may be open: those that close make room
                self._rest(_FULL_S)
                return False
            connection.settimeout(0)
            self._board.part(self._part)[self._place] += 1
            task = self._loop.create_task(self._connect(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True
