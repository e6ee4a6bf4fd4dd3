"""A connection made by the user's own `ssh`, and what went wrong when it is none."""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from mlops_cli.errors import ExternalError

_PIPE_BYTES = 1024 * 1024
_ENDS_S = 5.0
_OPTIONS = (
    "-x",
    "-oForwardAgent=no",
    "-oPermitLocalCommand=no",
    "-oClearAllForwardings=yes",
    "-oRemoteCommand=none",
)
"""As `sftp` has them: a shell's conveniences have no place in a file transfer."""


def command_line(destination: str, port: int | None, *, ssh: str | None) -> list[str]:
    """Return what to run for SFTP with a host; `ssh` is a shell's words that stand for `ssh`.

    Nothing is asked where nobody could answer, as in CI.
    """
    words = [*_OPTIONS, *([] if sys.stderr.isatty() else ["-oBatchMode=yes"])]
    words += [*([] if port is None else ["-p", str(port)]), "-s", "--", destination, "sftp"]
    return ["sh", "-c", f'{ssh} "$@"', "ssh", *words] if ssh else ["ssh", *words]


class Link:
    """The two pipes of an `ssh` that runs, for one thread at a time."""

    def __init__(self, command: Sequence[str], host: str, *, stall_s: float) -> None:
        self._host = host
        self._stall_s = stall_s
        self._greeted = False
        self._received = bytearray()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as long as the link
        self.owner = os.getpid()
        try:
            self._ssh = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                bufsize=0,
                pipesize=_PIPE_BYTES,
            )
        except OSError as error:
            self._said.close()
            raise ExternalError(
                f"cannot run '{command[0]}': {(error.strerror or str(error)).lower()}",
                hint="install the OpenSSH client",
            ) from error
        assert self._ssh.stdin is not None
        assert self._ssh.stdout is not None
        self._in, self._out = self._ssh.stdin.fileno(), self._ssh.stdout.fileno()
        os.set_blocking(self._in, False)

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known here."""
        return not self._said.closed and self._ssh.poll() is None and self.owner == os.getpid()

    def send(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            ExternalError: the connection is lost, or nothing moved for too long.
        """
        rest = memoryview(data)
        while rest:
            self._wait(self._in, select.POLLOUT)
            try:
                rest = rest[os.write(self._in, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._lost() from error

    def receive(self, size: int) -> bytes:
        """Return exactly `size` bytes.

        Raises:
            ExternalError: as of `send`.
        """
        while len(self._received) < size:
            self._wait(self._out, select.POLLIN)
            more = os.read(self._out, _PIPE_BYTES)
            if not more:
                raise self._lost()
            self._greeted = True
            self._received += more
        taken = bytes(memoryview(self._received)[:size])
        del self._received[:size]
        return taken

    def close(self) -> None:
        """End `ssh`, which ends the session there."""
        if self._said.closed:
            return
        self._said.close()
        for pipe in (self._ssh.stdin, self._ssh.stdout):
            if pipe is not None:
                pipe.close()
        if self.owner != os.getpid():
            return
        try:
            self._ssh.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            self._ssh.kill()
            self._ssh.wait()

    def _wait(self, handle: int, event: int) -> None:
        """Wait until a pipe is ready; as long as it takes while `ssh` may be asking the user."""
        limit = self._stall_s * 1000 if self._greeted or not sys.stderr.isatty() else None
        poll = select.poll()
        poll.register(handle, event)
        if not poll.poll(limit):
            self._ssh.kill()
            raise ExternalError(
                f"'{self._host}' has not answered for {self._stall_s:g} seconds",
                hint="see whether the network is there, then try again",
            )

    def _lost(self) -> ExternalError:
        """Return why `ssh` ended, from what it printed."""
        deadline = time.monotonic() + _ENDS_S
        while self._ssh.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self._said.seek(0)
        said = self._said.read().decode("utf-8", "replace")
        if self._greeted:
            return ExternalError(
                f"the connection to '{self._host}' was lost{_reason(said)}",
                hint="run the same command again; it goes on from what has arrived",
            )
        return _refused(self._host, said)


_REFUSALS = (
    (
        "Could not resolve hostname",
        "the host '{host}' is not known",
        "see the URL of the remote, and ~/.ssh/config",
    ),
    (
        "IDENTIFICATION HAS CHANGED",
        "the host key of '{host}' is not the one that is known here",
        "if its owner says that it has a new one: ssh-keygen -R '{host}', then ssh '{host}'",
    ),
    (
        "Host key verification failed",
        "the host key of '{host}' is not known here",
        "ssh '{host}', and compare the fingerprint with the one its owner names",
    ),
    (
        "ermission denied (",
        "'{host}' does not let you in",
        "ssh '{host}' must work; see ssh-add -l and ~/.ssh/config",
    ),
    (
        "Too many authentication failures",
        "'{host}' does not let you in",
        "name the key for it in ~/.ssh/config",
    ),
    (
        "ubsystem request failed",
        "'{host}' has no SFTP",
        "its sshd_config needs a line: Subsystem sftp internal-sftp",
    ),
)
"""What `ssh` prints, what is the matter, and what to do."""


def _refused(host: str, said: str) -> ExternalError:
    for sign, message, hint in _REFUSALS:
        if sign in said:
            return ExternalError(message.format(host=host), hint=hint.format(host=host))
    return ExternalError(
        f"cannot reach '{host}'{_reason(said)}", hint=f"ssh '{host}' must work, with sftp"
    )


def _reason(said: str) -> str:
    """Return the last line that `ssh` printed, as the end of a message."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return ""
    line = "".join(letter if letter.isprintable() else "?" for letter in lines[-1])
    return f": {line.rstrip('.')[:200]}"
