"""Delimited text as a table: read once from its beginning to its end, a block at a time.

Arrow reads it where it is installed, pandas else, and where Arrow refuses. Both take the same
words for missing values, and text that is a date or a moment in ISO 8601 for moments.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_cli.data import arrow_text, table_words, unpacked
from mlops_cli.data.table import suffix_of
from mlops_cli.monitor.sources.blocks import Begin, Blocks, Making
from mlops_cli.monitor.sources.parquet import refusals
from mlops_cli.monitor.sources.sums import add_arrow

_BLOCK_BYTES = 1 << 20
_COLUMN_BYTES = 2_000
_MOST_BLOCK_BYTES = 32 << 20
_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What pandas takes for a missing value."""
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_REFUSAL = re.compile(
    r"In CSV column #(\d+): CSV conversion error to (\w+).*?(?:invalid value '(.*?)')?$", re.DOTALL
)
_MOST_TRIES = 20


class Refused(Exception):
    """Arrow is not there, or cannot read it."""


def summed(path: Path, name: str, begin: Begin, *, as_text: frozenset[str] = frozenset()) -> Blocks:
    """Return the columns of the file at `path` that is called `name`.

    Columns `as_text` are read as they are written.

    Raises:
        RequestError: it is no table.
        ExternalError: it cannot be read.
        Refused: pyarrow is not there, or cannot read it.
    """
    packed = Path(name.lower()).suffix
    if packed == ".xz":
        raise Refused
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Refused from error
    types: dict[str, Any] = dict.fromkeys(as_text, pa.string())
    with refusals(name):
        header = header_of(path, name)
        if len(header) == 1:
            table_words.refuse_separators(name, unpacked.start(path, name))
        for _ in range(_MOST_TRIES):
            try:
                return _read(path, name, _PACKED.get(packed), types, len(header), begin())
            except pa.ArrowInvalid as error:
                if "Empty CSV file" in str(error):
                    return Blocks((), 0, {})
                wider = _wider(str(error))
                if wider is None:
                    raise Refused from error
                place, kind = wider
                types[header[place]] = kind
    raise Refused


def _wider(refusal: str) -> tuple[int, Any] | None:
    """Return the column that Arrow took for what it is not, and what to take it for."""
    import pyarrow as pa

    found = _REFUSAL.search(refusal.strip())
    if found is None:
        return None
    try:
        float(found[3] or "")
    except ValueError:
        return int(found[1]), pa.string()
    return int(found[1]), pa.float64() if found[2] in ("int64", "null") else pa.string()


def header_of(path: Path, name: str) -> list[str]:
    """Return the names of the columns as they are written, of which two may be the same.

    Raises:
        Refused: they cannot be told.
    """
    import csv

    with unpacked.opened(path, name) as file:
        text = io.TextIOWrapper(file, "utf-8-sig", newline="")
        try:
            return next(csv.reader(text, delimiter=_delimiter(name)), [])
        except (csv.Error, UnicodeDecodeError) as error:  # a name of a hundred thousand letters
            raise Refused from error


def _block_bytes(columns: int) -> int:
    """Return how much to read at a time: of wide tables more, so that columns come in some rows.

    >>> _block_bytes(50), _block_bytes(10_000)
    (1048576, 20000000)
    """
    return min(max(_BLOCK_BYTES, _COLUMN_BYTES * columns), _MOST_BLOCK_BYTES)


def _delimiter(name: str) -> str:
    return "\t" if suffix_of(name) == ".tsv" else ","


def _read(
    path: Path,
    name: str,
    packed: str | None,
    types: Mapping[str, Any],
    width: int,
    make: Making,
) -> Blocks:
    import pyarrow as pa
    from pyarrow import csv

    with pa.input_stream(arrow_text.source(path), compression=packed) as file:
        reader = csv.open_csv(
            file,
            read_options=csv.ReadOptions(block_size=_block_bytes(width)),
            parse_options=csv.ParseOptions(delimiter=_delimiter(name), newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                null_values=_MISSING, strings_can_be_null=True, column_types=dict(types)
            ),
        )
        names = tuple(
            name or f"Unnamed: {place}" for place, name in enumerate(reader.schema.names)
        )  # as pandas calls it, by which models are fitted
        kept = [make() for _ in names]
        rows, last = 0, None
        for batch in reader:
            rows += batch.num_rows
            last = batch if batch.num_rows else last
            for one, column in zip(kept, batch.columns, strict=True):
                add_arrow(one, column)
        if last is not None and arrow_text.is_open(path, name, _delimiter(name), last):
            raise Refused  # and pandas tells where the quote opens
        return Blocks(names, rows, dict(zip(names, kept, strict=True)))
