"""The output of a batch: a table that is written part by part, of the kind that its name says."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry import rows as rows_of
from mlops_cli.registry.batch import arrow_csv
from mlops_cli.registry.batch.reading import Part
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

New = Mapping[str, Any]
"""Columns to add, by name: an array, or one value that is the same in all rows."""


class Output:
    """A table under way. As a context it is closed and synced at the end."""

    def __init__(
        self, path: Path, target: Path, signature: Signature | None, *, converts: bool
    ) -> None:
        """Write to `path` what is to become `target`.

        With `converts` the model's columns are written by their kinds, not as they were.
        """
        self._suffix = target.suffix.lower()
        self._converts = converts
        self._signature = signature
        self._file = path.open("xb")
        self._parquet: Any = None
        self._empty = True
        self._names: list[str] = []

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, *_: object) -> None:
        if self._parquet is not None:
            self._parquet.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(self, part: Part, new: New) -> None:
        """Write rows and their new columns.

        Raises:
            RequestError: the rows have no form in this kind of file.
            OSError: the disk refuses.
        """
        if self._suffix == ".parquet":
            self._write_parquet(part, new)
        elif self._suffix in (".jsonl", ".ndjson"):
            if part.lines is None:
                self._file.writelines(_json_lines(self._frame(part).assign(**new)))
            else:
                bare = self._frame(part)[[]]
                self._file.writelines(_extended(part.lines, bare.assign(**new)))
        else:
            self._write_text(self._frame(part).assign(**new), part)
        self._empty = False

    def _frame(self, part: Part) -> "pd.DataFrame":
        if self._converts and not part.is_arrow:
            return part.taken
        return arrow_csv.frame(part.given, None, text=False) if part.is_arrow else part.given

    def _write_text(self, frame: "pd.DataFrame", part: Part) -> None:
        if self._empty:
            self._names = list(frame.columns)
        elif self._names != list(frame.columns):
            late = next(name for name in frame.columns if name not in self._names)
            raise RequestError(
                f"the column '{late}' begins after the first {part.first:,} rows",
                hint="write .jsonl instead, where each row has its own columns",
            )
        separator = "\t" if self._suffix == ".tsv" else ","
        frame.to_csv(self._file, sep=separator, index=False, header=self._empty)

    def _write_parquet(self, part: Part, new: New) -> None:
        pyarrow = rows_of.pyarrow()
        try:
            table = self._table(pyarrow, part, new)
            if self._parquet is None:
                words = [one.name for one in table.schema if not _is_number(pyarrow, one.type)]
                self._parquet = pyarrow.parquet.ParquetWriter(
                    self._file, table.schema, use_dictionary=words
                )
            self._parquet.write_table(table.cast(self._parquet.schema))
        except (pyarrow.ArrowException, TypeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise RequestError(
                f"the rows have no form in Parquet: {reason}", hint="write .csv or .jsonl instead"
            ) from error

    def _table(self, pyarrow: Any, part: Part, new: New) -> Any:
        if part.is_arrow:
            table = part.given
            if self._converts:
                table = _converted(pyarrow, table, part.taken, self._signature)
        else:
            frame = part.taken if self._converts else part.given
            table = pyarrow.Table.from_pandas(frame, preserve_index=False)
            table = table.replace_schema_metadata(None)  # pandas' types, which no reader needs
        for name, values in new.items():
            if isinstance(values, str):
                added = pyarrow.repeat(pyarrow.scalar(values), part.rows)
            else:
                added = pyarrow.array(values, from_pandas=True)
            table = table.append_column(name, added)
        return table


def _is_number(pyarrow: Any, kind: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_floating(kind) or types.is_integer(kind) or types.is_timestamp(kind))


def _converted(pyarrow: Any, table: Any, taken: "pd.DataFrame", signature: Signature | None) -> Any:
    """Return a table of text with the model's columns by their kinds, null where they have gaps."""
    kinds = {} if signature is None else {one.name: one.kind for one in signature.columns}
    arrow = {"number": pyarrow.float64(), "integer": pyarrow.int64(), "boolean": pyarrow.bool_()}
    for name in taken.columns:
        place = table.column_names.index(name)
        made = pyarrow.array(taken[name], from_pandas=True)
        wanted = arrow.get(kinds.get(name, ""))
        table = table.set_column(place, name, made if wanted is None else made.cast(wanted))
    return table


def _json_lines(frame: "pd.DataFrame") -> Iterator[bytes]:
    """Yield a line for each row; every float reads back equal, which pandas' own JSON does not."""
    import orjson

    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    for row in frame.to_dict("records"):
        yield orjson.dumps(row, default=_plain, option=option)


def _plain(value: Any) -> str | None:
    """Return what is no JSON as text; a missing value as null."""
    import pandas as pd

    return None if value is pd.NA or value is pd.NaT else str(value)


def _extended(lines: list[bytes], new: "pd.DataFrame") -> Iterator[bytes]:
    """Yield lines of JSON as they are, with new keys at their ends."""
    for line, more in zip(lines, _json_lines(new), strict=True):
        held = line[:-1].rstrip()
        yield held + (b"" if held == b"{" else b",") + more[1:]
