"""Reading tables: CSV, TSV, Parquet and JSON lines, from the work tree or the store."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, RequestError

if TYPE_CHECKING:
    from pandas import DataFrame

SUFFIXES = (".csv", ".tsv", ".parquet", ".pq", ".jsonl", ".ndjson")
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def is_table(name: str) -> bool:
    """Return whether a file of this name is a table that can be read.

    >>> is_table("data/raw.csv"), is_table("raw.csv.gz"), is_table("notes.txt")
    (True, True, False)
    """
    return suffix_of(name) in SUFFIXES


def read(source: Path | bytes, name: str) -> "DataFrame":
    """Return the table in a file, or in bytes that were a file called `name`.

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
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{name}': {reason}") from error
    return _parse(data, name, suffix)


def of_version(repo: Repository, oid: ObjectId, name: str) -> "DataFrame":
    """Return the table that the object `oid` holds, a file called `name`.

    Raises:
        MissingObject, IntegrityError: as of the object store.
        RequestError: as of `read`.
    """
    return read(repo.objects.get(oid), name)


def suffix_of(name: str) -> str:
    """Return the ending that tells a file's kind, without that of its compression.

    >>> suffix_of("raw.CSV.gz")
    '.csv'
    """
    lower = name.lower()
    for packed in _PACKED:
        lower = lower.removesuffix(packed)
    return Path(lower).suffix


def _parse(data: bytes, name: str, suffix: str) -> "DataFrame":
    import pandas as pd

    from mlops_cli.data import delimited, table_words, unpacked

    try:
        if suffix in (".parquet", ".pq"):
            return pd.read_parquet(BytesIO(data))
        if suffix in (".jsonl", ".ndjson"):
            with unpacked.opened(data, name) as file:
                found = pd.read_json(file, lines=True)
            return found.rename(columns=str)  # pandas takes the name "0" for a number
        delimiter = "\t" if suffix == ".tsv" else ","
        if not delimited.columns(data, name, delimiter):
            return pd.DataFrame()
        with unpacked.opened(data, name) as file:
            return pd.read_csv(file, sep=delimiter, low_memory=False)
    except ImportError as error:
        raise RequestError(
            f"'{name}' needs pyarrow to be read", hint="pip install 'mlo[parquet]'"
        ) from error
    except table_words.UNREADABLE as error:
        raise table_words.refusal(error, name, unpacked.start(data, name)) from error
