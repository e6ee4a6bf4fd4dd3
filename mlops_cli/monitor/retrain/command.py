"""Fresh rows that a command prints: in so long, at most so much, and ended with whoever asked."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from mlops_cli.errors import ExternalError
from mlops_cli.runs import guard

MOST_BYTES = 2**30
"""More than that is no query for the newest rows, and may never end."""
_READ_BYTES = 2**16
_KEPT = 8192
_TOLD = 300


def printed(command: str | tuple[str, ...], root: Path, timeout_s: float) -> bytes:
    """Return what a command prints, run in a folder; all it began is ended with it.

    Raises:
        ExternalError: it is not there, fails, takes too long, or prints too much or nothing.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    with guard.group() as group:
        try:
            process = subprocess.Popen(
                argv,
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=group,
            )
        except OSError as error:
            why = "is not there" if isinstance(error, FileNotFoundError) else "cannot be run"
            raise ExternalError(f"the command for fresh rows {why}: {argv[0]}") from error
        with process:
            try:
                out, said = _read(process, time.monotonic() + timeout_s, timeout_s)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
                raise
    if process.returncode:
        raise ExternalError(
            f"the command for fresh rows ended with {process.returncode}: {_last(said)}"
        )
    if not out.strip():
        raise ExternalError(
            "the command for fresh rows printed nothing",
            hint="it has to print a table as CSV, its first line the names of the columns",
        )
    return out


def _read(process: subprocess.Popen[bytes], until: float, timeout_s: float) -> tuple[bytes, bytes]:
    """Return what a command prints to its end, and the last of what it says on standard error."""
    out, said, size = list[bytes](), b"", 0
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(until - time.monotonic(), 0.0))
            if not ready and time.monotonic() >= until:
                raise _too_long(timeout_s)
            for key, _ in ready:
                data = os.read(key.fd, _READ_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    said = (said + data)[-_KEPT:]
                else:
                    out.append(data)
                    size += len(data)
            if size > MOST_BYTES:
                raise ExternalError(
                    f"the command for fresh rows printed over {MOST_BYTES // 2**20:,} MiB",
                    hint="let it print the newest rows only",
                )
            if time.monotonic() >= until:
                raise _too_long(timeout_s)
    try:
        process.wait(max(until - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        raise _too_long(timeout_s) from None
    return b"".join(out), said


def _too_long(timeout_s: float) -> ExternalError:
    return ExternalError(
        f"the command for fresh rows was stopped after {timeout_s:g} s",
        hint="make it faster, or let it take longer: source: {command: CMD, timeout: 1h}",
    )


def _last(said: bytes) -> str:
    from mlops_cli.runs.secrets import masked_text

    lines = said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return masked_text(lines[-1])[:_TOLD]
