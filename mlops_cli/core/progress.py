"""How long work tells how far it is, without knowing who watches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Somebody who watches. Called from one thread; must be cheap enough for every file."""

    def task(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Open a task of `total` units (None when unknown) and yield `advance(units)`."""


class _Silent:
    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        yield lambda _: None


SILENT: Progress = _Silent()
