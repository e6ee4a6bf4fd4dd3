"""What to say of a file that cannot be read as a table: in words of tables, not of a library."""

import re
import shlex

from mlops_cli.errors import RequestError

START_BYTES = 64 * 1024
"""So much of the beginning of a file is enough to say what may be wrong."""
_WIDER = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN = re.compile(r"EOF inside string starting at row (\d+)")
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def refusal(error: Exception, name: str, start: bytes = b"") -> RequestError:
    """Return the error to raise for a file called `name` that begins with `start`."""
    reason, hint = _why(error, name, start)
    return RequestError(f"'{name}' cannot be read as a table: {reason}", hint=hint)


def _why(error: Exception, name: str, start: bytes) -> tuple[str, str | None]:
    if isinstance(error, UnicodeDecodeError):
        return _of_bytes(error, name, start)
    said = str(error).strip().partition("\n")[0]
    if found := _WIDER.search(said):
        reason = f"line {found[2]} has {found[3]} cells, those before it have {found[1]}"
        return reason, _of_separators(start)
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


def _of_separators(start: bytes) -> str | None:
    header = start.lstrip().partition(b"\n")[0]
    if header.count(b";") > header.count(b","):
        return "is it separated by ';'? Write it with commas, or with tabs as .tsv"
    if header.count(b"\t") > header.count(b","):
        return "is it separated by tabs? Then call it .tsv"
    return None
