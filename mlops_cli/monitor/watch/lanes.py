"""Work beside the checks: one piece after the other in a lane, and lanes beside each other."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.runs import stopping

SLOW = ""
"""The lane of what may take minutes, such as a retraining; others are called as an action is."""
_STOPPED_S = 15.0
"""By then what was stopped is on disk; if not, the next process finds it."""
_LET_S = 1.0
"""So long a delivery that is under way has left when the monitor is ended."""
_POLL_S = 0.05

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Work:
    """A piece of work that was begun, and what it came to once it ended."""

    lane: str
    came_to: list[Outcome | BaseException]
    thread: threading.Thread


@dataclass(slots=True)
class Lanes:
    """Whoever has work done in threads, each piece by a key."""

    _begun: dict[Key, _Work] = field(default_factory=dict)
    _slow: list[threading.Thread] = field(default_factory=list)
    _stopped: bool = False

    def __contains__(self, key: Key) -> bool:
        return key in self._begun

    def __bool__(self) -> bool:
        return bool(self._begun)

    def keys(self) -> set[Key]:
        """Return the keys of what was begun and not taken."""
        return set(self._begun)

    def begin(self, key: Key, lane: str, work: Callable[[], Outcome]) -> bool:
        """Begin a piece of work; return False where its lane is taken."""
        if self._stopped or any(one.lane == lane for one in self._begun.values()):
            return False
        came_to: list[Outcome | BaseException] = []

        def done() -> None:
            try:
                came_to.append(work())
            except BaseException as error:  # noqa: BLE001  it is for whoever takes this
                came_to.append(error)

        thread = self._start_slow(done) if lane == SLOW else _start(done)
        self._begun[key] = _Work(lane, came_to, thread)
        return True

    def tend(self, work: Callable[[], None]) -> None:
        """Do something slow that has no outcome, if nothing slow is under way."""
        if not self._at_work() and all(one.lane != SLOW for one in self._begun.values()):
            self._start_slow(work)

    def take(self) -> dict[Key, Outcome]:
        """Return what has ended since the last call; raise what a piece of work has raised."""
        ended = {key: one.came_to[0] for key, one in self._begun.items() if one.came_to}
        found: dict[Key, Outcome] = {}
        for key, outcome in ended.items():
            del self._begun[key]
            if isinstance(outcome, BaseException):
                raise outcome
            found[key] = outcome
        return found

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all has ended that is under way, or for so long; not for what is slow."""
        end = None if seconds is None else time.monotonic() + seconds
        for one in self._begun.values():
            if one.lane != SLOW:
                one.thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def stop(self) -> None:
        """Stop what slow work runs as a child, as Ctrl-C would, and let that be kept."""
        self._stopped = True
        end = time.monotonic() + _STOPPED_S
        while (at_work := self._at_work()) and time.monotonic() < end:
            for one in at_work:
                asked = one.ident is not None and stopping.ask(one.ident)
                one.join(_STOPPED_S if asked else _POLL_S)
        self.wait(_LET_S)

    def _at_work(self) -> list[threading.Thread]:
        return [one for one in self._slow if one.is_alive()]

    def _start_slow(self, work: Callable[[], object]) -> threading.Thread:
        """Do something slow, after what was begun before."""
        before = self._at_work()

        def done() -> None:
            for one in before:
                one.join()
            if not self._stopped:
                work()

        thread = _start(done)
        self._slow = [*before, thread]
        return thread


def _start(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
