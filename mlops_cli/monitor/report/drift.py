"""The page of a drift report: what changed, how much, since when and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mlops_cli.core.config import DriftSettings
from mlops_cli.monitor.live import Checked
from mlops_cli.monitor.multivariate.check import MultivariateReport
from mlops_cli.monitor.report import subject, words
from mlops_cli.monitor.report.over import windows
from mlops_cli.monitor.segments import SegmentDrift, SegmentsReport, worst_columns
from mlops_cli.monitor.statistics.histogram import Shapes
from mlops_cli.monitor.tested import listed
from mlops_cli.monitor.verdicts import ColumnDrift
from mlops_cli.page import html, shapes
from mlops_cli.page.html import Html
from mlops_cli.page.room import Room, fitted

_MOST = Room(drawn=100, listed=500)
_LABELS = ("reference", "current")
_HEAD = ("column", "verdict", "effect", "q", "reference", "current", "change")


def page(found: Checked, *, when: datetime) -> str:
    """Return the page; `when` it was made. Of very many columns the worst are on it."""
    return fitted(lambda room: _page(found, room, when), _MOST)


def _page(found: Checked, room: Room, when: datetime) -> str:
    parts = [
        html.verdict(found.verdict, found.reason, words.TONES[found.verdict]),
        html.facts(_facts(found)),
        *(html.paragraph(one, faint=True) for one in subject.notes(found)),
    ]
    if found.windows is not None:
        parts += windows(found.windows, room)
    if found.segments is not None:
        parts.append(_segments(found.segments))
    if found.together is not None:
        parts.append(_together(found.together))
    parts += [*_columns(found, room), _decision(found.report.settings)]
    under = [subject.subject(found), words.minutes(when)]
    return html.page(subject.title(found), parts, under=under)


def _facts(found: Checked) -> Iterator[tuple[str, str]]:
    report = found.report
    yield "reference rows", f"{report.reference_rows:,}"
    yield "current rows", f"{report.current_rows:,}"
    yield "columns", f"{len(report.columns):,}"
    for verdict in ("drift", "not comparable", "warn", "too few rows", "not tested"):
        count = sum(one.verdict == verdict for one in report.columns)
        if count:
            yield verdict, f"{count:,}"
    if report.new_columns:
        yield "not in the reference", ", ".join(map(html.clipped, report.new_columns[:5]))


def _columns(found: Checked, room: Room) -> Iterator[Html]:
    every = found.report.columns
    answered = set(found.answered.columns if found.answered else ())
    inputs = [one for one in every if one.name not in answered]
    told = [one for one in inputs if one.verdict in ("drift", "warn", "not comparable")]
    rest = [one for one in inputs if one not in told] if len(inputs) <= room.drawn else []
    if told:
        more = f"the first {room.drawn} of {len(told):,}" if len(told) > room.drawn else ""
        yield html.section("Columns that changed", _cards(told[: room.drawn]), under=more)
    answers = [one for one in every if one.name in answered]
    if answers:
        under = f"against {found.answered.against}" if found.answered else ""
        yield html.section("What the model answers", _cards(answers), under=under)
    yield html.section("All columns", _table(every[: room.listed]), under=_left_out(every, room))
    if rest:
        yield html.folded(f"Columns that did not change ({len(rest)})", _cards(rest))


def _left_out(every: Sequence[ColumnDrift], room: Room) -> str:
    return f"the first {room.listed} of {len(every):,}" if len(every) > room.listed else ""


def _table(every: Sequence[ColumnDrift]) -> Html:
    weighed = any(one.importance is not None for one in every)
    head = [*_HEAD, *(["importance"] if weighed else [])]
    return html.table(head, (_row(one, weighed=weighed) for one in every))


def _row(one: ColumnDrift, *, weighed: bool) -> list[str | float | None]:
    before, now = _sparklines(one.shapes)
    cells: list[str | float | None] = [
        one.name,
        html.mark(one.verdict, words.TONES[one.verdict]),
        None if one.effect is None else f"{one.effect:.2f}",
        words.q(one.q) or None,
        before,
        now,
        one.change if one.verdict in ("drift", "warn") else one.reason,
    ]
    if weighed:
        cells.append("" if one.importance is None else words.percent(one.importance))
    return cells


def _sparklines(found: Shapes | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    both = [shapes.folded(each, 8) for each in (found.reference, found.current)]
    top = max(map(max, both))
    return shapes.sparkline(both[0], top=top), shapes.sparkline(both[1], number=1, top=top)


def _cards(columns: Sequence[ColumnDrift]) -> Html:
    return html.cards(map(_card, columns))


def _card(one: ColumnDrift) -> Html:
    parts: list[Html] = []
    if one.shapes is not None:
        both = [one.shapes.reference, one.shapes.current]
        times = one.kind == "datetime"
        title = f"distribution of {html.clipped(one.name)}"
        parts.append(shapes.overlaid(title, one.shapes.bins, both, _LABELS, times=times))
    if one.reason:
        parts.append(html.paragraph(one.reason, faint=True))
    if one.distances or one.others:
        parts.append(html.folded("distances", html.table(["measure", "value"], _measures(one))))
    badge = html.mark(one.verdict, words.TONES[one.verdict])
    return html.card(one.name, *parts, badge=badge, under=_under(one))


def _under(one: ColumnDrift) -> str:
    parts = [one.change]
    if one.effect is not None and one.q is not None:
        parts.append(f"effect {one.effect:.2f}, q {words.q(one.q)} ({one.test})")
    if one.importance is not None:
        parts.append(f"{words.percent(one.importance)} of the importance")
    return "; ".join(filter(None, parts))


def _measures(one: ColumnDrift) -> Iterator[list[str | float | None]]:
    for name, value in one.distances.items():
        yield [name, float(f"{value:.4g}")]
    for other in one.others:
        yield [f"p of {other.test}", float(f"{other.p:.3g}")]


def _together(found: MultivariateReport) -> Html:
    parts: list[Html] = []
    if found.separation is not None and found.separation.gives_away:
        drops = sorted(found.separation.gives_away.items(), key=lambda one: -one[1])[:10]
        parts.append(html.paragraph("What the area loses when a column is shuffled:", faint=True))
        rows = [(name, drop, f"{drop:.3f}") for name, drop in drops if drop > 0]
        parts.append(html.cards([shapes.bars("what gives it away", rows)]))
    if found.q:
        rows_ = [(name, words.q(q)) for name, q in found.q.items()]
        parts.append(html.table(["test", "q"], rows_))
    if found.left_out:
        out = listed(f"{name} ({why})" for name, why in found.left_out.items())
        parts.append(html.paragraph(f"not looked at: {out}", faint=True))
    under = (
        f"{found.verdict}: {found.reason}; of {found.reference_rows:,} rows"
        f" against {found.current_rows:,}"
    )
    return html.section("Columns together", *parts, under=under)


def _segments(found: SegmentsReport) -> Html:
    rows = [
        [
            one.name,
            html.mark(one.verdict, words.TONES[one.verdict]),
            f"{one.reference_rows:,}",
            f"{one.current_rows:,}",
            _what(one),
        ]
        for one in found.segments
    ]
    table = html.table([found.column, "verdict", "reference", "current", "what"], rows)
    drifted = [one for one in found.segments if one.verdict == "drift"][:6]
    more = [
        html.folded(f"{found.column}: {html.clipped(one.name)}", _cards(one.columns[:6]))
        for one in drifted
    ]
    title = f"By {html.clipped(found.column)}"
    return html.section(title, table, *more, under=f"{found.verdict}: {found.reason}")


def _what(one: SegmentDrift) -> str:
    """Return what is to be said of a segment: its columns that drifted, or why there are none."""
    names = [html.clipped(name, 40) for name in worst_columns(one)]
    return ", ".join(names[:5]) or one.reason


def _decision(settings: DriftSettings) -> Html:
    said = (
        "A column has drifted when its difference is there and matters: when q, the p-value of"
        " its test corrected for the number of tests by Benjamini and Hochberg, is below"
        f" {settings.q:g}, and the effect is at least {settings.effect:g}; from {settings.warn:g}"
        " on there is a warning. The effect is the largest gap between the distribution functions"
        " of numbers, and the share that would have to change its category: 0.1 says that one row"
        f" in ten is different. With fewer than {settings.min_rows} rows on a side there is no"
        " verdict. Distances depend on bins or on the unit of a column, and decide nothing."
    )
    return html.folded("How this is decided", html.paragraph(said, faint=True))
