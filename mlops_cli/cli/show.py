"""What a command prints: results on stdout, everything else on stderr; colour for people only."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar

from mlops_cli.cli.fold import fitted, width_of
from mlops_cli.cli.inert import coloured, inert, inert_json
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

T = TypeVar("T")

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_REFRESH_S = 0.1
_PATIENCE_S = 0.3  # shorter work shows no progress
_UNBOUNDED = 10_000  # columns where nobody's terminal ends


def emit(value: T, *, as_json: bool, text: Callable[[T], None]) -> None:
    """Print a command's result: as JSON on stdout, or by calling `text`."""
    if as_json:
        print(_json(plain(value), sys.stdout.encoding))
    else:
        text(value)


def one_form(*, as_json: bool, markdown: bool) -> None:
    """Refuse to print one result in two forms."""
    if as_json and markdown:
        raise RequestError("--json and --markdown are two forms of the same", hint="choose one")


def line(text: str = "", *, rest: str | None = None) -> None:
    """Print a line of the result, on stdout.

    With `rest` it is folded to the terminal, if stdout is one, and the lines after the first
    begin with `rest`.
    """
    text = inert(text)
    print(text if rest is None else fitted(text, sys.stdout, rest=rest))


def note(text: str, *, rest: str | None = None) -> None:
    """Print a line about what is going on, on stderr; with `rest` folded as by `line`."""
    text = inert(text)
    print(text if rest is None else fitted(text, sys.stderr, rest=rest), file=sys.stderr)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, indent: int = 0, whole: int = 0
) -> None:
    """Print rows under column names, on stdout; a column that holds only numbers is right-aligned.

    None shows as an empty cell. Without rows only the names are printed. On a terminal long cells
    are folded to its width, but not in the first `whole` columns; elsewhere a row is one line,
    however long.
    """
    numbers = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(columns))
    ]
    cells = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for text in _aligned([list(columns), *cells], numbers):
            print(" " * indent + text)
        return
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    quiet = "dim" if _coloured(sys.stdout) else ""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=quiet)
    for i, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if numbers[i] else "left"
        drawn.add_column(Text(name), justify=justify, overflow="fold", no_wrap=i < whole)
    for row in cells:
        drawn.add_row(*[Text.from_ansi(cell) for cell in row])
    with _console(sys.stdout) as console:
        console.print(Padding(drawn, (0, 0, 0, indent)))


def _aligned(rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of a table where nothing is folded; drawing it by Rich takes 100 ms."""
    sizes = [[width_of(cell) for cell in row] for row in rows]
    most = [max(size[i] for size in sizes) for i in range(len(numbers))]
    for row, size in zip(rows, sizes, strict=True):
        padded = []
        for i, cell in enumerate(row):
            room = " " * (most[i] - size[i])
            padded.append(room + cell if numbers[i] else cell + room)
        yield "  ".join(padded).rstrip()


@contextmanager
def _console(stream: TextIO) -> Iterator["Console"]:
    """Yield a Rich console whose lines end where their text does."""
    from rich.console import Console

    on_terminal = stream.isatty()
    console = Console(
        file=stream,
        width=None if on_terminal else _UNBOUNDED,
        no_color=not _coloured(stream),
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        yield console
    for text in captured.get().splitlines():
        stream.write(text.rstrip() + "\n")


def style(text: str, *names: str) -> str:
    """Return the text in colour or weight when stdout is a terminal that wants it.

    It is for `line`, `note` and `table`: colours that do not come from here they spell out.
    """
    if not names or not _coloured(sys.stdout):
        return text
    return coloured(text, ";".join(_CODES[name] for name in names))


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


def number(count: int, what: str) -> str:
    """Return a number of things, in words for people.

    >>> number(1, "object"), number(1014, "object")
    ('1 object', '1,014 objects')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def placed(written: int, removed: int) -> str:
    """Return what became of the files of a path, in words for people.

    >>> placed(2, 0), placed(1, 3), placed(0, 1)
    ('2 files written', '1 file written, 3 removed', '1 file removed')
    """
    if not written:
        return f"{number(removed, 'file')} removed"
    return f"{number(written, 'file')} written" + (f", {removed:,} removed" if removed else "")


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
    """A bar with amount, rate and time left, for work that takes long enough to ask."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        started = time.monotonic()
        done = 0
        due = started + _PATIENCE_S
        bar: RichProgress | None = None

        def advance(units: int) -> None:
            nonlocal done, due, bar
            done += units
            now = time.monotonic()
            if now < due:
                return
            due = now + _REFRESH_S
            if bar is None:
                bar = _bar(self._stream, unit)
                bar.add_task(label, total=total)
                bar.start()
            bar.update(bar.task_ids[0], completed=done, refresh=True)

        try:
            yield advance
        finally:
            if bar is not None:
                bar.stop()


def _bar(stream: TextIO, unit: str) -> "RichProgress":
    from rich import progress as parts
    from rich.console import Console

    in_bytes = unit in {"B", "bytes"}
    amount = parts.DownloadColumn(binary_units=True) if in_bytes else parts.MofNCompleteColumn()
    rate = [parts.TransferSpeedColumn()] if in_bytes else [parts.TextColumn(unit)]
    return parts.Progress(
        parts.TextColumn("{task.description}", markup=False),
        parts.BarColumn(bar_width=20),
        amount,
        *rate,
        parts.TimeRemainingColumn(),
        console=Console(file=stream, no_color=not _coloured(stream)),
        transient=True,
        auto_refresh=False,
    )


def _coloured(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _json(value: Any, encoding: str) -> str:
    """Return JSON in letters that `encoding` has; a file name may hold what is no letter at all."""
    import json

    text = inert_json(json.dumps(value, indent=2, ensure_ascii=False))
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return text


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return inert(str(value))
