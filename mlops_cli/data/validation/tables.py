"""Tables in files, or in all files of a folder, as blocks of rows; as often as one likes."""

import csv
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass
from mlops_cli.data import arrow_text, delimited, table, table_blocks, table_words
from mlops_cli.data.parts import Part, inside
from mlops_cli.data.table import suffix_of
from mlops_cli.data.unpacked import opened, start
from mlops_cli.data.validation.scan import Block
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from pandas import DataFrame

    _Read = tuple[DataFrame, tuple[str, ...]]

ROWS = 50_000
_BATCH_BYTES = 1024 * 1024
_JSON = (".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class Tables:
    """The table in a file, or those in a folder as one, in the order of their names.

    Attributes:
        path: where the bytes are.
        name: what that is called, whose ending tells the kind.
        as_text: columns of which cells are read as they are written.
        all_text: whether all are, where the kind of table has no types of its own.
        advance: told of rows as they are done.
        parts: the files that a pattern names, where it is one.
    """

    path: Path
    name: str
    as_text: frozenset[str] = frozenset()
    all_text: bool = False
    advance: Callable[[int], None] = lambda _: None
    parts: tuple[Part, ...] = ()

    def __iter__(self) -> Iterator[Block]:
        """Yield blocks of rows, at least one for each file.

        Raises:
            RequestError: a file is no table of the kind that its name says.
        """
        for file, path in self.files():
            name = self.name if file is None else file
            first = 1
            texts = None if self.all_text else self.as_text
            for frame, names in _ahead(_blocks(path, name, texts)):
                yield Block(frame, names, file, first)
                first += len(frame)
                self.advance(len(frame))

    def files(self) -> Iterator[tuple[str | None, Path]]:
        """Yield each file, with its name in the folder if it is in one.

        Raises:
            RequestError: there is no table.
        """
        if self.parts:
            yield from ((one.name, one.path) for one in self.parts)
            return
        if not self.path.is_dir():
            _check_kind(self.name)
            yield None, self.path
            return
        found = inside(self.path)
        if not found:
            raise RequestError(
                f"there is no table in the folder '{self.name}'",
                hint="known kinds: " + " ".join(table.SUFFIXES),
            )
        for file in found:
            yield file, self.path / file

    def lines(self, file: str | None, rows: list[int]) -> Mapping[int, int]:
        """Return the line, from 1, that each of some rows of a file begins on, where it has any."""
        path = dict(self.files())[file]
        name = self.name if file is None else file
        suffix = suffix_of(name)
        if suffix in _PARQUET or not rows:
            return {}
        with opened(path, name) as text:
            if suffix in _JSON:
                return _lines_of_json(text, set(rows))
            return _lines_of_csv(text, "\t" if suffix == ".tsv" else ",", rows)


def has_types(name: str) -> bool:
    """Return whether tables of this kind say what is text, and what is a number."""
    return suffix_of(name) in (*_PARQUET, *_JSON)


def _check_kind(name: str) -> None:
    if not table.is_table(name):
        raise RequestError(
            f"'{name}' is not a table that can be read",
            hint="known kinds: " + " ".join(table.SUFFIXES),
        )


def count(tables: Tables) -> int:
    """Return how many rows there are."""
    total = 0
    for file, path in tables.files():
        name = tables.name if file is None else file
        if suffix_of(name) in _PARQUET:
            total += _parquet(path, name).metadata.num_rows
        else:
            total += sum(len(frame) for frame, _ in _blocks(path, name, frozenset()))
    return total


def _ahead(blocks: "Iterator[_Read]") -> "Iterator[_Read]":
    """Yield the same, each read by a thread while the one before is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        coming = reader.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, blocks, None)
            yield block


def _blocks(
    path: Path, name: str, as_text: frozenset[str] | None
) -> "Iterator[tuple[DataFrame, tuple[str, ...]]]":
    suffix = suffix_of(name)
    if suffix in _JSON:
        yield from _of_json(path, name)
    elif suffix in _PARQUET:
        names = tuple(map(str, _parquet(path, name).schema_arrow.names))
        for frame in table_blocks.blocks(path, name, rows=ROWS):
            yield frame, names
    else:
        names = _header(path, name, "\t" if suffix == ".tsv" else ",")
        texts = frozenset(names) if as_text is None else as_text
        for frame in _of_csv(path, name, texts):
            yield frame, names


def _of_csv(path: Path, name: str, texts: frozenset[str]) -> "Iterator[DataFrame]":
    """Yield blocks in which the columns `texts` are as they are written.

    To ask pandas for text takes four times as long as to let it find out that it is some. So only
    columns that it took for something else are asked for, and read again from there.
    """
    asked: frozenset[str] = frozenset()
    done = 0
    while True:
        lost: frozenset[str] = frozenset()
        for place, frame in enumerate(table_blocks.blocks(path, name, rows=ROWS, as_text=asked)):
            lost = _lost(frame, texts - asked)
            if lost:
                break
            if place >= done:
                done += 1
                yield frame
        if not lost:
            return
        asked |= lost


def _lost(frame: "DataFrame", texts: frozenset[str]) -> frozenset[str]:
    """Return the columns of which it is not known any more how they are written."""
    return frozenset(
        name
        for name in texts & set(frame.columns)
        if (frame[name].dtype.kind in "biuf" or frame[name].dtype == object)
        and frame[name].notna().any()
    )


def _parquet(path: Path, name: str) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RequestError(
            f"'{name}' needs pyarrow to be read", hint="pip install 'mlo[parquet]'"
        ) from error
    try:
        return pq.ParquetFile(arrow_text.source(path))
    except table_words.UNREADABLE as error:
        raise table_words.refusal(error, name) from error


def _header(path: Path, name: str, delimiter: str) -> tuple[str, ...]:
    try:
        return delimited.columns(path, name, delimiter)
    except table_words.UNREADABLE as error:
        raise table_words.refusal(error, name, start(path, name)) from error


def _of_json(path: Path, name: str) -> "Iterator[tuple[DataFrame, tuple[str, ...]]]":
    """Yield objects, one a line, with the types that they are written with."""
    import orjson

    rows: list[dict[str, Any]] = []
    empty = True
    try:
        with opened(path, name) as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                row = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
                if not isinstance(row, dict):
                    raise RequestError(f"'{name}' line {number} is no JSON object")
                rows.append(row)
                if len(rows) == ROWS:
                    yield _framed(rows)
                    rows, empty = [], False
    except orjson.JSONDecodeError as error:
        raise RequestError(f"'{name}' line {number} is no JSON: {error}") from error
    except table_words.UNREADABLE as error:
        raise table_words.refusal(error, name) from error
    if rows or empty:
        yield _framed(rows)


def _framed(rows: list[dict[str, Any]]) -> "tuple[DataFrame, tuple[str, ...]]":
    import pandas as pd

    names = tuple(dict.fromkeys(chain.from_iterable(rows)))
    columns = {name: pd.Series([row.get(name) for row in rows]) for name in names}
    return pd.DataFrame(columns), names


def _lines_of_json(file: IO[bytes], wanted: set[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    row = 0
    for number, line in enumerate(file, 1):
        if line.strip():
            row += 1
            if row in wanted:
                found[row] = number
                if len(found) == len(wanted):
                    break
    return found


def _lines_of_csv(file: IO[bytes], delimiter: str, rows: list[int]) -> dict[int, int]:
    """Return the lines of rows; only where there are quotes is more than lines counted."""
    found: dict[int, int] = {}
    wanted, last = set(rows), max(rows)
    row, number = 0, 0  # the header is row 0
    while row <= last and (batch := file.readlines(_BATCH_BYTES)):
        if b'"' in b"".join(batch) or any(not line.strip() for line in batch):
            rest = (line.decode("utf-8", "replace") for line in chain(batch, file))
            found |= _lines_of_records(rest, delimiter, wanted, row, number)
            break
        found |= {one: number + one - row + 1 for one in rows if row <= one < row + len(batch)}
        row += len(batch)
        number += len(batch)
    return found


def _lines_of_records(
    text: Iterator[str], delimiter: str, wanted: set[int], row: int, number: int
) -> dict[int, int]:
    found: dict[int, int] = {}
    csv.field_size_limit(delimited.CELL_MAX)
    reader = csv.reader(text, delimiter=delimiter)
    begins = 0
    last = max(wanted)
    try:
        for cells in reader:
            if cells:
                if row in wanted:
                    found[row] = number + begins + 1
                row += 1
            begins = reader.line_num
            if row > last:
                break
    except csv.Error:
        pass  # what it could tell so far is true
    return found
