"""A column in sum while its rows come by in blocks: exact, in bounded memory with a disk beside."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_cli.core.files import outside
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.sources import numbers, texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUDGET_BYTES = 400_000_000
"""So many bytes of numbers of one table are held in memory; more go to a file that nobody sees."""
MOST_TEXTS = 500_000
"""So many different texts of a column are counted; what is new after these is counted together."""


class Sum(Protocol):
    """What is known of a column so far."""

    def add_numbers(self, kind: Kind, present: NDArray[Any], nulls: int) -> None:
        """Add numbers, booleans or moments (in seconds since 1970); NaN is no value."""

    def add_texts(self, counts: Mapping[str, int], nulls: int) -> None:
        """Add texts, each as often as it is there."""

    def distribution(self) -> Distribution:
        """Return all that was added in sum."""


def add_arrow(kept: Sum, column: Any) -> None:
    """Add a block of a column that is an array of Arrow's, chunked or not."""
    import pyarrow as pa

    from mlops_cli.monitor.sources import arrow

    if not isinstance(column, pa.ChunkedArray):
        column = pa.chunked_array([column])
    kind, nulls = arrow.kind_of(column.type), column.null_count
    if kind == "empty" or nulls == len(column):
        kept.add_texts({}, len(column))
    elif kind == "category":
        kept.add_texts(arrow.as_counts(column), nulls)
    else:
        kept.add_numbers(kind, arrow.values(column), nulls)


class Scratch:
    """Numbers of the columns of one table: in memory while they are few, else on disk."""

    def __init__(self, folder: Path | None = None, budget: int | None = None) -> None:
        self._folder = folder
        self._left = BUDGET_BYTES if budget is None else budget
        self._budget = self._left
        self._held: list[Numbers] = []
        self._file: BufferedRandom | None = None
        self._end = 0

    def numbers(self) -> Numbers:
        """Return a place for the numbers of one more column."""
        self._held.append(Numbers(self))
        return self._held[-1]

    def took(self, size: int) -> None:
        """Note that so many bytes more are held.

        Raises:
            ExternalError: they are too many, and the disk refuses them.
        """
        self._left -= size
        if self._left < 0:
            for one in self._held:
                one.spill()
            self._left = self._budget

    def write(self, blocks: Sequence[NDArray[Any]]) -> int:
        """Write numbers, one block behind the other, and return where they begin.

        Raises:
            ExternalError: the disk refuses them.
        """
        import numpy as np

        start = self._end
        try:
            if self._file is None:
                if self._folder is not None:
                    self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  closed with us
            for block in blocks:
                self._end += self._file.write(np.asarray(block, np.float64).tobytes())
            self._file.flush()
        except OSError as error:
            raise outside(error, self._folder or Path(tempfile.gettempdir())) from error
        return start

    def read(self, start: int, into: NDArray[np.float64]) -> None:
        """Read numbers that were written; several threads may at once."""
        assert self._file is not None
        left = into.data.cast("B")
        while left:
            done = os.preadv(self._file.fileno(), [left], start)
            if not done:
                raise OSError(f"a file of the system's ends at {start}")
            left, start = left[done:], start + done

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


class Numbers:
    """The numbers of one column, in the order they came."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._blocks: list[NDArray[Any]] = []
        self._spilled: list[tuple[int, int]] = []

    def add(self, present: NDArray[Any]) -> None:
        """Add numbers; the array is kept, so nobody else may write to it."""
        self._blocks.append(present)
        self._scratch.took(present.nbytes)

    def spill(self) -> None:
        """Write what is in memory to the file."""
        if self._blocks:
            rows = sum(map(len, self._blocks))
            self._spilled.append((self._scratch.write(self._blocks), rows))
            self._blocks = []

    def all(self) -> NDArray[Any]:
        """Return all numbers, in an array of one's own."""
        import numpy as np

        if not self._spilled:
            return np.concatenate(self._blocks) if self._blocks else np.zeros(0)
        held = sum(map(len, self._blocks))
        found = np.empty(sum(rows for _, rows in self._spilled) + held)
        at = 0
        for start, rows in self._spilled:
            self._scratch.read(start, found[at : at + rows])
            at += rows
        if held:
            np.concatenate(self._blocks, out=found[at:])
        return found


class ExactSum:
    """Every number, and how often each text is there."""

    def __init__(self, scratch: Scratch, most_texts: int | None = None) -> None:
        self._numbers = scratch.numbers()
        self._most_texts = MOST_TEXTS if most_texts is None else most_texts
        self._kinds: set[Kind] = set()
        self._rows = 0
        self._nulls = 0
        self._texts: Counter[str] = Counter()
        self._lengths: Counter[int] = Counter()
        self._late = 0

    @property
    def mixed(self) -> bool:
        """Whether some values were text, and others something else."""
        return len(self._kinds - {"boolean"}) > 1

    def add_numbers(self, kind: Kind, present: NDArray[Any], nulls: int) -> None:
        """Add numbers; the array is kept, so nobody else may write to it."""
        self._rows += len(present) + nulls
        self._nulls += nulls
        if len(present):
            self._kinds.add(kind)
            self._numbers.add(present)

    def add_texts(self, counts: Mapping[str, int], nulls: int) -> None:
        """Add texts, each as often as it is there."""
        self._rows += sum(counts.values()) + nulls
        self._nulls += nulls
        if counts:
            self._kinds.add("category")
            self._late += _count(self._texts, self._lengths, counts, self._most_texts)

    def merge(self, other: ExactSum) -> None:
        """Add what another has seen."""
        self._rows += other._rows
        self._nulls += other._nulls
        self._kinds |= other._kinds
        held = other._numbers.all()
        if len(held):
            self._numbers.add(held)
        self._late += other._late + _count(self._texts, Counter(), other._texts, self._most_texts)
        self._lengths.update(other._lengths)

    def distribution(self) -> Distribution:
        """Return all that was added in sum; of mixed values as text."""
        kinds = self._kinds
        if not kinds:
            return Distribution("empty", self._rows, self._rows)
        if "category" not in kinds and not {"datetime", "number"} <= kinds:
            kind: Kind = "number" if "number" in kinds else next(iter(kinds))
            return numbers.summed(kind, self._rows, self._numbers.all())
        counts, lengths, late = Counter(self._texts), Counter(self._lengths), self._late
        held = self._numbers.all()
        if len(held):
            told = spelled(held, truth=kinds == {"boolean", "category"})
            late += _count(counts, lengths, told, self._most_texts)
        distinct = len(counts) + late
        return texts.of_lengths(self._rows, counts, by_length(lengths), distinct=distinct)


def _count(known: Counter[str], lengths: Counter[int], counts: Mapping[str, int], most: int) -> int:
    """Count texts; return how many rows have one that came when enough were known."""
    for text, rows in counts.items():
        lengths[len(text)] += rows
    if len(known) + len(counts) <= most:
        known.update(counts)
        return 0
    late = 0
    for text, rows in counts.items():
        if text in known or len(known) < most:
            known[text] += rows
        else:
            late += rows
    return late


def by_length(lengths: Mapping[int, int]) -> NDArray[np.int64]:
    """Return how many texts have 0, 1, 2, ... letters."""
    import numpy as np

    found = np.zeros(max(lengths, default=-1) + 1, np.int64)
    for length, rows in lengths.items():
        found[length] = rows
    return found


def spelled(present: NDArray[Any], *, truth: bool) -> dict[str, int]:
    """Return numbers as they would be written in text, and how often each is there."""
    import numpy as np

    values, counts = np.unique(present[present == present], return_counts=True)
    if truth:
        told: Iterable[str] = ["True" if value else "False" for value in values.tolist()]
    else:
        told = [str(int(v)) if float(v).is_integer() else str(v) for v in values.tolist()]
    return dict(zip(told, counts.tolist(), strict=True))
