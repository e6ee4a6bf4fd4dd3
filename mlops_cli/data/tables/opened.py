"""A table opened for comparing: its text, its header and what its kind says of its columns."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from mlops_cli.data.table import suffix_of
from mlops_cli.data.tables import records
from mlops_cli.data.tables.source import Source, Translated, raw, recoded
from mlops_cli.errors import RequestError

_SNIFFED_BYTES = 64 * 1024
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Opened:
    """One version of a table.

    Attributes:
        source: the text, with the header in front.
        header: the header's record; empty for a table without columns.
        skip: how many bytes the header takes, its line end and a mark before it included.
        types: what the file says of its columns, where it does.
        nulls: columns whose text may be empty without missing; None for CSV.
        facts: what else may differ: encoding and line ends.
    """

    source: Source
    names: tuple[str, ...]
    delimiter: str
    header: bytes
    skip: int
    types: Mapping[str, str] = field(default_factory=dict)
    nulls: frozenset[str] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def open_table(source: Source, name: str, *, scratch: Path) -> Opened:
    """Return the table in a file called `name`; a large Parquet file is unpacked to `scratch`.

    Raises:
        RequestError: it is no table of the kind that its name says.
    """
    suffix = suffix_of(name)
    source = _unpacked(source, name)
    if suffix in (".parquet", ".pq"):
        from mlops_cli.data.tables import parquet

        found = parquet.translated(source, name, scratch)
        return replace(_opened(found.source, ","), types=found.types, nulls=found.texts)
    if suffix in (".jsonl", ".ndjson"):
        from mlops_cli.data.tables import json_lines

        found = json_lines.translated(source, name)
        return replace(_opened(found.source, ","), types=found.types, nulls=found.texts)
    return _delimited(source, name, "\t" if suffix == ".tsv" else None)


def _delimited(source: Source, name: str, delimiter: str | None) -> Opened:
    start = _start(source)
    encoding = _MARKS.get(start[:2], "utf-8")
    lone = b"\r" in start and b"\n" not in start
    facts = {"encoding": encoding.upper(), "line ends": _line_ends(start)}
    if encoding != "utf-8" or lone:
        original = source
        source = Translated(
            source.size, lambda: recoded(raw(original), encoding, lone_returns=lone)
        )
        facts["line ends"] = "CR" if lone else _line_ends(_start(source))
    elif b"\0" in start[:4096]:
        raise RequestError(f"'{name}' is no text, though its name says it is a table")
    found = _opened(source, delimiter)
    return replace(found, facts=facts)


def _opened(source: Source, delimiter: str | None) -> Opened:
    """Return a table of delimited text by its first record."""
    skip, header, marked = 0, b"", 0
    pieces, left = source.pieces(), len(source.chunks())
    splitter: records.Splitter | None = None
    while left and not header:
        piece = pieces.take()
        left -= 1
        if splitter is None:
            marked = len(records.BOM) if piece.startswith(records.BOM) else 0
            line = piece[marked:].lstrip(b"\r\n").partition(b"\n")[0]
            delimiter = delimiter or records.delimiter_of(line)
            splitter = records.Splitter(delimiter, marked)
        block = splitter.feed(piece) or (b"" if left else splitter.end())
        header, skip = _first(block, splitter.delimiter, marked)
        marked += len(block)
    delimiter = delimiter or ","
    names = records.column_names(header, delimiter)
    return Opened(source, names, delimiter, header, skip)


def _first(block: bytes, delimiter: str, marked: int) -> tuple[bytes, int]:
    """Return the first record that is not blank, and how many bytes it ends after."""
    at = 0
    for record in records.split(block, delimiter)[0]:
        end = block.find(record, at) + len(record)
        at = block.find(b"\n", end) + 1
        if record.strip():
            return record, marked + at
    return b"", marked


def _start(source: Source) -> bytes:
    pieces = source.pieces()
    return pieces.take()[:_SNIFFED_BYTES] if source.chunks() else b""


def _line_ends(start: bytes) -> str:
    return "CRLF" if b"\r\n" in start else "LF"


def _unpacked(source: Source, name: str) -> Source:
    """Return the source, decompressed on the way when its name says that it is compressed."""
    ending = Path(name.lower()).suffix
    opener = _OPENERS.get(ending)
    if opener is None:
        return source

    def text() -> Iterator[bytes]:
        try:
            with opener(io.BufferedReader(_File(raw(source)))) as file:
                while piece := file.read(1024 * 1024):
                    yield piece
        except _broken(ending) as error:
            raise RequestError(f"'{name}' cannot be decompressed: {error}") from error

    return Translated(source.size, text)


class _File(io.RawIOBase):
    """Bytes of any lengths as a file that can be read once."""

    def __init__(self, data: Iterator[bytes]) -> None:
        self._data = data
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        if not self._left:
            self._left = next(self._data, b"")
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _zstd(file: IO[bytes]) -> Any:
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    return decompressor.stream_reader(file, read_across_frames=True)


_OPENERS: Mapping[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zstd,
}


def _broken(ending: str) -> tuple[type[Exception], ...]:
    """Return what a decompressor raises for bytes that are damaged or of another kind."""
    if ending == ".zst":
        import zstandard

        return (zstandard.ZstdError,)
    return (OSError, EOFError, zlib.error, lzma.LZMAError)
