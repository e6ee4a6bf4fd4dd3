"""How delimited text begins: with the names of its columns, and a row that fits them."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from mlops_cli.data import table_words
from mlops_cli.data.unpacked import opened, start
from mlops_cli.errors import RequestError

CELL_MAX = 2**31 - 1
"""As long as Python's `csv` lets a cell be; what it allows by itself is less than pandas does."""


def columns(source: Path | bytes, name: str, delimiter: str) -> tuple[str, ...]:
    """Return the names of the columns as they are written, of which two may be the same.

    Of a file in which the first row has more cells than there are names, pandas would take the
    first column for names of rows, and each cell for its neighbour's. A later row that has more
    than the first it refuses itself.

    Raises:
        RequestError: the first row has more cells than there are names, or something else
            stands between cells.
        OSError, EOFError, ValueError, lzma.LZMAError, csv.Error: it cannot be read.
    """
    with opened(source, name) as file, TextIOWrapper(file, "utf-8-sig", newline="") as text:
        reader = _rows(text, delimiter)
        header = next(reader, (0, []))[1]
        line, first = next(reader, (0, []))
    if len(header) == 1:
        table_words.refuse_separators(name, start(source, name))
    if len(first) > len(header):
        raise RequestError(
            f"'{name}' cannot be read as a table: line {line} has {len(first)} cells, "
            f"the header has {len(header)}"
        )
    return tuple(header)


def _rows(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line, from 1, that each row begins on, and its cells; blank lines are no rows."""
    csv.field_size_limit(CELL_MAX)
    reader = csv.reader(text, delimiter=delimiter)
    begins = 1
    for row in reader:
        if row and not (len(row) == 1 and row[0].isspace()):
            yield begins, row
        begins = reader.line_num + 1
