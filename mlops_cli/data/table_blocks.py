"""Tables of any size, a block of rows at a time: the values that `table.read` gives."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mlops_cli.data import table_words
from mlops_cli.data.table import SUFFIXES, suffix_of
from mlops_cli.errors import ExternalError, RequestError

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
            with opened(path, name) as file:
                for frame in _text(file, suffix, rows, as_text):
                    if frame.shape[1] == 1 and suffix in (".csv", ".tsv"):
                        table_words.refuse_separators(name, start(path, name))
                    yield frame
    except ImportError as error:
        raise RequestError(
            f"'{name}' needs pyarrow to be read", hint="pip install 'mlo[parquet]'"
        ) from error
    except (ValueError, TypeError, EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise table_words.refusal(error, name, start(path, name)) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{name}': {reason}") from error


def _parquet(path: Path, rows: int) -> "Iterator[DataFrame]":
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
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


def start(path: Path, name: str) -> bytes:
    """Return how a file begins, as far as it can be had."""
    try:
        with opened(path, name) as file:
            return file.read(table_words.START_BYTES)
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        return b""


def opened(path: Path, name: str) -> IO[bytes]:
    """Return the bytes of a file that is called `name`, unpacked if that says so."""
    opener = _OPENERS.get(Path(name.lower()).suffix)
    return path.open("rb") if opener is None else opener(path)


def _zstd(path: Path) -> Any:
    import zstandard

    return zstandard.open(path, "rb")


_OPENERS: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _zstd,
}
