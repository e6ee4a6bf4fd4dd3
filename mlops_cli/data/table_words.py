"""What to say of a file that cannot be read as a table: in words of tables, not of a library."""

import csv
import re
import shlex
from pathlib import Path

from mlops_cli.data.unpacked import DAMAGED
from mlops_cli.errors import ExternalError, MloError, RequestError

UNREADABLE = (*DAMAGED, TypeError, KeyError, NotImplementedError, csv.Error)
"""What libraries raise of a file that they cannot read as a table; theirs are ValueErrors."""

_WIDER = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN = re.compile(r"EOF inside string starting at row (\d+)")
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def refusal(error: Exception, name: str, start: bytes = b"") -> MloError:
    """Return the error to raise for a file called `name` that begins with `start`.

    It is an ExternalError where the system refused to read, and else a RequestError.
    """
    if isinstance(error, OSError) and error.errno is not None:  # libraries raise some without
        return ExternalError(f"cannot read '{name}': {(error.strerror or str(error)).lower()}")
    reason, hint = _why(error, name, start)
    return RequestError(f"'{name}' cannot be read as a table: {reason}", hint=hint)


def _why(error: Exception, name: str, start: bytes) -> tuple[str, str | None]:
    if isinstance(error, UnicodeDecodeError):
        return _of_bytes(error, name, start)
    said = str(error).strip().partition("\n")[0]
    if found := _WIDER.search(said):
        reason = f"line {found[2]} has {found[3]} cells, those before it have {found[1]}"
        return _separated(name, start) or (reason, None)
    if found := _OPEN.search(said):
        return f"a quote that opens in line {int(found[1]) + 1} is never closed", None
    if isinstance(error, TypeError):
        return "its lines are not all JSON objects", None
    return said.removeprefix("Error tokenizing data. C error: "), None


def _of_bytes(error: UnicodeDecodeError, name: str, start: bytes) -> tuple[str, str]:
    if (start or error.object)[:2] in _MARKS:
        reason, encoding = "it is UTF-16, not UTF-8", "utf-16"
    else:
        odd = error.object[error.start]
        reason, encoding = f"it is not UTF-8, by its byte 0x{odd:02x}", "latin1"
    hint = f"iconv -f {encoding} -t utf-8 {shlex.quote(name)} > FILE"
    return reason, hint if encoding == "utf-16" else f"if it is Latin-1: {hint}"


def refuse_separators(name: str, start: bytes) -> None:
    r"""Refuse delimited text that is one column only because something else separates its cells.

    Args:
        name: what the file is called.
        start: how it begins, of a whole line or more.

    Raises:
        RequestError: its first lines have a separator that a file of this name does not have.

    >>> refuse_separators("t.csv", b"name\nBonn; Ulm\n")
    """
    if found := _separated(name, start):
        raise RequestError(f"'{name}' cannot be read as a table: {found[0]}", hint=found[1])


def _separated(name: str, start: bytes) -> tuple[str, str] | None:
    """Return that something else separates cells, and what to do; None if nothing does."""
    expected = "\t" if ".tsv" in Path(name.lower()).suffixes else ","
    lines = start.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").split("\n")
    if expected in lines[0]:
        return None
    for mark, told in _SEPARATORS.items():
        if mark in lines[0] and all(mark in line for line in lines[1:2] if line.strip()):
            hint = _HINTS.get(mark, "write it with commas, or with tabs as .tsv")
            return f"it looks separated by {told}, not by {_SEPARATORS[expected]}", hint
    return None


_SEPARATORS = {",": "commas", ";": "';'", "\t": "tabs", "|": "'|'"}
_HINTS = {"\t": "call it .tsv", ",": "call it .csv"}
