"""Running commands as children: their output passed on and logged, and all of it stopped on Ctrl-C.

A child leads a process group of its own, so that whatever it starts can be stopped with it.
A signal to us is passed on: first as it came, after a grace as SIGTERM, after another as SIGKILL;
a second signal skips the wait. Several children may be at work; one thread leads them all.
"""

import errno
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError, stop_with
from mlops_cli.runs.stopping import GRACE_S, POLL_S, Received, Stopping, signals

_READ_BYTES = 65536
_RUNNABLE = {
    errno.EACCES: "make it executable: chmod +x FILE",
    errno.ENOEXEC: "let its first line name what runs it, such as #!/bin/sh",
}


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    Attributes:
        line: text is a line for `/bin/sh`, words are run as they are.
        folder: its working folder.
        environ: its environment.
        timeout_s: how long it may take.
        label: put before each line that it prints, where several run at once.
    """

    line: str | tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]
    pass_input: bool = False
    """Whether it may read our standard input; else it reads nothing."""
    timeout_s: float | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    `code` is as a shell gives it: 128 + n when signal n ended it. `stopped_by` is the signal that
    asked us to stop while it ran, 0 for none; `timed_out` says that it was stopped for taking too
    long.
    """

    code: int
    seconds: float
    stopped_by: int = 0
    timed_out: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether we were asked to stop while it ran."""
        return self.stopped_by != 0

    @property
    def exit_code(self) -> int:
        """What we end with when we were asked to stop: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.stopped_by

    def check(self) -> None:
        """Raise KeyboardInterrupt if we were asked to stop: whoever does more than this stops."""
        if self.interrupted:
            raise stop_with(self.exit_code)


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
    """Run a command to its end; `started` is told its process id, which is its group's too.

    Raises:
        RequestError: there is no such program, or it may not be run.
    """
    with Children(log, stdout=stdout, stderr=stderr, grace_s=grace_s) as children:
        started(children.start("", Command(command, folder, environ, pass_input)))
        return children.next()[1]


class Children:
    """Commands at work, by name, and the file that all they print is appended to.

    Standard output goes to the file descriptor `stdout`, standard error to `stderr`. Leaving the
    `with` block stops what is still at work.
    """

    def __init__(self, log: Path, *, stdout: int, stderr: int, grace_s: float = GRACE_S) -> None:
        self._path = log
        self._targets = {"stdout": stdout, "stderr": stderr}
        self._grace_s = grace_s
        self._at_work: dict[str, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._stack = ExitStack()
        self._received: Received
        self._journal: _Journal
        self.interrupted = False
        """Whether we were asked to stop."""

    def __enter__(self) -> "Children":
        self._received = self._stack.enter_context(signals())
        self._journal = _Journal(self._stack.enter_context(self._path.open("ab", buffering=0)))
        self._selector.register(self._received.wake, selectors.EVENT_READ)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._at_work:
            for child in self._at_work.values():
                if not child.stopping.asked:
                    child.stopping.act([signal.SIGTERM])
            self.next()
        self._selector.close()
        self._stack.close()

    def __len__(self) -> int:
        return len(self._at_work)

    def start(self, name: str, command: Command) -> int:
        """Start a command, and return its process id, which is its process group's too.

        Raises:
            RequestError: there is no such program, or it may not be run.
        """
        child = _Child(command, self._journal, self._targets, self._selector, self._grace_s)
        self._at_work[name] = child
        return child.popen.pid

    def next(self) -> tuple[str, Ended]:
        """Wait until one of them has ended, and return its name and how it ended."""
        while (ended := self.wait(None)) is None:
            pass
        return ended

    def wait(self, wait_s: float | None) -> tuple[str, Ended] | None:
        """Do the same, but for so long at most; None when none has ended by then."""
        until = None if wait_s is None else time.monotonic() + wait_s
        while True:
            for name, child in self._at_work.items():
                if child.has_ended():
                    del self._at_work[name]
                    return name, child.close()
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return None
            waits = [left, *(child.wait_s() for child in self._at_work.values())]
            due = [wait for wait in waits if wait is not None]
            for key, _ in self._selector.select(min(due) if due else None):
                if key.data is not None:
                    key.data()
            received = self._received.take()
            self.interrupted = self.interrupted or bool(received)
            for child in self._at_work.values():
                child.act(received)


class _Journal:
    """The file that output is logged to, until it refuses."""

    def __init__(self, file: BinaryIO) -> None:
        self._file: BinaryIO | None = file

    def write(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._file = None
            text = f"mlo: the log ends here, the run goes on: {(error.strerror or '').lower()}\n"
            _write(2, text.encode())


class _Child:
    """One command at work."""

    def __init__(
        self,
        command: Command,
        journal: _Journal,
        targets: Mapping[str, int],
        selector: selectors.BaseSelector,
        grace_s: float,
    ) -> None:
        self._begun = time.monotonic()
        self._selector = selector
        self.popen = _start(command)
        self.stopping = Stopping(self.popen.pid, grace_s)
        self._deadline = command.timeout_s and self._begun + command.timeout_s
        self._timed_out = False
        self._stopped_by = 0
        self._streams = [
            _Stream(getattr(self.popen, name), target, journal, selector, command.label)
            for name, target in targets.items()
        ]
        self._exit = _exit_handle(self.popen.pid)
        if self._exit is not None:
            selector.register(self._exit, selectors.EVENT_READ)

    def has_ended(self) -> bool:
        """Return whether it has ended, and with it, if it was asked to stop, all it started."""
        if self.popen.poll() is None:
            return False
        if self._exit is not None:
            self._selector.unregister(self._exit)
            os.close(self._exit)
            self._exit = None
        return not self.stopping.asked or self.stopping.gone()

    def wait_s(self) -> float | None:
        """Return how long to wait for it at most; None when it will be heard of."""
        waits = [self.stopping.wait_s()]
        if self._deadline and not self._timed_out:
            waits.append(max(self._deadline - time.monotonic(), 0.0))
        if self._exit is None:
            waits.append(POLL_S)
        return min((wait for wait in waits if wait is not None), default=None)

    def act(self, received: list[int]) -> None:
        """Take in signals to us, and the time."""
        self._stopped_by = self._stopped_by or (received[0] if received else 0)
        self.stopping.act(received)
        if self._deadline and not self._timed_out and time.monotonic() >= self._deadline:
            self._timed_out = True
            if not self.stopping.asked:
                self.stopping.act([signal.SIGTERM])

    def close(self) -> Ended:
        """Pass on what is left in the pipes, without waiting for others that hold them open."""
        for stream in self._streams:
            stream.drain()
        code = self.popen.returncode
        seconds = time.monotonic() - self._begun
        code = code if code >= 0 else 128 - code
        return Ended(code, seconds, self._stopped_by, self._timed_out and not self._stopped_by)


class _Stream:
    """Passes one stream of a child on and logs it."""

    def __init__(
        self,
        pipe: BinaryIO,
        target: int,
        journal: _Journal,
        selector: selectors.BaseSelector,
        label: str | None,
    ) -> None:
        self._pipe = pipe
        self._target: int | None = target
        self._journal = journal
        self._selector = selector
        self._label = None if label is None else f"{label} | ".encode()
        self._begun = b""
        """A line that has not ended, where lines are labelled."""
        self._open = True
        os.set_blocking(pipe.fileno(), False)
        selector.register(pipe.fileno(), selectors.EVENT_READ, self._pass)

    def drain(self) -> None:
        """Pass on all that is there, and close."""
        while self._open and self._pass():
            pass
        if self._begun:
            self._put(b"\n")
        self._close()
        self._pipe.close()

    def _pass(self) -> bool:
        """Move what is there now; return whether there may be more."""
        try:
            data = os.read(self._pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._close()
            return False
        self._put(data)
        return True

    def _put(self, data: bytes) -> None:
        data = data if self._label is None else self._labelled(data, self._label)
        self._journal.write(data)
        if self._target is not None and data and not _write(self._target, data):
            self._target = None

    def _labelled(self, data: bytes, label: bytes) -> bytes:
        """Return the lines that have ended, each with the label; a redrawn one in its last form."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _READ_BYTES:
            lines, self._begun = [*lines, self._begun], b""
        shown = (line.rstrip(b"\r").rpartition(b"\r")[2] for line in lines)
        return b"".join(label + line + b"\n" for line in shown)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._selector.unregister(self._pipe.fileno())


def _start(command: Command) -> "subprocess.Popen[bytes]":
    line = command.line
    words = ("/bin/sh", "-c", line) if isinstance(line, str) else line
    keep_input = command.pass_input and not _is_terminal(sys.__stdin__)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return subprocess.Popen(
            words,
            cwd=command.folder,
            env=dict(command.environ),
            stdin=None if keep_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,
        )
    except FileNotFoundError as error:
        raise _not_found(words[0], command.folder) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"'{words[0]}' cannot be run: {reason}", hint=_RUNNABLE.get(error.errno or 0)
        ) from error


def _not_found(program: str, folder: Path) -> RequestError:
    if not folder.is_dir():
        return RequestError(f"there is no folder '{folder}' to run in", hint="correct workdir")
    return RequestError(f"there is no program '{program}'", hint="check its name, or give its path")


def _is_terminal(stream: object) -> bool:
    """Return whether our standard input is a terminal; a child in its own group may not read it."""
    isatty = getattr(stream, "isatty", None)
    try:
        return bool(isatty and isatty())
    except ValueError:
        return False


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
            time.sleep(POLL_S)
        except OSError:
            return False
    return True
