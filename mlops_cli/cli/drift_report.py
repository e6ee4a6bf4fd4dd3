"""What `mlo drift` prints for people: tables with the shapes of both sides."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.fold import columns as terminal
from mlops_cli.cli.fold import width_of
from mlops_cli.cli.runs_list import clip
from mlops_cli.cli.spark import can_print, sparkline
from mlops_cli.monitor.report import subject, words
from mlops_cli.monitor.tested import percent
from mlops_cli.page.shapes import folded

if TYPE_CHECKING:
    from mlops_cli.monitor.course import Course
    from mlops_cli.monitor.live import Checked
    from mlops_cli.monitor.segments import SegmentsReport
    from mlops_cli.monitor.verdicts import ColumnDrift

COLOURS = {"drift": "red", "not comparable": "red", "warn": "yellow", "too few rows": "yellow"}
_SHOWN = 12
_BINS = 8
_NAME = 24
_CHANGE = 15
"""Letters of what changed that a terminal has room for, at least."""
_MARKS = {"drift": "█", "not comparable": "!", "warn": "▄", "ok": "▁", "too few rows": "·"}
_PLAIN = {"drift": "#", "not comparable": "!", "warn": "+", "ok": ".", "too few rows": "?"}
_IN_WORDS = {
    "drift": "drift",
    "not comparable": "not comparable",
    "warn": "a little",
    "ok": "no drift",
    "too few rows": "too few rows",
}


def tell(found: "Checked", *, every: bool) -> None:
    """Print it; without `every` only what is worth a look of a wide table."""
    for one in subject.notes(found):
        show.note(one, rest="  ")
    show.line(subject.subject(found), rest="  ")
    show.line(f"{_verdict(found.verdict, bold=True)}: {found.reason}", rest="  ")
    if found.together is not None and found.together.reason != found.reason:
        together = found.together
        show.line(f"together {_verdict(together.verdict)}: {together.reason}", rest="  ")
    if found.windows is not None:
        _windows(found.windows, every=every)
        return
    if found.segments is not None:
        _segments(found.segments)
    if found.report.verdict == "too few rows" and not every:
        return
    _columns(found, every=every)


def _columns(found: "Checked", *, every: bool) -> None:
    report = found.report
    apart = [column for column in report.columns if column.verdict == "not comparable"]
    rest = [column for column in report.columns if column.verdict != "not comparable"]
    if not every and len(rest) > _SHOWN:
        rest = [column for column in rest if column.verdict not in ("ok", "not tested")]
    if rest:
        show.line()
        weighed = any(column.importance is not None for column in report.columns)
        weight = ["weight"] if weighed else []
        names = ["verdict", "column", "effect", "q", *weight, "before", "now", "change"]
        room = _name_room(rest, weighed=weighed)
        rows = [_row(column, room, weighed=weighed) for column in rest]
        show.table(names, rows, whole=len(names) - 1)
    shown = {column.name for column in (*apart, *rest)}
    _left([one.verdict for one in report.columns if one.name not in shown], after=bool(rest))
    for column in rest:
        _others(column)
    for column in apart:
        name = show.style(column.name, "red")
        show.line(f"{name} cannot be compared: {column.reason}", rest="  ")
    if report.new_columns:
        new = list(report.new_columns)
        more = f" and {len(new) - 5} more" if len(new) > 5 else ""
        show.line(f"not in the reference: {', '.join(new[:5])}{more}", rest="  ")


def _left(hidden: Sequence[str], *, after: bool) -> None:
    """Say how many columns, of such verdicts, are not shown."""
    if hidden:
        columns = words.without_drift(hidden)
        show.line(f"{'and ' if after else ''}{columns}: --all lists them", rest="  ")


def _others(column: "ColumnDrift") -> None:
    """Tell the tests of a column that decide nothing, where they were asked for."""
    if column.others:
        told = (f"{one.test} {one.statistic:.4g}, p {words.q(one.p)}" for one in column.others)
        show.line(f"{clip(column.name, _NAME)} by other tests: {'; '.join(told)}", rest="  ")


def _name_room(rest: Sequence["ColumnDrift"], *, weighed: bool) -> int:
    """Return how long names may be so that what changed has room on a terminal beside them."""
    if not sys.stdout.isatty():
        return _NAME
    verdict = max(len(one.verdict) for one in rest)
    beside = verdict + 2 + 2 + 8 + 9 + (8 if weighed else 0) + 2 * (_BINS + 2) + _CHANGE
    return min(_NAME, max(12, terminal(sys.stdout) - beside))


def _row(column: "ColumnDrift", room: int, *, weighed: bool) -> list[str]:
    shapes = column.shapes
    before, now = "", ""
    if shapes is not None:
        both = [folded(each, _BINS) for each in (shapes.reference, shapes.current)]
        top = max(map(max, both))
        before, now = (sparkline(each, top) for each in both)
    told = column.change.removeprefix("median ") if column.verdict in COLOURS else ""
    weight = "" if column.importance is None else percent(column.importance)
    return [
        _verdict(column.verdict),
        clip(column.name, room),
        "" if column.effect is None else f"{column.effect:.2f}",
        words.q(column.q),
        *([weight] if weighed else []),
        before,
        now,
        told or column.reason,
    ]


def _verdict(word: str, *, bold: bool = False) -> str:
    colour = COLOURS.get(word)
    if bold:
        return show.style(word, "bold", colour or "green")
    return show.style(word, colour) if colour else word


def _windows(found: "Course", *, every: bool) -> None:
    report = found.report
    if not report.windows:
        return
    courses = list(report.columns)
    if not every and len(courses) > _SHOWN:
        courses = [one for one in courses if one.verdict not in ("ok", "not tested")]
    marks = _MARKS if can_print("".join(_MARKS.values())) else _PLAIN
    verdicts = [{one.name: one.verdict for one in window.columns} for window in report.windows]
    room = _room(max((width_of(clip(one.name, _NAME)) for one in courses), default=0))
    shown = verdicts[-room:]
    rows = [
        [
            _verdict(one.verdict),
            clip(one.name, _NAME),
            "".join(marks.get(each.get(one.name, ""), " ") for each in shown),
            one.in_a_row or None,
            one.since,
            one.trend.direction if one.trend and one.trend.direction != "steady" else "",
        ]
        for one in courses
    ]
    show.line()
    show.line(_extent(found, len(shown)), rest="  ")
    if rows:
        head = ["verdict", "column", "windows", "in a row", "since", "trend"]
        show.table(head, rows, whole=len(head))
    named = {one.name for one in courses}
    _left([one.verdict for one in report.columns if one.name not in named], after=bool(rows))
    told = [f"{mark} {_IN_WORDS[word]}" for word, mark in marks.items() if _seen(shown, word)]
    show.note(", ".join(told))


def _seen(shown: Sequence[Mapping[str, str]], word: str) -> bool:
    return any(word in each.values() for each in shown)


def _room(name: int) -> int:
    """Return for how many windows there is room beside names so wide."""
    width = min(terminal(sys.stdout), 160) if sys.stdout.isatty() else 80
    return max(8, width - name - 14 - 2 - 10 - 18 - 9 - 6)


def _extent(found: "Course", shown: int) -> str:
    """Return from when to when the windows are, and how many rows they have."""
    report = found.report
    rows = [one.rows for one in report.windows[-shown:]]
    least, most = min(rows), max(rows)
    many = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    count = len(report.windows)
    told = f"the last {shown} of {count} windows" if shown < count else show.number(count, "window")
    last = "" if found.extents[-1].whole else ", the last still filling"
    return f"{told} of {many} rows, from {report.windows[-shown].label} on{last}"


def _segments(found: "SegmentsReport") -> None:
    from mlops_cli.monitor.segments import worst_columns

    show.line()
    show.line(f"{_verdict(found.verdict)}: {found.reason}", rest="  ")
    show.table(
        ["verdict", found.column, "before", "now", "what"],
        [
            [
                _verdict(one.verdict),
                clip(one.name, _NAME),
                one.reference_rows,
                one.current_rows,
                ", ".join(_first(list(worst_columns(one)))) or one.reason,
            ]
            for one in found.segments
        ],
        whole=4,
    )


def _first(names: list[str]) -> Iterator[str]:
    yield from (clip(name, _NAME) for name in names[:4])
    if len(names) > 4:
        yield f"and {len(names) - 4} more"
