"""Storing what steps made, several steps at a time: a pack for each would take longer than they do.

A step counts as done, for whoever resumes after a kill, once its batch is in the store; that is
after half a second at most while others run.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.repository import Repository

T = TypeVar("T")

WAIT_S = 0.5


class Batch:
    """What is to be stored together, and what is to be noted after that."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._stack: ExitStack | None = None
        self._writer: PackWriter | None = None
        self._notes: list[Callable[[], None]] = []
        self._due = 0.0

    def writer(self) -> PackWriter:
        """Return the writer that objects of this batch go to."""
        if self._writer is None:
            self._stack = ExitStack()
            self._stack.enter_context(self._repo.writing())
            self._writer = self._stack.enter_context(self._repo.objects.writer())
            self._due = time.monotonic() + WAIT_S
        return self._writer

    def then(self, note: Callable[[], None]) -> None:
        """Call `note` once all that was put so far is in the store."""
        if self._writer is None:
            note()
        else:
            self._notes.append(note)

    def wait_s(self) -> float | None:
        """Return how long the batch may wait for more; None when there is nothing in it."""
        return None if self._writer is None else max(self._due - time.monotonic(), 0.0)

    def flush(self) -> None:
        """Store the batch, and note what was to be noted."""
        stack, self._stack, self._writer = self._stack, None, None
        if stack is None:
            return
        notes, self._notes = self._notes, []
        with self._repo.writing():
            stack.close()
            for note in notes:
                note()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be stored."""
        return self._writer is None

    def end(self, put: Callable[[PackWriter], T]) -> T:
        """Have `put` add to what waits, store all of it, and return what `put` does.

        What was to be noted is not: what was put says it.
        """
        writer = self.writer()
        stack, self._stack, self._writer = self._stack, None, None
        self._notes = []
        assert stack is not None
        with self._repo.writing(), stack:
            return put(writer)

    def drop(self) -> None:
        """Leave what was not stored; its steps were not noted."""
        stack, self._stack, self._writer = self._stack, None, None
        self._notes = []
        if stack is not None:
            stack.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
