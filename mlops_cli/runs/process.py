"""Running a command as a child: its output passed on and logged, and all of it stopped on Ctrl-C.

The child leads a process group of its own, so that whatever it starts can be stopped with it.
A signal to us is passed on: first as it came, after a grace as SIGTERM, after another as SIGKILL;
a second signal skips the wait.
"""

import errno
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mlops_cli.errors import RequestError

GRACE_S = 5.0
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READ_BYTES = 65536
_RUNNABLE = {
    errno.EACCES: "make it executable: chmod +x FILE",
    errno.ENOEXEC: "let its first line name what runs it, such as #!/bin/sh",
}
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    `code` is as a shell gives it: 128 + n when signal n ended it. `interrupted` says that we were
    asked to stop while it ran.
    """

    code: int
    seconds: float
    interrupted: bool


def execute(
    command: str | tuple[str, ...],
    *,
    folder: Path,
    environ: Mapping[str, str],
    log: Path,
    stdout: int,
    stderr: int,
    pass_input: bool,
    started: Callable[[int], None],
    grace_s: float = GRACE_S,
) -> Ended:
    """Run a command to its end; text is a line for `/bin/sh`, words are run as they are.

    Args:
        command: what to run.
        folder: its working folder.
        environ: its environment.
        log: file that all it prints is appended to.
        stdout: file descriptor that its standard output is passed on to.
        stderr: the same for its standard error.
        pass_input: whether it may read our standard input; else it reads nothing.
        started: told the child's process id, which is the process group's too.
        grace_s: how long it may take to stop, before the next stronger signal.

    Raises:
        RequestError: there is no such program, or it may not be run.
    """
    begun = time.monotonic()
    with _signals() as received, log.open("ab", buffering=0) as journal:
        child = _start(command, folder, environ, pass_input=pass_input)
        started(child.pid)
        relay = _Relay(child, journal, {"stdout": stdout, "stderr": stderr}, received.wake)
        stopping = _Stopping(child.pid, grace_s)
        try:
            while not relay.ended(stopping.wait_s()):
                stopping.act(received.take())
            stopping.act(received.take())
            if stopping.asked:
                stopping.finish_group()
            relay.drain()
        finally:
            relay.close()
    code = child.returncode
    return Ended(code if code >= 0 else 128 - code, time.monotonic() - begun, stopping.asked)


def stop_group(pid: int, *, grace_s: float = GRACE_S) -> None:
    """Stop a process group: SIGTERM, and SIGKILL for what is left after the grace."""
    stopping = _Stopping(pid, grace_s)
    stopping.finish_group()


def birth(pid: int) -> str | None:
    """Return when a process began, in the kernel's count; tells it from a later one of that id.

    None when there is no such process, or the system does not say.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return None


def _start(
    command: str | tuple[str, ...], folder: Path, environ: Mapping[str, str], *, pass_input: bool
) -> "subprocess.Popen[bytes]":
    words = ("/bin/sh", "-c", command) if isinstance(command, str) else command
    source = None if pass_input and not _is_terminal(sys.__stdin__) else subprocess.DEVNULL
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=dict(environ),
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,
        )
    except FileNotFoundError as error:
        raise RequestError(
            f"there is no program '{words[0]}'", hint="check its name, or give its path"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"'{words[0]}' cannot be run: {reason}", hint=_RUNNABLE.get(error.errno or 0)
        ) from error


def _is_terminal(stream: object) -> bool:
    """Return whether our standard input is a terminal; a child in its own group may not read it."""
    isatty = getattr(stream, "isatty", None)
    try:
        return bool(isatty and isatty())
    except ValueError:
        return False


class _Received:
    """Signals that came, and a file descriptor that becomes readable when one does."""

    def __init__(self, wake: int) -> None:
        self.wake = wake
        self._pending: list[int] = []

    def note(self, number: int, frame: object) -> None:
        self._pending.append(number)

    def take(self) -> list[int]:
        taken, self._pending = self._pending, []
        return taken


@contextmanager
def _signals() -> Iterator[_Received]:
    """Collect the signals that ask to stop, in place of what they would do. Main thread only."""
    read, write = os.pipe()
    received = _Received(read)
    if threading.current_thread() is not threading.main_thread():
        try:
            yield received
        finally:
            os.close(read)
            os.close(write)
        return
    for end in (read, write):
        os.set_blocking(end, False)
    before = {one: signal.getsignal(one) for one in _STOPPING}
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        for one, handler in before.items():
            if handler is not signal.SIG_IGN or one is signal.SIGINT:
                signal.signal(one, received.note)
        yield received
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(read)
        os.close(write)


class _Stopping:
    """Sends ever stronger signals to a process group."""

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

    def act(self, received: list[int]) -> None:
        """Take in new signals, and send what is due."""
        for number in received:
            if self.asked:
                self._escalate()
            else:
                self.asked = True
                self._send(number)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._escalate()

    def finish_group(self) -> None:
        """Return once the group is gone, or has been sent SIGKILL."""
        if self._alive() and self._deadline is None:
            self._escalate()
        while self._left and self._alive():
            time.sleep(_POLL_S)
            self.act([])

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
        return True


class _Relay:
    """Passes a child's output on and logs it, and notices its end."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        journal: BinaryIO,
        targets: Mapping[str, int],
        wake: int,
    ) -> None:
        self._child = child
        self._journal: BinaryIO | None = journal
        self._targets: dict[int, int | None] = {}
        self._selector = selectors.DefaultSelector()
        for name, target in targets.items():
            pipe = getattr(child, name)
            os.set_blocking(pipe.fileno(), False)
            self._targets[pipe.fileno()] = target
            self._selector.register(pipe.fileno(), selectors.EVENT_READ)
        self._wake = wake
        self._selector.register(wake, selectors.EVENT_READ)
        self._exit = _exit_handle(child.pid)
        if self._exit is not None:
            self._selector.register(self._exit, selectors.EVENT_READ)

    def ended(self, wait_s: float | None) -> bool:
        """Wait for output, a signal or the end; return whether the child has ended."""
        if self._exit is None:
            wait_s = _POLL_S if wait_s is None else min(wait_s, _POLL_S)
        for key, _ in self._selector.select(wait_s):
            if key.fd == self._wake:
                with suppress(BlockingIOError):
                    os.read(self._wake, 512)
            elif key.fd != self._exit:
                self._pass(key.fd)
        return self._child.poll() is not None

    def drain(self) -> None:
        """Pass on what is left in the pipes; does not wait for others that hold them open."""
        for pipe in list(self._targets):
            while self._pass(pipe):
                pass

    def _pass(self, pipe: int) -> bool:
        """Move what is there now; return whether there may be more."""
        try:
            data = os.read(pipe, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(pipe)
            del self._targets[pipe]
            return False
        self._log(data)
        target = self._targets[pipe]
        if target is not None and not _write(target, data):
            self._targets[pipe] = None
        return True

    def _log(self, data: bytes) -> None:
        if self._journal is None:
            return
        try:
            self._journal.write(data)
        except OSError as error:
            self._journal = None
            text = f"mlo: the log ends here, the run goes on: {(error.strerror or '').lower()}\n"
            _write(2, text.encode())

    def close(self) -> None:
        self._selector.close()
        if self._exit is not None:
            os.close(self._exit)
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()


def _exit_handle(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends, where the system has it."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _write(target: int, data: bytes) -> bool:
    """Write all of `data`; return False when nobody reads any more."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:
            time.sleep(_POLL_S)
        except OSError:
            return False
    return True
