"""A table, told for people: its columns, which go together, and rows that are there twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass
from mlops_cli.monitor.distribution import Distribution, Table
from mlops_cli.monitor.profiling import column as columns
from mlops_cli.monitor.profiling.column import ColumnProfile
from mlops_cli.monitor.profiling.together import Pair, Rows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TableProfile:
    """A table.

    Attributes:
        rows: how many.
        columns: in the order of the table.
        repeated: rows that are like one before them in every column; None if not counted.
        pairs: columns of numbers that go together, by Spearman's correlation, the closest first.
        sampled: so many rows, evenly chosen, the correlations are of.
        oddities: what about the table, not about one column, should be looked at.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    repeated: int | None = None
    pairs: tuple[Pair, ...] = ()
    sampled: int = 0
    oddities: tuple[str, ...] = ()


def profile(table: Table, blocks: Iterable[pd.DataFrame] = ()) -> TableProfile:
    """Return what is to be said of a table.

    Args:
        table: its columns in sum.
        blocks: its rows, some thousands at a time; without them nothing is said of what columns
            have to do with each other.

    >>> import pandas as pd
    >>> from mlops_cli.monitor.sources.frame import of_frame
    >>> frame = pd.DataFrame({"x": [1, 2, 2], "y": [3.0, 5.0, 5.0]})
    >>> found = profile(of_frame(frame), [frame])
    >>> found.repeated, found.columns[1].mean
    (1, 4.333333333333333)
    """
    rows = Rows()
    for block in blocks:
        rows.add(block)
    told = tuple(columns.profile(name, column) for name, column in _each(table))
    repeated = rows.repeated()
    pairs = rows.pairs()
    return TableProfile(
        rows=table.rows,
        columns=told,
        repeated=repeated,
        pairs=pairs,
        sampled=rows.sampled,
        oddities=tuple(_oddities(table, repeated, pairs)),
    )


def _each(table: Table) -> Iterator[tuple[str, Distribution]]:
    """Yield the columns of a table; of those with one name one."""
    for name in dict.fromkeys(table.names):
        yield name, table.column(name)


def _oddities(table: Table, repeated: int | None, pairs: tuple[Pair, ...]) -> Iterator[str]:
    if not table.rows:
        yield "the table has no row"
    twice = [name for name in dict.fromkeys(table.names) if table.names.count(name) > 1]
    if twice:
        yield f"more than one column is called '{twice[0]}'; one of them is told"
    if repeated:
        yield f"{repeated:,} row{' is' if repeated == 1 else 's are'} there already"
    for pair in pairs:
        if abs(pair.correlation) >= _SAME:
            yield f"'{pair.first}' and '{pair.second}' order the rows nearly alike"


_SAME = 0.99
