"""Processes that end where whoever began them is killed: nothing goes on that nobody leads.

A shell waits for the end of a pipe that only we hold open. Killed, we cannot do anything any more,
and it does. (`PR_SET_PDEATHSIG` reaches the first process alone, and wants code between fork and
exec, which is not sound beside threads.)
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REAP = """\
import sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.runs.finish import reap
reap(open_repository(Path(sys.argv[1])))
"""


@contextmanager
def group() -> Iterator[int]:
    """Yield a process group for others to join, which is killed where we are."""
    with _waits("read _; kill -KILL 0") as guard:
        yield guard.pid


@contextmanager
def reaped(root: Path) -> Iterator[None]:
    """Have what runs of a project left running be stopped, and recorded, where we are killed."""
    words = (sys.executable, "-P", "-c", _REAP, str(root))
    with _waits('read _; exec "$@"', "sh", *words):
        yield


@contextmanager
def _waits(line: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    guard = subprocess.Popen(
        ["/bin/sh", "-c", line, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield guard
    finally:
        guard.kill()
        guard.communicate()
