"""The part of a page that says how columns went over windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import nan

from mlops_cli.monitor.course import Course
from mlops_cli.monitor.over_windows import ColumnCourse, WindowsReport
from mlops_cli.monitor.report import words
from mlops_cli.page import html, lines
from mlops_cli.page.html import Html
from mlops_cli.page.lines import Line
from mlops_cli.page.room import Room

_DRAWN = 6
_LISTED = 0.1
"""Of the lines that a page has room for, columns here: each has a square for every window."""
_SHOWN = 60
"""Windows that have a square in the table, the newest."""


def windows(found: Course, room: Room) -> Iterator[Html]:
    """Yield the course of the columns, drawn and as a table."""
    report = found.report
    under = f"{len(report.windows)} windows of {_width(found)}"
    if (listed := _listed(room)) < len(report.columns):
        under += f"; the worst {listed} of {len(report.columns):,} columns"
    yield html.section("Over time", *_chart(found), _table(report, room), under=under)


def _width(found: Course) -> str:
    return f"{found.width} rows" if found.width.replace(",", "").isdigit() else found.width


def _chart(found: Course) -> Iterator[Html]:
    report = found.report
    if len(report.windows) < 2:
        return
    told = [one for one in report.columns if any(each is not None for each in one.effects)]
    places = _places(found)
    each = [
        Line(
            one.name,
            [
                (place, nan if effect is None else effect)
                for place, effect in zip(places, one.effects, strict=True)
            ],
            dots=len(places) <= 30,
            told=one.trend.direction if one.trend else "",
        )
        for one in told[:_DRAWN]
    ]
    bounds = [(report.settings.effect, "drift")]
    title = "effect of each window"
    timed = _timed(found)
    x = "begin of the window, UTC" if timed else "window"
    highest = max([report.settings.effect, *_effects(told[:_DRAWN])])
    within = (0.0, min(1.0, highest * 1.05))
    yield lines.chart(title, each, x=x, bounds=bounds, times=timed, wide=True, within=within)
    if len(told) > _DRAWN:
        yield html.paragraph(f"the worst {_DRAWN} of {len(told)} columns are drawn", faint=True)


def _effects(columns: Sequence[ColumnCourse]) -> Iterator[float]:
    for one in columns:
        yield from (effect for effect in one.effects if effect is not None)


def _timed(found: Course) -> bool:
    """Return whether windows are told by when they begin, not by their rows."""
    return not found.report.windows or not found.report.windows[0].label.startswith("row ")


def _places(found: Course) -> list[float]:
    """Return when each window begins, in seconds since 1970, or its number."""
    if not _timed(found):
        return [float(place + 1) for place in range(len(found.extents))]
    return [datetime.fromisoformat(one.start or "").timestamp() for one in found.extents]


def _listed(room: Room) -> int:
    return max(1, int(room.listed * _LISTED))


def _table(report: WindowsReport, room: Room) -> Html:
    shown = slice(max(0, len(report.windows) - _SHOWN), None)
    head = ["column", "verdict", "windows", "longest", "since", "trend"]
    verdicts = [{one.name: one.verdict for one in window.columns} for window in report.windows]
    labels = [f"{one.label}, {one.rows:,} rows" for one in report.windows]
    rows = (
        _row(one, [each.get(one.name, "not tested") for each in verdicts][shown], labels[shown])
        for one in report.columns[: _listed(room)]
    )
    return html.table(head, rows)


def _row(
    one: ColumnCourse, verdicts: Sequence[str], labels: Sequence[str]
) -> list[str | float | None]:
    squares = [
        html.tag(
            "rect",
            html.tag("title", f"{label}: {verdict}"),
            x=place * 11,
            y=2 if verdict in ("drift", "not comparable") else 7 if verdict == "warn" else 13,
            width=9,
            height={"drift": 16, "not comparable": 16, "warn": 11}.get(verdict, 5),
            class_=f"t{'quiet' if verdict == 'too few rows' else words.TONES[verdict]}",
        )
        for place, (label, verdict) in enumerate(zip(labels, verdicts, strict=True))
    ]
    width = 11 * len(squares)
    told = html.tag("svg", *squares, viewBox=f"0 0 {width} 20", class_="squares", width=width)
    return [
        one.name,
        html.mark(one.verdict, words.TONES[one.verdict]),
        told,
        one.in_a_row or None,
        one.since,
        one.trend.direction if one.trend else "",
    ]
