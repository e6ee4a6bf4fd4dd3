"""Tables of any size, a block of rows at a time: the values that `table.read` gives."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlops_cli.data import arrow_text, delimited, table_words, unpacked
from mlops_cli.data.table import SUFFIXES, suffix_of
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from pandas import DataFrame

ROWS = 20_000


def blocks(
    path: Path, name: str, *, rows: int = ROWS, as_text: frozenset[str] = frozenset()
) -> "Iterator[DataFrame]":
    """Yield the rows of the table in the file at `path` that is called `name`, in order.

    A column's type is that of its values in the block. Of CSV the columns `as_text` are left as
    they are written; of other kinds the file itself says what is text.

    Raises:
        RequestError: the name is of no kind that is known, or the bytes are not of that kind.
        ExternalError: the file cannot be read.
    """
    suffix = suffix_of(name)
    if suffix not in SUFFIXES:
        raise RequestError(
            f"'{name}' is not a table that can be read", hint="known kinds: " + " ".join(SUFFIXES)
        )
    try:
        if suffix in (".parquet", ".pq"):
            yield from _parquet(path, rows)
        else:
            delimiter = "\t" if suffix == ".tsv" else ","
            if suffix in (".csv", ".tsv"):
                delimited.columns(path, name, delimiter)
            with unpacked.opened(path, name) as file:
                yield from _text(file, suffix, rows, as_text)
    except ImportError as error:
        raise RequestError(
            f"'{name}' needs pyarrow to be read", hint="pip install 'mlo[parquet]'"
        ) from error
    except table_words.UNREADABLE as error:
        raise table_words.refusal(error, name, unpacked.start(path, name)) from error


def _parquet(path: Path, rows: int) -> "Iterator[DataFrame]":
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(arrow_text.source(path)) as file:
        empty = True
        for part in file.iter_batches(batch_size=rows):
            empty = False
            yield part.to_pandas()
        if empty:
            yield file.schema_arrow.empty_table().to_pandas()


def _text(
    file: IO[bytes], suffix: str, rows: int, as_text: frozenset[str]
) -> "Iterator[DataFrame]":
    import pandas as pd

    if suffix in (".jsonl", ".ndjson"):
        with pd.read_json(file, lines=True, chunksize=rows) as reader:
            for frame in reader:
                yield frame.rename(columns=str)  # pandas takes the name "0" for a number
        return
    try:
        with pd.read_csv(
            file,
            sep="\t" if suffix == ".tsv" else ",",
            chunksize=rows,
            low_memory=False,
            dtype=dict.fromkeys(as_text, str),
        ) as reader:
            yield from reader
    except pd.errors.EmptyDataError:
        yield pd.DataFrame()
