"""Tables whose rows come by in blocks, and are gone: what is left of each column is its sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.data import table_blocks
from mlops_cli.data.table import suffix_of
from mlops_cli.monitor import kinds
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.sources import frame
from mlops_cli.monitor.sources import moments as moments_of
from mlops_cli.monitor.sources.sums import Sum

if TYPE_CHECKING:
    import pandas as pd

Making = Callable[[], Sum]
"""Makes the sum of one more column of a table."""
Begin = Callable[[], Making]
"""Begins with the columns of a table, which may have to be read once more."""

_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Blocks:
    """A table that has been read."""

    names: tuple[str, ...]
    rows: int
    sums: Mapping[str, Sum]

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        return self.sums[name].distribution()

    @property
    def mixed(self) -> frozenset[str]:
        """Columns of which some values were text, and others something else."""
        return frozenset(name for name, kept in self.sums.items() if getattr(kept, "mixed", False))


def of_file(
    path: Path, name: str, begin: Begin, *, as_text: frozenset[str] = frozenset()
) -> Blocks:
    """Return the columns of the file at `path` that is called `name`, as pandas reads it.

    Columns `as_text` of delimited text are read as they are written.

    Raises:
        RequestError: it is no table.
        ExternalError: it cannot be read.
    """
    text = suffix_of(name) in (".csv", ".tsv")
    late = as_text
    while True:
        frames = table_blocks.blocks(path, name, rows=_ROWS, as_text=late)
        found = of_frames(frames, begin, moments=text, as_text=late)
        if not text or found.mixed <= late:
            return found
        late |= found.mixed


def of_frames(
    frames: Iterable[pd.DataFrame],
    begin: Begin,
    *,
    moments: bool = False,
    as_text: frozenset[str] = frozenset(),
) -> Blocks:
    """Return the columns of data frames one below the other.

    With `moments` text that is a date in ISO 8601 is one, but in the columns `as_text`.
    """
    found = Columns(begin(), moments=moments, as_text=as_text)
    for part in frames:
        found.add(part)
    return found.table()


class Columns:
    """The columns of data frames one below the other, which need not all have the same."""

    def __init__(
        self, make: Making, *, moments: bool = False, as_text: frozenset[str] = frozenset()
    ) -> None:
        """Begin with none; arguments as of `of_frames`."""
        self.rows = 0
        self._make, self._moments, self._as_text = make, moments, as_text
        self._sums: dict[str, Sum] = {}

    def add(self, part: pd.DataFrame) -> None:
        """Add some rows."""
        names = list(map(str, part.columns))
        for name in names:
            if name not in self._sums:
                self._sums[name] = self._make()
                if self.rows:
                    self._sums[name].add_texts({}, self.rows)
        for place, name in enumerate(names):
            moments = self._moments and name not in self._as_text
            add_series(self._sums[name], part.iloc[:, place], moments=moments)
        for name in self._sums.keys() - set(names):
            self._sums[name].add_texts({}, len(part))
        self.rows += len(part)

    def table(self) -> Blocks:
        """Return all that was added in sum."""
        return Blocks(tuple(self._sums), self.rows, self._sums)


def add_series(kept: Sum, values: pd.Series[Any], *, moments: bool = False) -> None:
    """Add a block of a column of a data frame."""
    kind = kinds.kind_of(values)
    present = values.dropna()
    nulls = len(values) - len(present)
    if kind == "empty":
        kept.add_texts({}, nulls)
    elif kind == "datetime":
        kept.add_numbers(kind, frame.seconds(present), nulls)
    elif kind != "category":
        kept.add_numbers(kind, frame.numbers_of(present, boolean=kind == "boolean"), nulls)
    elif moments and (seconds := _moments(present)) is not None:
        kept.add_numbers("datetime", seconds, nulls)
    else:
        kept.add_texts(Counter(frame.counted(present)), nulls)


def _moments(present: pd.Series[Any]) -> Any:
    """Return texts as moments in seconds since 1970; None when one of them is none."""
    if not moments_of.looks_like_one(str(present.iloc[0])):
        return None
    import pandas as pd

    try:
        return frame.seconds(pd.to_datetime(present, utc=True, format="ISO8601"))
    except ValueError:
        return None
