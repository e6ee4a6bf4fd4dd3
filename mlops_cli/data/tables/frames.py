"""Blocks of records as pandas frames, as pandas itself would read the file."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from mlops_cli.data.tables import records

if TYPE_CHECKING:
    from pandas import DataFrame

BLOCK_BYTES = 2 * 1024 * 1024

NULL = "\x1anull"
"""What a value that is missing is in text made of Parquet or JSON, where "" is a value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How blocks become frames.

    Attributes:
        names: all columns, in order.
        wanted: those to read; None is all.
        as_text: those whose cells stay text.
        nulls: columns in which only NULL is missing; None: as pandas has it for CSV.
    """

    names: tuple[str, ...]
    delimiter: str
    wanted: frozenset[str] | None = None
    as_text: frozenset[str] = frozenset()
    nulls: frozenset[str] | None = None

    def frame(self, block: bytes) -> "DataFrame":
        """Return a block of whole records as a frame; cells beyond the last column are dropped."""
        import pandas as pd

        try:
            return self._parse(block)
        except (pd.errors.ParserError, ValueError, OverflowError):
            squared = _squared(block, self.delimiter, len(self.names))
        try:
            return self._parse(squared)
        except (ValueError, OverflowError):  # text that is not UTF-8 fits only objects
            return replace(self, as_text=frozenset(self.names))._parse(squared)

    def _parse(self, block: bytes) -> "DataFrame":
        import pandas as pd

        return pd.read_csv(
            BytesIO(block),
            header=None,
            names=list(self.names),
            index_col=False,
            usecols=None if self.wanted is None else self._ordered(self.wanted),
            dtype=dict.fromkeys(self._ordered(self.as_text), object),
            sep=self.delimiter,
            low_memory=False,
            encoding_errors="surrogateescape",
            **self._missing(),
        )

    def _ordered(self, chosen: frozenset[str]) -> list[str]:
        return [
            name
            for name in self.names
            if name in chosen and (self.wanted is None or name in self.wanted)
        ]

    def _missing(self) -> Mapping[str, Any]:
        if self.nulls is None:
            return {}
        marks = {name: [NULL] if name in self.nulls else ["", "nan"] for name in self.names}
        return {"keep_default_na": False, "na_values": marks}


def _squared(block: bytes, delimiter: str, width: int) -> bytes:
    """Return the block with exactly `width` cells a row, all quoted."""
    out = StringIO(newline="")
    write = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in records.cells(records.whole(block, delimiter), delimiter):
        write.writerow((row + [""] * (width - len(row)))[:width])
    return out.getvalue().encode("utf-8", "surrogateescape")
