"""How well a model does live, for people on a terminal; pages and Markdown are `monitor.report`."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from math import isfinite
from pathlib import Path
from statistics import median
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
    from mlops_cli.monitor.report import grounds as words

    def tell(found: "PerformanceReport") -> None:
        for one in found.notes:
            show.note(one, rest="  ")
        show.line(f"{found.model} v{found.version}: {_predictions(found, now)}", rest="  ")
        verdict = show.style(found.verdict, "bold", _COLOURS[found.verdict])
        show.line(f"{verdict}: {found.reason}", rest="  ")
        if found.hint:
            show.note(f"hint: {found.hint}", rest="  ")
        estimated = _metrics(found)
        _windows(found, every=every, estimated=estimated)
        for one in words.grounds(found):
            show.line(one, rest="  ")
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


def _metrics(found: "PerformanceReport") -> bool:
    """Print metrics of all predictions; return whether some of them are marked as estimated."""
    from mlops_cli.monitor.report import performance as words

    if found.whole is None:
        return False
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
            [name, words.held_out(real, guess), real_value, guessed, ends, _trend_of(found, name)]
        )
    if rows:
        show.line()
        head = ["metric", "held out", "by labels", "estimated", "95 % interval", "trend"]
        show.table(head, rows, whole=len(head))
    return any(row[1].startswith("~") for row in rows)


def _trend_of(found: "PerformanceReport", name: str) -> str:
    from mlops_cli.monitor.report import performance as words

    values, widths = [], []
    for part in found.windows[-24:]:
        one = words.reading(part.realized, name) or words.reading(part.estimated, name)
        values.append(None if one is None else one.value)
        if one is not None and one.low is not None and one.high is not None:
            widths.append(one.high - one.low)
    return trend(values, least=median(widths) if widths else 0.0)


def trend(values: Sequence[float | None], *, least: float = 0.0) -> str:
    """Return a mark for each value, the higher the larger it is; a space for one that is not known.

    From the lowest mark to the highest is `least` or more, so that chance looks like what it is.

    >>> trend([0.1, None, 0.5, 0.9]) in ("▁ ▅█", "_ =@")
    True
    >>> trend([0.860, 0.862], least=0.1) in ("▄▅", "~=")
    True
    """
    marks = _BLOCKS if _can_print(_BLOCKS) else _ASCII
    known = [one for one in values if one is not None]
    wide = max(max(known) - min(known), least) if known else 0.0
    if not known or not isfinite(wide):
        return ""
    low = (max(known) + min(known) - wide) / 2
    places = [(one - low) / wide if one is not None and wide else 0.5 for one in values]
    steps = len(marks) - 1
    return "".join(
        " " if one is None else marks[min(max(round(place * steps), 0), steps)]
        for one, place in zip(values, places, strict=True)
    )


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _windows(found: "PerformanceReport", *, every: bool, estimated: bool) -> None:
    from mlops_cli.monitor.report import performance as words

    names = list(found.metrics or words.shown(found))[:3]
    head, rows = words.windows_table(found, names)
    hidden = 0 if every else max(len(rows) - _SHOWN, 0)
    if len(rows) > 1:
        show.line()
        show.table(head, [_flagged(row) for row in rows[hidden:]], whole=len(head) - 1)
    shown = rows[hidden:] if len(rows) > 1 else []
    if estimated or any(cell.startswith("~") for row in shown for cell in row):
        show.line("~ is estimated, for want of labels")
    if hidden:
        show.line(f"and {show.number(hidden, 'older window')}: --all lists them")


def _flagged(row: Sequence[str]) -> list[str]:
    return [*row[:-1], show.style(row[-1], "red") if row[-1] else ""]


def _rest(found: "PerformanceReport", *, every: bool) -> None:
    from mlops_cli.monitor.report import performance as words

    segments = words.segments_table(found, every=every)
    few = len(found.segments) - len(segments[1])
    _print(segments)
    if few:
        more = "more " if segments[1] else ""
        if not segments[1]:
            show.line()
        show.line(f"{show.number(few, f'{more}segment')} with too few labels: --all lists them")
    _print(words.gaps_table(found))
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
