"""The rows of a file in parts, as a batch needs them: what the model takes, and what is repeated.

Parquet goes through as Arrow tables, of which only the model's columns become arrays. So does CSV
that is to become Parquet, where Arrow reads it; what Arrow refuses, pandas goes on with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.data import arrow_text
from mlops_cli.errors import RequestError
from mlops_cli.registry import inputs
from mlops_cli.registry import rows as rows_of
from mlops_cli.registry.batch import arrow_csv
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

_VALUES = 4_000_000
_MOST_ROWS, _FEWEST_ROWS = 65_536, 256


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a file.

    Attributes:
        first: how many rows stand before.
        given: the rows as they are written, with all columns; a table of Arrow's or of pandas'.
        taken: what the model takes, parsed.
        lines: of JSON, the rows as they are written.
    """

    first: int
    rows: int
    given: Any
    taken: "pd.DataFrame"
    lines: list[bytes] | None = None

    @property
    def is_arrow(self) -> bool:
        """Whether `given` is Arrow's."""
        return hasattr(self.given, "num_rows")


def part_rows(columns: int, most: int = _MOST_ROWS) -> int:
    """Return how many rows a part of a table with so many columns has.

    >>> part_rows(10), part_rows(1_000), part_rows(1_000_000)
    (65536, 4000, 256)
    """
    return min(most, max(_VALUES // max(columns, 1), _FEWEST_ROWS))


def parts(
    source: Path, signature: Signature | None, *, most_rows: int, arrow: bool
) -> Iterator[Part]:
    """Yield the rows of a file in order; one without rows gives one part without rows.

    With `arrow` what is repeated of CSV may be a table of Arrow's.

    Raises:
        RequestError: there is no such file, it is no table, or a value does not fit the model;
            the message names its row and column.
        ExternalError: it cannot be read.
    """
    first = 0
    suffix = source.suffix.lower()
    if suffix == ".parquet" or (arrow and suffix in rows_of.TEXT):
        for given in rows_of.guarded(source, _tables(source, most_rows)):
            if hasattr(given, "num_rows"):
                yield _of_table(source, given, signature, first)
                first += given.num_rows
            else:
                yield _of_frame(source, rows_of.Chunk(given), signature, first)
                first += len(given)
        return
    for chunk in rows_of.chunks(source, rows=most_rows):
        yield _of_frame(source, chunk, signature, first)
        first += len(chunk.frame)


def _tables(source: Path, most_rows: int) -> Iterator[Any]:
    if source.suffix.lower() != ".parquet":
        yield from arrow_csv.tables(source, rows=most_rows)
        return
    arrow = rows_of.pyarrow()
    with arrow.parquet.ParquetFile(arrow_text.source(source), memory_map=True) as file:
        rows_of.check_names(file.schema_arrow.names)
        rows, empty = part_rows(len(file.schema_arrow.names), most_rows), True
        for batch in file.iter_batches(batch_size=rows):
            empty = False
            yield arrow.Table.from_batches([batch]).replace_schema_metadata(None)
        if empty:
            yield file.schema_arrow.empty_table().replace_schema_metadata(None)


def _of_table(source: Path, given: Any, signature: Signature | None, first: int) -> Part:
    text = source.suffix.lower() in rows_of.TEXT
    names = given.column_names if signature is None else signature.names
    there = [name for name in names if name in given.column_names]
    frame = arrow_csv.frame(given.select(there), signature, text=text)
    taken = inputs.typed(frame, signature, first_row=first, where=str(source), text=text)
    return Part(first, given.num_rows, given, taken)


def _of_frame(source: Path, chunk: Any, signature: Signature | None, first: int) -> Part:
    text = source.suffix.lower() in rows_of.TEXT
    taken = inputs.typed(chunk.frame, signature, first_row=first, where=str(source), text=text)
    return Part(first, len(chunk.frame), chunk.frame, taken, chunk.lines)


def check_double(part: Part, new: list[str]) -> None:
    """Raise RequestError when the input has a column that the output needs."""
    names = part.given.column_names if part.is_arrow else part.given.columns
    double = [name for name in new if name in names]
    if double:
        raise RequestError(
            f"the input has a column '{double[0]}', which the output needs",
            hint="rename it, or take it out",
        )


def check_there(part: Part, signature: Signature | None) -> None:
    """Raise RequestError when the input lacks a column of the model, which no row would show."""
    names = () if signature is None else signature.names
    missing = [name for name in names if name not in part.taken.columns]
    if missing and len(part.taken.columns):
        raise RequestError(f"the table has no column '{missing[0]}', which the model takes")
