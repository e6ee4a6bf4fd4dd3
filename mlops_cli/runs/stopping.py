"""Stopping: the signals that ask us to, and process groups that are told ever louder."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

GRACE_S = 5.0
POLL_S = 0.02
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Received:
    """Signals that came, and a file descriptor that becomes readable when one does."""

    def __init__(self, wake: int) -> None:
        self.wake = wake
        self._pending: list[int] = []

    def note(self, number: int, frame: object) -> None:
        """Keep a signal for `take`; a handler for `signal.signal`."""
        self._pending.append(number)

    def take(self) -> list[int]:
        """Return what came since the last call."""
        with suppress(BlockingIOError):
            os.read(self.wake, 512)
        taken, self._pending = self._pending, []
        return taken


@contextmanager
def signals() -> Iterator[Received]:
    """Collect the signals that ask to stop, in place of what they would do.

    Only the main thread gets any; every thread can be asked to stop by `ask`.
    """
    read, write = os.pipe()
    received = Received(read)
    try:
        for end in (read, write):
            os.set_blocking(end, False)
        with _caught(received, write), _heard(received, write):
            yield received
    finally:
        os.close(read)
        os.close(write)


def ask(thread: int) -> bool:
    """Stop the commands that the thread of this id leads, as a Ctrl-C would.

    Return whether it leads any.
    """
    with _guard:
        if thread not in _leaders:
            return False
        received, write = _leaders[thread]
        received.note(signal.SIGINT, None)
        with suppress(BlockingIOError):
            os.write(write, b"\0")
        return True


_guard = threading.Lock()
_leaders: dict[int, tuple[Received, int]] = {}


@contextmanager
def _heard(received: Received, write: int) -> Iterator[None]:
    """Let `ask` reach this thread for a `with` block."""
    own = threading.get_ident()
    with _guard:
        _leaders[own] = received, write
    try:
        yield
    finally:
        with _guard:
            del _leaders[own]


@contextmanager
def _caught(received: Received, write: int) -> Iterator[None]:
    """Note signals in `received`, and wake up who reads the other end of `write`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in _STOPPING}
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        for one, handler in before.items():
            if handler is not signal.SIG_IGN or one is signal.SIGINT:
                signal.signal(one, received.note)
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(wakeup)


class Stopping:
    """Sends ever stronger signals to a process group, once it is asked to."""

    def __init__(self, group: int, grace_s: float) -> None:
        self._group = group
        self._grace_s = grace_s
        self._left = [signal.SIGTERM, signal.SIGKILL]
        self._deadline: float | None = None
        self.asked = False

    def wait_s(self) -> float | None:
        """Return how long until the next step is due; None when nobody has asked to stop."""
        if self._deadline is None:
            return None
        return max(self._deadline - time.monotonic(), 0.0)

    def act(self, received: Sequence[int]) -> None:
        """Take in new signals, and send what is due."""
        for number in received:
            if self.asked:
                self._escalate()
            else:
                self.asked = True
                self._send(number)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._escalate()

    def gone(self) -> bool:
        """Return whether the group is gone, or has been sent SIGKILL; else send what is due."""
        if not self._alive():
            return True
        if self._deadline is None:
            self._escalate()
        self.act(())
        return not self._left

    def _escalate(self) -> None:
        if self._left:
            self._send(self._left.pop(0))
        else:
            self._deadline = None

    def _send(self, number: int) -> None:
        self._deadline = time.monotonic() + self._grace_s
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, number)

    def _alive(self) -> bool:
        try:
            os.killpg(self._group, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return _has_members(self._group)


def _has_members(group: int) -> bool:
    """Return whether a group has a process that has not ended.

    One that has, and that nobody has asked about yet, keeps its place in the group.
    """
    try:
        names = [name for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return True
    for name in names:
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            state, _, of_group = file.read().rpartition(b")")[2].split()[:3]
            if int(of_group) == group and state not in (b"Z", b"X"):
                return True
    return False


def stop_group(pid: int, *, grace_s: float = GRACE_S) -> None:
    """Stop a process group: SIGTERM, and SIGKILL for what is left after the grace."""
    stopping = Stopping(pid, grace_s)
    while not stopping.gone():
        time.sleep(POLL_S)


def stop_started_with(variable: str, *, grace_s: float = GRACE_S) -> None:
    """Stop the process groups whose leader began with `variable`, as `NAME=value`; not our own.

    So what a killed run started is found though it had no time to note it. A group with another
    leader, such as a shell's, is somebody else's. Where the system does not tell of the
    environments of others, none is found.
    """
    for pid in _started_with(variable):
        stop_group(pid, grace_s=grace_s)


def _started_with(variable: str) -> Iterator[int]:
    wanted = os.fsencode(variable)
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return
    for pid in pids:
        with suppress(OSError):
            with open(f"/proc/{pid}/environ", "rb") as file:
                has_it = wanted in file.read().split(b"\0")
            if has_it and os.getpgid(pid) == pid != os.getpgrp():
                yield pid


def birth(pid: int) -> str | None:
    """Return when a process began, in the kernel's count; tells it from a later one of that id.

    None when there is no such process, or the system does not say.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return None
