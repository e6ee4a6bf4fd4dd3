"""What is told of a table that changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlops_cli.data.tables.rows import RowState
from mlops_cli.errors import RequestError

Value = float | int | str | None
KeyOrigin = Literal["option", "settings", "inferred"]


class KeyUnknown(RequestError):
    """The key that was asked for has a column that neither version of the table has."""


@dataclass(frozen=True, slots=True)
class Key:
    """The columns by which rows of both versions belong together.

    Attributes:
        repeated_before: how many keys are there more than once in the old version; None when
            it was not counted.
        missing_before: how many of its rows have no value in a column of the key.
    """

    columns: tuple[str, ...]
    origin: KeyOrigin
    repeated_before: int | None = None
    repeated_after: int | None = None
    missing_before: int | None = None
    missing_after: int | None = None


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell of a row."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowExample:
    """One row that differs.

    Attributes:
        key: the key's cells by column; empty without a key.
        cells: of a changed row, the cells that differ.
        row: of a row added or removed, its cells by column.
    """

    state: RowState
    key: Mapping[str, str]
    cells: tuple[CellChange, ...] = ()
    row: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Retyped:
    """A column whose values are of another type now."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number or word that describes a column, before and after."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """A column that both versions have.

    Attributes:
        noticeable: whether it changed so much that it is shown unasked.
        about: whether `distinct` is an estimate, good to about 2 %.
        top_before: the most frequent values of a column of words, with their counts; of a
            column with very many different values, none.
    """

    column: str
    noticeable: bool
    about: bool
    statistics: tuple[Statistic, ...]
    top_before: tuple[tuple[str, int], ...] = ()
    top_after: tuple[tuple[str, int], ...] = ()

    @property
    def changed(self) -> tuple[Statistic, ...]:
        """The statistics that are not what they were."""
        return tuple(one for one in self.statistics if one.before != one.after)


@dataclass(frozen=True, slots=True)
class TableChange:
    """How a table changed.

    With a key, rows of the same key and different cells are changed rows. Without one, or where
    several rows of one key differ, they count as removed and added. Cells are compared over the
    columns that both versions have: as text in CSV and JSON lines, as values in Parquet.

    Attributes:
        rows_changed: None without a key.
        statistics: of each column that both have; empty when they were not asked for.
        notes: what else is different, or was in the way.
    """

    rows_before: int
    rows_after: int
    rows_added: int
    rows_removed: int
    rows_changed: int | None
    key: Key | None
    columns_before: int
    columns_after: int
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_retyped: tuple[Retyped, ...]
    columns_moved: bool
    statistics: tuple[ColumnStatistics, ...]
    examples: tuple[RowExample, ...]
    notes: tuple[str, ...]
