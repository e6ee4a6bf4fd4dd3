"""Records of delimited text: where each ends, and what its cells are.

Quotes are read as Python's `csv` and pandas read them: a quote opens a cell only at the cell's
start, and is doubled to stand for itself.
"""

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from mlops_cli.errors import RequestError

RECORD_MAX_BYTES = 16 * 1024 * 1024
"""A longer record is taken for a quote that was never closed."""
_LONG_BYTES = 256 * 1024

DELIMITERS = (",", ";", "\t", "|")
BOM = b"\xef\xbb\xbf"
_HIDDEN_CR = "\udc8d\udc8d"


def delimiter_of(header: bytes) -> str:
    """Return what separates the cells of a header: the candidate it has most of, else a comma.

    >>> delimiter_of(b'a;"x,y,z";c')
    ';'
    """
    bare = re.sub(rb'"(?:[^"]|"")*"', b"", header)
    found = max(DELIMITERS, key=lambda one: bare.count(one.encode()))
    return found if found.encode() in bare else ","


def split(data: bytes, delimiter: str) -> tuple[list[bytes], bytes]:
    r"""Return the whole records at the start of `data` without line ends, and what is left over.

    `data` starts where a record does.

    >>> split(b'1,a\n2,"b\nc"\r\n3', ",")
    ([b'1,a', b'2,"b\nc"'], b'3')
    """
    lines = data.split(b"\n")
    rest = lines.pop()
    if b'"' in data:
        lines, unfinished = _joined(lines, delimiter)
        if unfinished is not None:
            rest = unfinished + b"\n" + rest
    if b"\r" in data:
        lines = [line.removesuffix(b"\r") for line in lines]
    return lines, rest


def _joined(lines: list[bytes], delimiter: str) -> tuple[list[bytes], bytes | None]:
    """Return records made of lines, and the last one when its quote is still open."""
    complete, closes = _patterns(delimiter)
    records: list[bytes] = []
    open_lines: list[bytes] = []
    for line in lines:
        if open_lines:
            open_lines.append(line)
            if b'"' in line and closes(line):
                records.append(b"\n".join(open_lines))
                open_lines = []
        elif b'"' not in line or complete(line):
            records.append(line)
        else:
            open_lines = [line]
    return records, b"\n".join(open_lines) if open_lines else None


_Matches = Callable[[bytes], object]


@cache
def _patterns(delimiter: str) -> tuple[_Matches, _Matches]:
    """Return what matches a line after which no quote is open: at a record's start, and inside
    a quoted cell.
    """
    mark = re.escape(delimiter)
    quoted = rf'[^"]*+(?:""[^"]*+)*+"[^{mark}]*+'
    cell = rf'(?:"{quoted}|[^"{mark}][^{mark}]*+)?+'
    more = f"(?:{mark}{cell})*+"
    return (
        re.compile(f"{cell}{more}".encode(), re.DOTALL).fullmatch,
        re.compile(f"{quoted}{more}".encode(), re.DOTALL).fullmatch,
    )


def cells(records: Iterable[bytes], delimiter: str) -> Iterator[list[str]]:
    r"""Yield the cells of each record; what is not UTF-8 is kept as lone surrogates.

    >>> list(cells([b'1,"a ""b"" c"', b"2,d"], ","))
    [['1', 'a "b" c'], ['2', 'd']]
    """
    csv.field_size_limit(sys.maxsize)
    texts = [record.decode("utf-8", "surrogateescape") for record in records]
    try:
        yield from list(csv.reader(texts, delimiter=delimiter))
    except csv.Error:  # a bare carriage return inside a cell
        hidden = [text.replace("\r", _HIDDEN_CR) for text in texts]
        for row in csv.reader(hidden, delimiter=delimiter):
            yield [cell.replace(_HIDDEN_CR, "\r") for cell in row]


def column_names(header: bytes, delimiter: str) -> tuple[str, ...]:
    """Return the names in a header, each once; a column without a name is called by its number.

    >>> column_names(b"a,,a", ",")
    ('a', 'column 2', 'a.1')
    """
    if not header:
        return ()
    return distinct(next(cells([header], delimiter)))


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each made different from those before it."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, start=1):
        one = base = name or f"column {place}"
        again = 0
        while one in found:
            again += 1
            one = f"{base}.{again}"
        found[one] = None
    return tuple(found)


class Splitter:
    """Cuts a stream into blocks of whole records.

    `carry` is the beginning of a record that has not ended. Two splitters with equal state that
    are given the same bytes give the same records.
    """

    def __init__(self, delimiter: str, skip: int) -> None:
        self.delimiter = delimiter
        self.skip = skip
        """How many bytes to drop before the first record: the header."""
        self.carry = b""
        self._due = 0
        """How much there must be of a long record before it is looked at again."""

    @property
    def state(self) -> tuple[str, int, int, bytes]:
        """All that decides what comes of the bytes that follow."""
        return self.delimiter, self.skip, self._due, self.carry

    def follow(self, other: "Splitter") -> None:
        """Be where another splitter is."""
        self.delimiter, self.skip, self._due, self.carry = other.state

    def feed(self, piece: bytes) -> bytes:
        """Return the records that are whole now, with their line ends.

        Raises:
            RequestError: a record is too long to be one.
        """
        if self.skip:
            dropped = min(self.skip, len(piece))
            piece = piece[dropped:]
            self.skip -= dropped
        data = self.carry + piece
        if len(data) < self._due:
            end = 0
        elif b'"' in data:
            end = len(data) - len(split(data, self.delimiter)[1])
        else:
            end = data.rfind(b"\n") + 1
        self.carry = data[end:]
        if end or len(data) >= self._due:
            self._due = 2 * len(self.carry) if len(self.carry) > _LONG_BYTES else 0
        if len(self.carry) > RECORD_MAX_BYTES:
            raise RequestError(
                f"a row is over {RECORD_MAX_BYTES // 2**20} MiB: is a quote not closed before "
                f"{self.carry[:40].decode('utf-8', 'replace')!r}?"
            )
        return data[:end]

    def end(self) -> bytes:
        """Return the last record, if it had no line end; it gets one.

        Raises:
            RequestError: a quote in it is not closed.
        """
        rest, self.carry = self.carry, b""
        if not rest:
            return b""
        block = rest.removesuffix(b"\n") + b"\n"
        if b'"' in block and split(block, self.delimiter)[1]:
            start = rest[:40].decode("utf-8", "replace")
            raise RequestError(f"a quote is not closed before the end, in the row {start!r}")
        return block


def count(block: bytes, delimiter: str) -> int:
    """Return how many records are in a block of whole ones; blank lines are none."""
    if b'"' in block or b"\n\n" in block or b"\r" in block or block.startswith(b"\n"):
        return len(whole(block, delimiter))
    return block.count(b"\n")


def whole(block: bytes, delimiter: str) -> list[bytes]:
    """Return the records in a block of whole ones, without blank lines."""
    return [record for record in split(block, delimiter)[0] if record]
