"""`mlo drift`."""

import sys
from math import ceil
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlops_cli.monitor.drift import ColumnDrift
    from mlops_cli.monitor.live import Checked, Side

_COLOURS = {"drift": "red", "not comparable": "red", "warn": "yellow", "too few rows": "yellow"}
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " ..,,;;##"
_SHOWN = 12


def drift(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL[@REF]]",
            help="The model; a bare name means the version that answered last",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="PATH[@REV]", help="A table to compare with, instead of the training data"
        ),
    ] = None,
    current: Annotated[
        str | None,
        typer.Option(metavar="PATH[@REV]", help="A table to look at, instead of what was asked"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Only predictions since then: 24h, 7d, 2026-01-31T12:00"),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only predictions before then")
    ] = None,
    last: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the last N predictions")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List every column")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare live data with the data a model was trained on.

    Each column is tested, numbers by Anderson-Darling and categories by chi-square. One has
    drifted when the difference is significant for this many tests and large enough to matter;
    .mlops.yaml sets the bounds under drift. Exits with 1 when a column has drifted or cannot be
    compared, and with 0 when there are too few rows to tell. Without a model, compares two tables
    that are named. The change shown is that of the median unless it says of what.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from mlops_cli.monitor import live

    now = datetime.now(UTC)
    span = live.Span(
        since=None if since is None else live.moment(since, now=now),
        until=None if until is None else live.moment(until, now=now),
        last=last,
    )
    found = live.check(
        repository(), model, reference=reference, current=current, span=span, start=Path.cwd()
    )
    show.emit(_flat(found), as_json=as_json, text=lambda _: _tell(found, every=every))
    if not found.report.holds:
        raise typer.Exit(1)


def _flat(found: "Checked") -> dict[str, object]:
    """Return what was compared beside what came out, without a level between."""
    held = show.plain(found)
    return {**{key: held[key] for key in held if key != "report"}, **held["report"]}


def _tell(found: "Checked", *, every: bool) -> None:
    report = found.report
    for one in found.notes:
        show.note(one)
    before = show.number(report.reference_rows, "row")
    show.line(f"{_current(found)} against {_named(found.reference)}, {before}")
    verdict = show.style(report.verdict, "bold", _COLOURS.get(report.verdict, "green"))
    show.line(f"{verdict}: {report.reason}")
    if report.verdict == "too few rows" and not every:
        return
    apart = [column for column in report.columns if column.verdict == "not comparable"]
    rest = [column for column in report.columns if column.verdict != "not comparable"]
    if not every and len(rest) > _SHOWN:
        rest = [column for column in rest if column.verdict not in ("ok", "not tested")]
    if rest:
        show.line()
        names = ["verdict", "column", "effect", "q", "before", "now", "change"]
        show.table(names, [_row(column) for column in rest], whole=len(names) - 1)
    hidden = len(report.columns) - len(apart) - len(rest)
    if hidden:
        columns = show.number(hidden, "column")
        show.line(f"{'and ' if rest else ''}{columns} without drift: --all lists them")
    for column in apart:
        show.line(f"{show.style(column.name, 'red')} cannot be compared: {column.reason}")
    if report.new_columns:
        new = list(report.new_columns)
        more = f" and {len(new) - 5} more" if len(new) > 5 else ""
        show.line(f"not in the reference: {', '.join(new[:5])}{more}")


def _current(found: "Checked") -> str:
    rows = found.report.current_rows
    if found.current.path is not None:
        return f"{_named(found.current)}, {show.number(rows, 'row')},"
    return f"{found.model} v{found.version}: {rows} prediction{'' if rows == 1 else 's'}"


def _named(side: "Side") -> str:
    from mlops_cli.core.ids import short

    if side.oid is None or side.kept:
        return str(side.path)
    return f"{side.path}@{side.rev or short(side.oid)}"


def _row(column: "ColumnDrift") -> list[str]:
    shapes = column.shapes
    top = max((*shapes.reference, *shapes.current)) if shapes else 1.0
    colour = _COLOURS.get(column.verdict)
    return [
        show.style(column.verdict, colour) if colour else column.verdict,
        column.name,
        "" if column.effect is None else f"{column.effect:.2f}",
        "" if column.q is None else f"{column.q:.1g}",
        _sparkline(shapes.reference, top) if shapes else "",
        _sparkline(shapes.current, top) if shapes else "",
        (column.change.removeprefix("median ") if colour else "") or column.reason,
    ]


def _sparkline(shares: "Sequence[float]", top: float) -> str:
    """Return a bar of one character for each share; any that is not zero can be seen.

    >>> _sparkline([0.0, 0.01, 0.5, 1.0], 1.0) in (" ▁▄█", " .,#")
    True
    """
    marks = _BLOCKS if _can_print(_BLOCKS) else _ASCII
    steps = len(marks) - 1
    return "".join(marks[ceil(share / top * steps)] for share in shares)


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
