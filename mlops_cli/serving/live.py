"""The model version that answers, and its replacement while requests go on.

A thread looks every `POLL_S` seconds whether the repository's refs file was replaced. If the
reference now means another version, that one is loaded beside, asked to predict one row, and
then takes the place of the old one by a single assignment. Requests keep the version that they
were checked against until they are answered. A version that fails leaves the old one in place.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlops_cli.core.clock import now
from mlops_cli.data.prediction_log import Source
from mlops_cli.errors import MloError
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.serving.validate import Columns, Validator

POLL_S = 0.1
RETRY_S = 5.0
_LONGEST_RETRY_S = 300.0
_TIMED = 3


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of some rows: JSON values, and the share of each class if it has any."""

    predictions: list[Any]
    shares: list[list[float]] | None


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """A loaded model version, ready to answer."""

    reference: str
    """What it was found by, such as `churn@production`."""
    model: str
    version: int
    version_id: str
    signature: Signature
    classes: tuple[Any, ...] | None
    validator: Validator
    answer: Callable[[Columns], Answers]
    """From checked values by column to answers. Called by one thread at a time."""
    source: Source
    since: str
    row_s: float = math.inf
    """Seconds that an answer to one row takes, once warmed; `warmed` measures it."""

    @property
    def class_names(self) -> list[str]:
        """The classes as text, the keys of their shares in an answer."""
        return [str(name) for name in self.classes or ()]


@dataclass(frozen=True, slots=True)
class Found:
    """The version that a reference means now, not loaded yet."""

    reference: str
    version_id: str
    load: Callable[[], Live]


class Slot:
    """The place of the version that answers."""

    def __init__(
        self,
        find: Callable[[], Found],
        refs: Path,
        *,
        say: Callable[[str], None],
    ) -> None:
        """Load what `find` finds and warm it.

        `refs` is the file whose replacement can change that; `say` is told of each change.

        Raises:
            MloError: there is no such version, or it does not load.
        """
        self.swaps = 0
        self.failures = 0
        self.failure: str | None = None
        self._find = find
        self._refs = refs
        self._say = say
        self._seen = _stamp(refs)
        self._retry_at: float | None = None
        self._retry_s = RETRY_S
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="swap", daemon=True)
        self.live = warmed(find().load())

    def watch(self) -> None:
        """Start to follow the reference."""
        self._thread.start()

    def close(self) -> None:
        """Stop following; a version that is being loaded is not waited for."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            stamp = _stamp(self._refs)
            due = self._retry_at is not None and time.monotonic() >= self._retry_at
            if stamp != self._seen:
                self._seen, self._retry_s = stamp, RETRY_S
                self._follow()
            elif due:
                self._follow()

    def _follow(self) -> None:
        try:
            found = self._find()
            if found.version_id != self.live.version_id:
                self._swap(warmed(found.load()))
            elif found.reference != self.live.reference:
                self.live = replace(self.live, reference=found.reference)
        except MloError as error:
            self._fail(error.message)
        except Exception as error:  # noqa: BLE001  whatever a model file does, the old one serves
            self._fail(f"{type(error).__name__}: {error}")
        else:
            self.failure = self._retry_at = None

    def _swap(self, fresh: Live) -> None:
        old, self.live = self.live, fresh
        self.swaps += 1
        self._say(
            f"{fresh.model} v{fresh.version} ({fresh.reference}) answers from now on,"
            f" in place of v{old.version}"
        )

    def _fail(self, why: str) -> None:
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)
        if why != self.failure:
            self.failure = why
            self.failures += 1
            self._say(f"{self.live.model} v{self.live.version} goes on answering: {why}")


def warmed(live: Live) -> Live:
    """Return `live` after it has predicted a row made up from its signature, and timed.

    Raises:
        MloError: the model refuses the row.
    """
    row = [[_example(column)] for column in live.signature.columns]
    live.answer(row)
    took = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        live.answer(row)
        took.append(time.perf_counter() - started)
    return replace(live, row_s=min(took))


def example(signature: Signature) -> dict[str, Any]:
    """Return a row that the signature allows: the middle of each range, or the first category.

    >>> example(Signature((Column("age", "integer", 20, 60), Column("job", "text"))))
    {'age': 40, 'job': 'text'}
    """
    return {column.name: _example(column) for column in signature.columns}


def _example(column: Column) -> Any:
    low, high = column.minimum, column.maximum
    if column.kind == "datetime":
        return low if isinstance(low, str) else now().removesuffix("Z")
    if column.kind in {"number", "integer"}:
        middle = 0.0
        if isinstance(low, int | float) and isinstance(high, int | float):
            middle = low + (high - low) / 2
        return int(middle) if column.kind == "integer" else float(f"{middle:.6g}")
    if column.kind == "boolean":
        return False
    if column.categories:
        return column.categories[0]
    return None if column.kind == "category" and column.nullable else "text"


def _stamp(path: Path) -> Sequence[int]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ino, found.st_size)
