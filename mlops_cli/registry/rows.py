"""The rows of a file, in chunks: as they are written, and nothing else.

A file of predictions repeats its input. So text stays text here: `007` is no 7. `inputs` parses
what the model takes.
"""

import csv
import shlex
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlops_cli.data import arrow_text
from mlops_cli.errors import ExternalError, RequestError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
TEXT = (".csv", ".tsv")
"""Kinds of files in which every value is text."""
_MOST_CELL = 2**31 - 1
"""Characters in a cell that is only counted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file. `lines` are those of JSON as they are written, without line ends."""

    frame: "pd.DataFrame"
    lines: list[bytes] | None = None


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


def chunks(source: Path, *, rows: int) -> Iterator[Chunk]:
    """Yield the rows of a file as they are written, at most `rows` at a time.

    A file with columns and no rows gives one empty chunk. Of CSV every value is a string.

    Raises:
        RequestError: there is no such file, it is no table of its kind, or nothing is in it.
        ExternalError: it cannot be read.
    """
    suffix = source.suffix.lower()
    read: dict[str, Callable[[Path, int], Iterator[Chunk]]] = {
        ".parquet": _parquet,
        **dict.fromkeys(TEXT, delimited),
    }
    yield from guarded(source, read.get(suffix, _json_lines)(source, rows))


def guarded(source: Path, read: Iterator[T]) -> Iterator[T]:
    """Yield what is read of a file; what goes wrong is told of that file.

    Raises:
        RequestError, ExternalError: as of `chunks`.
    """
    try:
        yield from read
    except FileNotFoundError as error:
        raise RequestError(f"there is no file '{source}'") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{source}': {reason}") from error
    except UnicodeDecodeError as error:
        raise RequestError(
            f"'{source}' is no UTF-8: {_first_odd(source)}",
            hint=f"if it is Latin-1: iconv -f latin1 -t utf-8 {shlex.quote(str(source))} > FILE",
        ) from error
    except (ValueError, csv.Error) as error:  # pandas' own errors are ValueErrors
        reason = str(error).strip().partition("\n")[0]
        raise RequestError(f"'{source}' cannot be read as a table: {reason}") from error


def _first_odd(source: Path) -> str:
    """Return which line of a file is the first that is not UTF-8, and its byte."""
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"line {number} has the byte 0x{line[error.start]:02x}"
    return "it ends within a character"


def separator(source: Path) -> str:
    """Return what stands between the values of a delimited file."""
    return "\t" if source.suffix.lower() == ".tsv" else ","


def header(source: Path) -> list[str]:
    """Return the names of the columns of a delimited file.

    Raises:
        ValueError: it has none, or two of one name.
        RequestError: its values stand apart by something else.
    """
    with source.open(newline="", encoding="utf-8-sig") as file:
        names = next(csv.reader(file, delimiter=separator(source)), [])
    check_names(names)
    _check_apart(source, names)
    return names


def _check_apart(source: Path, names: Sequence[str]) -> None:
    """Raise RequestError when the only name of a column has what stands between others."""
    words = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    others = {mark: word for mark, word in words.items() if mark in names[0]}
    if len(names) > 1 or not others:
        return
    mark, word = next(iter(others.items()))
    wanted = words[separator(source)]
    raise RequestError(
        f"'{source}' has {word} between its values, and a {source.suffix} file has {wanted}",
        hint="rename it to .tsv" if mark == "\t" else f"write it with {wanted}",
    )


def delimited(source: Path, rows: int) -> Iterator[Chunk]:
    """Yield the rows of CSV or TSV, every value as text."""
    import pandas as pd

    names = header(source)
    with (
        warnings.catch_warnings(),
        pd.read_csv(
            source,
            sep=separator(source),
            chunksize=rows,
            dtype=str,
            keep_default_na=False,
            index_col=False,
            encoding="utf-8-sig",
        ) as reader,
    ):
        warnings.filterwarnings("error", "Length of header", pd.errors.ParserWarning)
        try:
            done, ends = 0, _Ends(source, len(names))
            for frame in reader:
                ends.check(frame, done)
                yield Chunk(frame)
                done += len(frame)
        except pd.errors.ParserWarning as error:  # pandas would drop what is too much
            raise ValueError(
                f"it has more values in a row than its {len(names)} columns"
            ) from error


class _Ends:
    """Finds rows that end early, whose last values pandas makes up as blanks.

    Nearly always a look at the last column is enough. From the first blank in it on, the rows
    before are counted too, once.
    """

    def __init__(self, source: Path, width: int) -> None:
        self._width = width
        self._lengths = _lengths(source)
        self._counted = 0

    def check(self, frame: "pd.DataFrame", first: int) -> None:
        """Raise ValueError when one of the rows, before which stand `first`, ends early."""
        if self._width == 1 or not (frame.iloc[:, -1] == "").any():
            return
        for number in range(self._counted + 1, first + len(frame) + 1):
            length = next(self._lengths, self._width)
            if length < self._width:
                raise ValueError(
                    f"row {number} has {length} of {self._width} values; a gap is a blank"
                )
        self._counted = first + len(frame)


def _lengths(source: Path) -> Iterator[int]:
    """Yield how many values each row has, without the header and lines that are blank."""
    csv.field_size_limit(_MOST_CELL)
    with source.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, delimiter=separator(source))
        rows = (len(row) for row in lines if row and not (len(row) == 1 and row[0].isspace()))
        yield from islice(rows, 1, None)


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError when a table has no columns, or two of one name."""
    if not names:
        raise ValueError("it is empty, without even the names of columns")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"it has more than one column '{name}'")


def _json_lines(source: Path, rows: int) -> Iterator[Chunk]:
    """Yield objects with the values as they are; a missing key is a missing value.

    So it is refused where the model's column has no gaps, as by HTTP.
    """
    import pandas as pd

    with source.open("rb") as file:
        lines = enumerate(file, start=1)
        names: dict[str, None] = {}
        empty = True
        while first := list(islice(_records(lines), rows)):
            empty = False
            records = [record for _, record in first]
            names |= dict.fromkeys(chain.from_iterable(records))
            columns = {name: [record.get(name) for record in records] for name in names}
            yield Chunk(pd.DataFrame(columns, dtype=object), [line for line, _ in first])
        if empty:
            check_names(())


def _records(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    import orjson

    for number, line in lines:
        stripped = line.strip()
        if not stripped:
            continue
        try:
            record = orjson.loads(stripped)
        except orjson.JSONDecodeError as error:
            record = _with_nan(stripped, f"line {number} is no JSON: {error}")
        if not isinstance(record, dict):
            raise ValueError(f"line {number} is no object with a value for each column")
        yield stripped, record


def _with_nan(line: bytes, otherwise: str) -> Any:
    """Return what a line says that has NaN in it, so that its column can be named."""
    import json

    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(otherwise) from error


def _parquet(source: Path, rows: int) -> Iterator[Chunk]:
    """Yield rows in the types of the file, in which a whole number stays one beside a null."""
    import pandas as pd

    arrow = pyarrow()

    def kept(kind: Any) -> Any:
        return None if arrow.types.is_floating(kind) else pd.ArrowDtype(kind)

    with arrow.parquet.ParquetFile(arrow_text.source(source)) as file:
        check_names(file.schema_arrow.names)
        empty = True
        for part in file.iter_batches(batch_size=rows):
            empty = False
            yield Chunk(part.to_pandas(types_mapper=kept, ignore_metadata=True))
        if empty:
            none = file.schema_arrow.empty_table()
            yield Chunk(none.to_pandas(types_mapper=kept, ignore_metadata=True))
