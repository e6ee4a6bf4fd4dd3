"""A drift report as Markdown, for comments on pull requests and in chats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlops_cli.monitor.course import Course
from mlops_cli.monitor.live import Checked
from mlops_cli.monitor.report import subject, words
from mlops_cli.monitor.segments import SegmentsReport, worst_columns
from mlops_cli.monitor.verdicts import ColumnDrift
from mlops_cli.page.html import clipped
from mlops_cli.page.markdown import code, escaped, folded, grid

LISTED = 100
"""So many columns have a line, the worst first."""
_SHOWN = 40
"""Windows that have a mark, the newest."""
_MARKS = {"drift": "█", "not comparable": "!", "warn": "▄", "ok": "▁", "too few rows": "·"}


def lines(found: Checked) -> Iterator[str]:
    """Yield the lines of the report."""
    yield f"### {escaped(subject.title(found))}"
    yield ""
    yield f"**{found.verdict}**: {escaped(found.reason)}"
    yield ""
    yield escaped(subject.subject(found))
    yield from (f"- {escaped(one)}" for one in subject.notes(found))
    if found.together is not None:
        together = found.together
        yield f"- columns together, {together.verdict}: {escaped(together.reason)}"
    if found.windows is not None:
        yield ""
        yield from _windows(found.windows)
    if found.segments is not None:
        yield ""
        yield from _segments(found.segments)
    yield from _columns(found.report.columns)


def _columns(every: Sequence[ColumnDrift]) -> Iterator[str]:
    told = [one for one in every if one.verdict in ("drift", "not comparable", "warn")]
    rest = [one for one in every if one not in told]
    if told:
        yield ""
        yield from _table(told[:LISTED])
    if rest:
        yield ""
        left = words.without_drift([one.verdict for one in rest])
        yield from folded(left, _table(rest[:LISTED]))
    if len(told) > LISTED or len(rest) > LISTED:
        yield ""
        yield f"Of each only the first {LISTED} are listed."


def _table(columns: Sequence[ColumnDrift]) -> list[str]:
    weighed = any(one.importance is not None for one in columns)
    head = ["column", "verdict", "effect", "q", *(["importance"] if weighed else []), "change"]
    return grid(head, (_row(one, weighed=weighed) for one in columns))


def _row(one: ColumnDrift, *, weighed: bool) -> list[str]:
    weight = "" if one.importance is None else words.percent(one.importance)
    told = one.change if one.verdict in ("drift", "warn") else one.reason
    return [
        code(clipped(one.name)),
        one.verdict,
        "" if one.effect is None else f"{one.effect:.2f}",
        words.q(one.q),
        *([weight] if weighed else []),
        escaped(told),
    ]


def _windows(found: Course) -> Iterator[str]:
    report = found.report
    verdicts = [{one.name: one.verdict for one in window.columns} for window in report.windows]
    rows = [
        [
            code(clipped(one.name)),
            one.verdict,
            "".join(_MARKS.get(each.get(one.name, ""), " ") for each in verdicts[-_SHOWN:]),
            str(one.in_a_row or ""),
            escaped(one.since),
        ]
        for one in report.columns[:LISTED]
    ]
    yield from grid(["column", "verdict", "windows", "in a row", "since"], rows)


def _segments(found: SegmentsReport) -> Iterator[str]:
    rows = [
        [
            code(clipped(one.name)),
            one.verdict,
            f"{one.reference_rows:,}",
            f"{one.current_rows:,}",
            ", ".join(code(clipped(name)) for name in list(worst_columns(one))[:5])
            or escaped(one.reason),
        ]
        for one in found.segments
    ]
    yield from grid([code(found.column), "verdict", "reference", "current", "what"], rows)
