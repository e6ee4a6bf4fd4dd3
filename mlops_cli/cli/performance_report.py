"""How well a model does live, for people on a terminal; pages and Markdown are `monitor.report`."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.cli import show

if TYPE_CHECKING:
    from mlops_cli.monitor.performance.report import PerformanceReport
    from mlops_cli.monitor.report.performance import Table

_COLOURS = {"dropped": "red", "ok": "green", "unknown": "yellow"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-~=*#@"
_SHOWN = 12


def write(found: "PerformanceReport", file: str, *, when: datetime) -> None:
    """Write the report as a page."""
    from mlops_cli.core.files import write_whole
    from mlops_cli.monitor.report.performance import page

    text = page(found, when=when).encode()
    write_whole(Path(file), text)
    show.note(f"wrote {file}, {show.size(len(text))}")


def markdown(found: "PerformanceReport") -> None:
    """Print the report as Markdown."""
    from mlops_cli.monitor.report.performance import as_markdown

    show.line(as_markdown(found).rstrip("\n"))


def teller(now: datetime, every: bool) -> "Callable[[PerformanceReport], None]":  # noqa: FBT001
    """Return what prints a report; all windows and alarms of it with `every`."""

    def tell(found: "PerformanceReport") -> None:
        for one in found.notes:
            show.note(one)
        show.line(f"{found.model} v{found.version}: {_predictions(found, now)}", rest="  ")
        verdict = show.style(found.verdict, "bold", _COLOURS[found.verdict])
        show.line(f"{verdict}: {found.reason}", rest="  ")
        if found.hint:
            show.note(f"hint: {found.hint}")
        _metrics(found)
        _windows(found, every=every)
        _rest(found, every=every)

    return tell


def _predictions(found: "PerformanceReport", now: datetime) -> str:
    from mlops_cli.monitor.report import performance as words

    told = f"{show.number(found.predictions, 'prediction')}"
    if not found.predictions:
        return told
    if found.delay.newest is None or found.delay.delay_s is None:
        return f"{told}, none labelled"
    age = (now - datetime.fromisoformat(found.delay.newest)).total_seconds()
    after = words.duration(found.delay.delay_s)
    return (
        f"{told}, {found.labelled:,} labelled ({words.labelled(found)}), {after} after"
        f" they were made; the newest of them was made {words.duration(max(age, 0.0))} ago"
    )


def _metrics(found: "PerformanceReport") -> None:
    from mlops_cli.monitor.report import performance as words

    if found.whole is None:
        return
    names = found.metrics or tuple(words.shown(found)[:4])
    rows = []
    for name in names:
        real = words.reading(found.whole.realized, name)
        guess = words.reading(found.whole.estimated, name)
        one = real or guess
        if one is None or one.value is None:
            continue
        ends = "" if one.low is None else f"{words.number(one.low)} to {words.number(one.high)}"
        guessed = "" if guess is None else words.number(guess.value)
        real_value = "" if real is None else words.number(real.value)
        rows.append(
            [name, words.number(one.before), real_value, guessed, ends, _trend_of(found, name)]
        )
    if rows:
        show.line()
        head = ["metric", "held out", "by labels", "estimated", "95 % interval", "trend"]
        show.table(head, rows, whole=len(head))


def _trend_of(found: "PerformanceReport", name: str) -> str:
    from mlops_cli.monitor.report import performance as words

    values = []
    for part in found.windows[-24:]:
        one = words.reading(part.realized, name) or words.reading(part.estimated, name)
        values.append(None if one is None else one.value)
    return trend(values)


def trend(values: Sequence[float | None]) -> str:
    """Return a mark for each value, the higher the larger it is; a space for one that is not known.

    >>> trend([0.1, None, 0.5, 0.9]) in ("▁ ▅█", "_ =@")
    True
    """
    known = [one for one in values if one is not None]
    marks = _BLOCKS if _can_print(_BLOCKS) else _ASCII
    if not known:
        return ""
    low, wide = min(known), max(known) - min(known)
    steps = len(marks) - 1
    return "".join(
        " " if one is None else marks[round((one - low) / wide * steps) if wide else steps // 2]
        for one in values
    )


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _windows(found: "PerformanceReport", *, every: bool) -> None:
    from mlops_cli.monitor.report import performance as words

    names = list(found.metrics or words.shown(found))[:3]
    head, rows = words.windows_table(found, names)
    hidden = 0 if every else max(len(rows) - _SHOWN, 0)
    if len(rows) > 1:
        show.line()
        show.table(head, [_flagged(row) for row in rows[hidden:]], whole=len(head) - 1)
    if any(cell.startswith("~") for row in rows[hidden:] for cell in row):
        show.line("~ is estimated, for want of labels")
    if hidden:
        show.line(f"and {show.number(hidden, 'older window')}: --all lists them")


def _flagged(row: Sequence[str]) -> list[str]:
    return [*row[:-1], show.style(row[-1], "red") if row[-1] else ""]


def _rest(found: "PerformanceReport", *, every: bool) -> None:
    from mlops_cli.monitor.report import performance as words

    for table in (words.segments_table(found), words.gaps_table(found)):
        _print(table)
    if found.concept is not None:
        show.line()
        show.line(words.concept(found.concept), rest="  ")
    head, rows = words.alarms_table(found)
    hidden = 0 if every else max(len(rows) - _SHOWN, 0)
    _print((head, rows[hidden:]))
    if hidden:
        show.line(f"and {show.number(hidden, 'older alarm')}: --all lists them")
    if found.calibration_error is not None:
        before = words.number(found.calibration_error_before)
        show.line()
        show.line(
            f"calibration error {words.number(found.calibration_error)}"
            + (f", {before} on held-out data" if before else "")
        )
        if every:
            _print(words.calibration_table(found))


def _print(table: "Table") -> None:
    head, rows = table
    if rows:
        show.line()
        show.table(head, rows, whole=len(head) - 1)
