"""A Parquet file as a table: one column is read at a time, and the others are not touched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_cli.data import arrow_text, table_words
from mlops_cli.errors import RequestError
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.sources.sums import Sum, add_arrow


class Parquet:
    """The columns of one Parquet file; nested ones are told as text.

    Each thread that asks has a reader of its own, since they may not share one.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Open the file at `path` that is called `name`.

        Raises:
            RequestError: it is no Parquet file, or pyarrow is missing.
            ExternalError: it cannot be read.
        """
        self._path, self.name = path, name
        self._readers = threading.local()
        with refusals(name):
            import pyarrow.parquet

            self._metadata: Any = pyarrow.parquet.read_metadata(arrow_text.source(path))
            schema = self._metadata.schema.to_arrow_schema()
        self.names: tuple[str, ...] = tuple(schema.names)
        self.types: dict[str, Any] = dict(zip(schema.names, schema.types, strict=True))
        self.rows: int = self._metadata.num_rows

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        from mlops_cli.monitor.sources import arrow

        return arrow.summed(self.read(name))

    def read(self, name: str) -> Any:
        """Return one column as a chunked array of Arrow's."""
        with refusals(self.name):
            found = self._reader().read([name], use_threads=False)
            return found.column(self._place(found, name))

    def kinds(self) -> dict[str, Kind]:
        """Return what each column holds, by its type."""
        from mlops_cli.monitor.sources import arrow

        return {name: arrow.kind_of(one) for name, one in self.types.items()}

    def close(self) -> None:
        """Close the file for this thread; it is opened again when it is needed."""
        if hasattr(self._readers, "file"):
            self._readers.file.close()
            del self._readers.file

    def into(self, name: str, kept: Sum, *, rows: int, groups: range | None = None) -> None:
        """Add one column to a sum, so many rows at a time; of some row groups only, if given."""
        with refusals(self.name):
            chosen = list(range(self._metadata.num_row_groups) if groups is None else groups)
            parts = self._reader().iter_batches(
                rows, row_groups=chosen, columns=[name], use_threads=False
            )
            for part in parts:
                add_arrow(kept, part.column(self._place(part, name)))

    @property
    def groups(self) -> int:
        """How many row groups there are."""
        return int(self._metadata.num_row_groups)

    def rows_of(self, groups: range) -> int:
        """Return how many rows some row groups have."""
        return sum(int(self._metadata.row_group(one).num_rows) for one in groups)

    def _place(self, found: Any, name: str) -> int:
        """Return which column of `found` is meant: a name with a dot may have brought others."""
        return int(found.schema.get_field_index(name))

    def _reader(self) -> Any:
        import pyarrow.parquet

        if not hasattr(self._readers, "file"):
            self._readers.file = pyarrow.parquet.ParquetFile(
                arrow_text.source(self._path),
                metadata=self._metadata,
                read_dictionary=self._texts(),
                page_checksum_verification=True,
            )
        return self._readers.file

    def _texts(self) -> list[str]:
        """Return the columns of text, which stay as they are encoded."""
        schema = self._metadata.schema
        return [
            column.path
            for column in (schema.column(place) for place in range(len(schema)))
            if column.physical_type == "BYTE_ARRAY" and "." not in column.path
        ]


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Tell what Arrow refuses of the file called `name`.

    Raises:
        RequestError: it is no table, or pyarrow is missing.
        ExternalError: it cannot be read.
    """
    try:
        yield
    except ImportError as error:
        raise RequestError(
            f"'{name}' needs pyarrow to be read", hint="pip install 'mlo[parquet]'"
        ) from error
    except table_words.UNREADABLE as error:  # Arrow's errors are ValueErrors
        raise table_words.refusal(error, name) from error
