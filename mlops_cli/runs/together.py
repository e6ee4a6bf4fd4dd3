"""Runs of code that end soon one after the other are recorded together.

Recording one costs some milliseconds, most of them for what many can share: a pack, and a move of
refs. So a run that ends within a second of the last recording waits, where whoever
looks at runs finds it and records it. This process does so with the first run that ends, or begins,
after that second, and at the latest as it ends.
"""

import atexit
import os
import threading
import time
from typing import NamedTuple

from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.runs import finish
from mlops_cli.runs import sink as sinks
from mlops_cli.runs.open_run import OpenRun

TOGETHER_S = 1.0


class _Waiting:
    """What has ended in this process and waits, and when this process last saw to runs."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._runs: list[tuple[Repository, OpenRun]] = []
        self._recorded = self._looked = _Moment("", float("-inf"))
        self._registered = False
        self._closing = False

    def put(self, repo: Repository, run: OpenRun) -> bool:
        """Let a run wait; return False where it is to be recorded at once, with those before it."""
        with self._guard:
            self._runs.append((repo, run))
            if self._closing or not self._recorded.is_now(repo):
                return False
            if not self._registered:
                self._registered = True
                atexit.register(_at_exit)
            return True

    def take(self, repo: Repository | None) -> list[tuple[Repository, OpenRun]]:
        """Return what waits, which is recorded now."""
        with self._guard:
            runs, self._runs = self._runs, []
            if repo is not None:
                self._recorded = _Moment(str(repo.root), time.monotonic())
            return runs

    def look(self, repo: Repository) -> bool:
        """Return whether to look for what others left: once a second."""
        with self._guard:
            if self._looked.is_now(repo):
                return False
            self._looked = _Moment(str(repo.root), time.monotonic())
            return True

    def close(self) -> None:
        """Let nothing wait from now on."""
        self._closing = True


class _Moment(NamedTuple):
    """When something was done about the runs of a project."""

    root: str
    at: float

    def is_now(self, repo: Repository) -> bool:
        soon = time.monotonic() - self.at < TOGETHER_S
        return soon and str(repo.root) == self.root


_waiting = _Waiting()


def _forget() -> None:
    """What a process has still to record is no business of its forks."""
    global _waiting
    _waiting = _Waiting()


os.register_at_fork(after_in_child=_forget)


def end(repo: Repository, run: OpenRun) -> None:
    """Record a run of which was noted how it ended, or let it wait for others.

    What it logged of the work tree is stored as it is now, so such a run does not wait.

    Raises:
        MloError, OSError: it cannot be recorded yet; the next command will.
    """
    run.journal.read()
    has_paths = run.journal.says("path")
    run.release()
    if not _waiting.put(repo, run) or has_paths:
        flush(repo)


def see_to(repo: Repository) -> None:
    """Record what others left, and what waits here; at most once a second."""
    if _waiting.look(repo):
        flush()
        finish.reap(repo)


def flush(repo: Repository | None = None) -> None:
    """Record all runs of this process that have ended and wait.

    What ends in `repo` within a second from now waits for the next time.

    Raises:
        MloError, OSError: the disk refuses; they stay where they are, for the next command.
    """
    groups: dict[str, tuple[Repository, list[OpenRun]]] = {}
    for owner, run in _waiting.take(repo):
        if run.lead():
            groups.setdefault(str(owner.root), (owner, []))[1].append(run)
    for owner, runs in groups.values():
        try:
            finish.record_all(owner, runs)
        finally:
            for run in runs:
                run.release()


def _at_exit() -> None:
    _waiting.close()
    try:
        flush()
    except (MloError, OSError, RuntimeError) as error:
        sinks.warn_once(f"mlo could not record all runs yet: {error}")
