"""Several processes that answer on one listener, and the one that looks after them.

They are forked after the models are loaded, so these are in memory once. All accept from the
same socket, of which this process keeps a handle: when one dies, no connection that it had not
accepted is lost, and another is forked in its place. With `SO_REUSEPORT` each would have a queue of
its own, which dies with it.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mlops_cli.serving.board import Board

_LOOK_S = 0.05
_QUICK_DEATH_S = 2.0
_LONGEST_WAIT_S = 5.0
_AWAY = -1.0

Work = Callable[[int, Callable[[], None]], None]


@dataclass(slots=True)
class _Place:
    """One place for a process: who is there, since when, and how often it died young."""

    part: int
    pid: int = 0
    since: float = 0.0
    deaths: int = 0
    due: float = 0.0


class Workers:
    """Keeps `count` processes at work."""

    def __init__(
        self,
        count: int,
        work: Work,
        board: Board,
        *,
        look: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """Have each process call `work(part, on_started)`; `look` is called here in between.

        The last part of the board is this process's own.
        """
        self._places = [_Place(part) for part in range(count)]
        self._work = work
        self._board = board
        self._look = look
        self._say = say
        self._own = board.part(count)
        self._ready = board.place(("mlo_worker_ready",))
        self._restarts = board.place(("mlo_worker_restarts_total",))
        self._connections = board.place(("mlo_connections",))
        self._own[self._connections] = _AWAY
        self._ended: int | None = None

    def run(self, on_ready: Callable[[], None]) -> None:
        """Fork, watch and restart until SIGTERM or SIGINT; return when all have finished.

        Raises:
            KeyboardInterrupt: it was SIGINT.
            ChildProcessError: none could be started.
        """
        told = False
        with self._signals():
            try:
                while self._ended is None:
                    self._tend()
                    if not told and all(self._is_ready(place) for place in self._places):
                        told = True
                        on_ready()
                    self._look()
                    time.sleep(_LOOK_S)
            finally:
                self._finish()
        if self._ended == signal.SIGINT:
            raise KeyboardInterrupt

    def pids(self) -> list[int]:
        """Return the processes at work."""
        return [place.pid for place in self._places if place.pid]

    def _tend(self) -> None:
        """Put a process wherever there is none."""
        for place in self._places:
            if place.pid and (status := _status(place.pid)) is not None:
                self._lost(place, status)
            if not place.pid and time.monotonic() >= place.due:
                self._fork(place)

    def _lost(self, place: _Place, status: int) -> None:
        young = time.monotonic() - place.since < _QUICK_DEATH_S
        place.deaths = place.deaths + 1 if young else 0
        wait = min(_LOOK_S * 2**place.deaths, _LONGEST_WAIT_S) if place.deaths else 0.0
        place.due = time.monotonic() + wait
        how = f"was killed by signal {-status}" if status < 0 else f"ended with code {status}"
        self._say(f"worker {place.part} (process {place.pid}) {how}; another takes its place")
        place.pid = 0
        self._leave(place)
        self._own[self._restarts] += 1

    def _leave(self, place: _Place) -> None:
        part = self._board.part(place.part)
        part[self._ready], part[self._connections] = 0, _AWAY

    def _is_ready(self, place: _Place) -> bool:
        return bool(self._board.part(place.part)[self._ready])

    def _fork(self, place: _Place) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._leave(place)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be(place.part, parent)
        place.pid, place.since = pid, time.monotonic()

    def _be(self, part: int, parent: int) -> None:
        """Be the process of a part, and end as it ends."""
        code = 70
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)

            def started() -> None:
                mine = self._board.part(part)
                mine[self._connections] = 0
                mine[self._ready] = 1

            if os.getppid() == parent:
                self._work(part, started)
            code = 0
        except KeyboardInterrupt:
            code = 130
        except BaseException:  # noqa: BLE001  it is told, and the process ends
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _finish(self) -> None:
        """Let all finish what they have taken, then return."""
        for pid in self.pids():
            _send(pid, signal.SIGTERM)
        for place in self._places:
            if place.pid:
                os.waitpid(place.pid, 0)
                place.pid = 0

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(number: int, _frame: object) -> None:
            if self._ended is not None:
                for pid in self.pids():
                    _send(pid, number)
            self._ended = number

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _status(pid: int) -> int | None:
    """Return how a process ended, minus the signal that killed it; None while it lives."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
