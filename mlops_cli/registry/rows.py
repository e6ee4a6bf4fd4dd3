"""The rows of a file, in chunks: as they are written, and as a model takes them.

A file of predictions repeats its input. So text stays text here (`007` is no 7), and only what
the model takes is parsed, by the kinds that its signature gives.
"""

import csv
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.registry.signature import Column, Signature

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
TEXT = (".csv", ".tsv")
"""Kinds of files in which every value is text."""
_MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
    + ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)
"""What pandas takes for a missing value, as it did when the training table was read."""
_YES = frozenset(["True", "true", "TRUE"])
_NO = frozenset(["False", "false", "FALSE"])


def check_kind(path: Path) -> None:
    """Raise RequestError unless a file of this name is a table that can be read and written."""
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(
            f"'{path}' is of no kind that is known", hint="known kinds: " + " ".join(SUFFIXES)
        )
    if path.suffix.lower() == ".parquet":
        pyarrow()


def pyarrow() -> Any:
    """Return the library, whose absence is a RequestError."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise RequestError(
            "Parquet files need pyarrow", hint="pip install 'mlo[parquet]'"
        ) from error
    return pyarrow


def chunks(source: Path, *, rows: int) -> Iterator["pd.DataFrame"]:
    """Yield the rows of a file as they are written, at most `rows` at a time.

    A file with no rows gives one empty chunk. Of CSV every value is a string.

    Raises:
        RequestError: there is no such file, or it is no table of its kind.
        ExternalError: it cannot be read.
    """
    suffix = source.suffix.lower()
    read: dict[str, Callable[[Path, int], Iterator[pd.DataFrame]]] = {
        ".parquet": _parquet,
        **dict.fromkeys(TEXT, _delimited),
    }
    try:
        yield from read.get(suffix, _json_lines)(source, rows)
    except FileNotFoundError as error:
        raise RequestError(f"there is no file '{source}'") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{source}': {reason}") from error
    except (ValueError, csv.Error) as error:  # pandas' own errors are ValueErrors
        reason = str(error).strip().partition("\n")[0]
        raise RequestError(f"'{source}' cannot be read as a table: {reason}") from error


def typed(frame: "pd.DataFrame", signature: Signature | None, *, first_row: int) -> "pd.DataFrame":
    """Return rows with each column that a model takes parsed by its kind.

    Of what is no text already only the kind is checked. Without a signature pandas guesses.
    `first_row` counts the rows before these, for errors.

    Raises:
        RequestError: a value is not of its column's kind; the message names column and row.
    """
    if signature is None:
        return _guessed(frame)
    parsed: dict[str, Any] = {}
    for column in signature.columns:
        if column.name in frame.columns:
            values = frame[column.name]
            if values.dtype == object or str(values.dtype) in ("str", "string"):
                parsed[column.name] = _parse(values, column, first_row)
    return frame.assign(**parsed)


def _parse(values: "pd.Series[Any]", column: Column, first_row: int) -> "pd.Series[Any]":
    if values.dtype == object:
        nested = values.map(lambda value: isinstance(value, list | dict)).astype(bool)
        _refuse(values, nested, column.name, first_row, "single value")
    values = values.mask(values.isna() | values.isin(_MISSING))
    kind = column.kind
    if kind == "category" and column.categories:
        sample = column.categories[0]
        kind = "text" if isinstance(sample, str) else "number"
        kind = "boolean" if isinstance(sample, bool) else kind
    if kind in ("number", "integer"):
        return _numbers(values, column.name, first_row)
    if kind == "boolean":
        return _booleans(values, column.name, first_row)
    if kind == "datetime":
        return _moments(values, column.name, first_row)
    return values


def _numbers(values: "pd.Series[Any]", name: str, first_row: int) -> "pd.Series[Any]":
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    _refuse(values, numbers.isna() & values.notna(), name, first_row, "number")
    return numbers.astype(float) if numbers.dtype == object else numbers


def _booleans(values: "pd.Series[Any]", name: str, first_row: int) -> "pd.Series[Any]":
    known: dict[object, bool] = {True: True, False: False}
    known.update(dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False))
    found = values.astype(object).map(known)
    _refuse(values, found.isna() & values.notna(), name, first_row, "true or false")
    return found.astype(bool) if found.notna().all() else found


def _moments(values: "pd.Series[Any]", name: str, first_row: int) -> "pd.Series[Any]":
    import pandas as pd

    moments = pd.to_datetime(values, errors="coerce", format="ISO8601")
    _refuse(values, moments.isna() & values.notna(), name, first_row, "moment")
    return moments


def _refuse(
    values: "pd.Series[Any]", wrong: "pd.Series[Any]", name: str, first_row: int, what: str
) -> None:
    """Raise RequestError for the first value that is marked."""
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        value = str(values.iloc[place])[:40]
        raise RequestError(
            f"row {first_row + place + 1}: '{name}' is '{value}', which is no {what}"
        )


def _guessed(frame: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    guessed = {}
    for name in frame.columns:
        values = frame[name].mask(frame[name].isna() | frame[name].isin(_MISSING))
        numbers = pd.to_numeric(values, errors="coerce")
        guessed[name] = numbers if bool((numbers.isna() == values.isna()).all()) else values
    return frame.assign(**guessed)


def _delimited(source: Path, rows: int) -> Iterator["pd.DataFrame"]:
    import pandas as pd

    separator = "\t" if source.suffix.lower() == ".tsv" else ","
    with source.open(newline="", encoding="utf-8-sig") as file:
        names = next(csv.reader(file, delimiter=separator), [])
    _check_names(names)
    with (
        warnings.catch_warnings(),
        pd.read_csv(
            source,
            sep=separator,
            chunksize=rows,
            dtype=str,
            keep_default_na=False,
            index_col=False,
            encoding="utf-8-sig",
        ) as reader,
    ):
        warnings.filterwarnings("error", "Length of header", pd.errors.ParserWarning)
        try:
            yield from reader
        except pd.errors.ParserWarning as error:  # pandas would drop what is too much
            raise ValueError(
                f"it has more values in a row than its {len(names)} columns"
            ) from error


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise ValueError("it is empty, without even the names of columns")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"it has more than one column '{name}'")


def _json_lines(source: Path, rows: int) -> Iterator["pd.DataFrame"]:
    """Yield objects with the values as they are; a missing key is a missing value."""
    import pandas as pd

    with source.open("rb") as file:
        records = _records(file)
        names: list[str] = []
        while first := list(islice(records, rows)):
            for record in first:
                names += [name for name in record if name not in names]
            columns = {name: [record.get(name) for record in first] for name in names}
            yield pd.DataFrame(columns, dtype=object)
        if not names:
            yield pd.DataFrame()


def _records(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    import orjson

    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"line {number} is no JSON: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(f"line {number} is no object with a value for each column")
        yield record


def _parquet(source: Path, rows: int) -> Iterator["pd.DataFrame"]:
    with pyarrow().parquet.ParquetFile(source) as file:
        _check_names(file.schema_arrow.names)
        empty = True
        for part in file.iter_batches(batch_size=rows):
            empty = False
            yield part.to_pandas()
        if empty:
            yield file.schema_arrow.empty_table().to_pandas()
