"""What a command prints: results on stdout, everything else on stderr; colour for people only."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, TypeVar

from mlops_cli.core.progress import SILENT, Progress

T = TypeVar("T")

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_REFRESH_S = 0.1
_PATIENCE_S = 0.3  # shorter work shows no progress


def emit(value: T, *, as_json: bool, text: Callable[[T], None]) -> None:
    """Print a command's result: as JSON on stdout, or by calling `text`."""
    if as_json:
        import json

        print(json.dumps(plain(value), indent=2, ensure_ascii=not _speaks_utf8(sys.stdout)))
    else:
        text(value)


def line(text: str = "") -> None:
    """Print a line of the result, on stdout."""
    print(text)


def note(text: str) -> None:
    """Print a line about what is going on, on stderr."""
    print(text, file=sys.stderr)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, indent: int = 0) -> None:
    """Print rows under column names, on stdout; a column that holds only numbers is right-aligned.

    None shows as an empty cell. Without rows only the names are printed.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(columns))
    ]
    widths = [max(_width(row[i]) for row in [columns, *cells]) for i in range(len(columns))]
    for number, row in enumerate([list(columns), *cells]):
        padded = [
            " " * (width - _width(cell)) + cell if flush else cell + " " * (width - _width(cell))
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        text = " " * indent + "  ".join(padded).rstrip()
        print(style(text, "dim") if number == 0 else text)


def style(text: str, *names: str) -> str:
    """Return the text in colour or weight when stdout is a terminal that wants it."""
    if not names or not _coloured(sys.stdout):
        return text
    return f"\033[{';'.join(_CODES[name] for name in names)}m{text}\033[0m"


def progress() -> Progress:
    """Return a progress display on stderr; a silent one when stderr is no terminal."""
    return _Meter(sys.stderr) if sys.stderr.isatty() else SILENT


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> size(999), size(1536), size(3 * 1024**3)
    ('999 B', '1.5 KiB', '3.0 GiB')
    """
    if count < 1024:
        return f"{count} B"
    number = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        number /= 1024
        if number < 1024 or unit == "TiB":
            break
    return f"{number:.1f} {unit}"


def plain(value: Any) -> Any:
    """Return a result as JSON knows it: records as objects, paths as text, NaN as "nan".

    >>> plain({"auc": float("nan"), "names": ("a", "b")})
    {'auc': 'nan', 'names': ['a', 'b']}
    """
    import math
    from enum import Enum
    from pathlib import PurePath

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value.value, int) else value.value
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if fields := getattr(value, "__dataclass_fields__", None):
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return [plain(item) for item in value]


class _Meter:
    """One line that is rewritten: label, how far, how long still."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        started = time.monotonic()
        done = 0
        due = started + _PATIENCE_S
        shown = False

        def advance(units: int) -> None:
            nonlocal done, due, shown
            done += units
            now = time.monotonic()
            if now >= due:
                due = now + _REFRESH_S
                shown = True
                text = _progress_line(label, done, total, unit, now - started)
                self._stream.write(f"\r\033[K{text}")
                self._stream.flush()

        try:
            yield advance
        finally:
            if shown:
                self._stream.write("\r\033[K")
                self._stream.flush()


def _progress_line(label: str, done: int, total: int | None, unit: str, elapsed_s: float) -> str:
    if unit in {"B", "bytes"}:
        amount = size(done) + (f" of {size(total)}" if total else "")
    else:
        amount = f"{done:,}" + (f" of {total:,}" if total else "") + f" {unit}"
    if not total or not done:
        return f"{label}  {amount}"
    left_s = elapsed_s * max(total - done, 0) / done
    return f"{label}  {amount}  {min(done / total, 1):.0%}  {left_s:.0f} s left"


def _coloured(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _speaks_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _width(text: str) -> int:
    """Return the columns a terminal gives the text; colour takes none, wide letters two."""
    if text.isascii() and "\033" not in text:
        return len(text)
    import re
    from unicodedata import combining, east_asian_width

    seen = re.sub(r"\033\[[0-9;]*m", "", text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in seen)
