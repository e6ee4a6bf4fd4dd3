"""Work on many files by several processes at once.

The work is a great number of short system calls, so threads would spend their time handing the
interpreter to each other. Processes are forked: what is open and read stays so, nothing is sent
to them, and what they answer comes back through a pipe.
"""

import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from mlops_cli.errors import ExternalError

if TYPE_CHECKING:
    import mmap

Part = TypeVar("Part")
Key = TypeVar("Key")
Item = TypeVar("Item")

_COUNT = struct.Struct("<Q")
_MOST = 8
_LOST = 70
_DONE, _FAILED = b"d", b"f"
_ASKS_TO_END = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_BREATH = 64
"""After so many steps a worker looks whether there is still somebody to work for."""


def helpful(count: int, *, least: int) -> int:
    """Return how many processes should do `count` short jobs; 1 below `least` for each.

    One, too, where other threads run: a fork would leave their locks held for ever.
    """
    if threading.active_count() > 1 or not hasattr(os, "fork"):
        return 1
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, _MOST, count // least))


def parts(
    groups: Sequence[tuple[Key, list[Item]]], count: int
) -> list[list[tuple[Key, list[Item]]]]:
    """Return groups of items in at most `count` parts of about as many items, neighbours together.

    A large group is split; one without items is in no part. There is one part at least.

    >>> parts([("a", [1, 2, 3]), ("b", [4])], 2)
    [[('a', [1, 2])], [('a', [3]), ('b', [4])]]
    """
    share = -(-sum([len(items) for _, items in groups]) // count)
    found: list[list[tuple[Key, list[Item]]]] = [[]]
    room = share
    for key, items in groups:
        at = 0
        while at < len(items):
            if not room:
                found.append([])
                room = share
            some = items[at : at + room]
            found[-1].append((key, some))
            at, room = at + len(some), room - len(some)
    return found


def share(
    parts: Sequence[Part],
    work: Callable[[Part, Callable[[int], None]], bytes],
    advance: Callable[[int], None],
) -> list[bytes]:
    """Return what `work(part, advance)` answers for each part, the first of them done here.

    Every other part has a process of its own, which ends when this one does. `advance` is called
    here, also for what the others have done.

    Raises:
        BaseException: what the first part that failed raised, once all processes have ended.
    """
    if len(parts) == 1:
        return [work(parts[0], advance)]
    import mmap

    with mmap.mmap(-1, _COUNT.size * len(parts)) as counters:
        told = [0] * len(parts)

        def look() -> None:
            for at in range(1, len(parts)):
                (count,) = _COUNT.unpack_from(counters, at * _COUNT.size)
                advance(count - told[at])
                told[at] = count

        def advance_all(units: int) -> None:
            advance(units)
            look()

        others: list[_Worker] = []
        try:
            for at, part in enumerate(parts[1:], 1):
                with _undisturbed():
                    others.append(_Worker(work, part, counters, at))
            first = work(parts[0], advance_all)
            outcomes = [one.outcome() for one in others]
        except BaseException:
            for one in others:
                one.stop()
            raise
        look()
    answers = [first]
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        answers.append(outcome)
    return answers


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put signals that end this process off until a process that was forked is known."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ASKS_TO_END)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker:
    """One forked process and the pipe that its answer comes through."""

    def __init__(
        self, work: Callable[..., bytes], part: Any, counters: "mmap.mmap", at: int
    ) -> None:
        self._pipe, answer = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid:
            os.close(answer)
            return
        code = _LOST
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKS_TO_END)
            os.close(self._pipe)
            done = steps = 0

            def advance(units: int) -> None:
                nonlocal done, steps
                done, steps = done + units, steps + 1
                _COUNT.pack_into(counters, at * _COUNT.size, done)
                if steps % _BREATH == 0 and os.getppid() != parent:
                    os._exit(_LOST)

            with os.fdopen(answer, "wb") as file:
                try:
                    file.write(_DONE + work(part, advance))
                except BaseException as error:  # noqa: BLE001  raised in the process that waits
                    import pickle

                    file.write(_FAILED + pickle.dumps(error))
            code = 0
        finally:
            os._exit(code)

    def outcome(self) -> bytes | BaseException:
        """Return its answer, or what it raised, once it has ended."""
        with os.fdopen(self._pipe, "rb") as file:
            raw = file.read()
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        if os.WIFSIGNALED(status):
            return ExternalError(
                f"a process that did a part of the work was killed by signal {os.WTERMSIG(status)}",
                hint="see whether there is enough memory, then try again",
            )
        if not raw or status:
            return RuntimeError(f"a worker process ended with status {status}")
        if raw[:1] == _DONE:
            return raw[1:]
        import pickle

        error: BaseException = pickle.loads(raw[1:])
        return error

    def stop(self) -> None:
        """End it, unless it has, and wait until it is gone."""
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)
            os.waitpid(self._pid, 0)
