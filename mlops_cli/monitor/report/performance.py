"""A performance report as a page and as Markdown: metrics over time, with what they are held to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mlops_cli.monitor.performance.report import (
    Alarm,
    Gap,
    Part,
    PerformanceReport,
    Reading,
    Segment,
)
from mlops_cli.monitor.report.grounds import grounds
from mlops_cli.monitor.report.words import minutes, percent
from mlops_cli.page import html, lines, markdown
from mlops_cli.page.html import Html, Tone
from mlops_cli.page.lines import Line
from mlops_cli.registry.evaluation import slices

_TONES: dict[str, Tone] = {"dropped": "bad", "ok": "good", "unknown": "warn"}
_NAN = float("nan")


def page(found: PerformanceReport, *, when: datetime) -> str:
    """Return the page; `when` it was made."""
    parts = [
        html.verdict(word(found), found.reason, _TONES[found.verdict]),
        html.facts(_facts(found)),
        *(html.paragraph(one, faint=True) for one in found.notes),
        *(html.paragraph(one, faint=True) for one in grounds(found)),
        *([html.paragraph(concept(found.concept))] if found.concept else []),
        *([html.paragraph(f"Try: {found.hint}", faint=True)] if found.hint else []),
        *_charts(found),
        *_tables(found),
    ]
    return html.page(
        f"Performance of {title(found)}", parts, under=[_against(found), minutes(when)]
    )


def title(found: PerformanceReport) -> str:
    """Return which version it is of."""
    return f"{found.model} v{found.version}"


def word(found: PerformanceReport) -> str:
    """Return the verdict, and whether it is an estimate."""
    return f"{found.verdict} (estimated)" if found.basis == "estimate" else found.verdict


def _against(found: PerformanceReport) -> str:
    if found.reference is None:
        return "compared with nothing: the version was not evaluated"
    rows = f"{found.reference.rows:,} rows"
    return f"compared with {found.reference.path}, {rows}, evaluated {found.reference.time[:10]}"


def _facts(found: PerformanceReport) -> Iterator[tuple[str, str]]:
    yield "predictions", f"{found.predictions:,}"
    yield "labelled", f"{found.labelled:,} ({labelled(found)})"
    if found.delay.newest is not None:
        yield "newest labelled", f"{found.delay.newest[:16].replace('T', ' ')} UTC"
    if found.delay.delay_s is not None:
        yield "label after", duration(found.delay.delay_s)
    yield "window", found.window
    if found.calibration_error is not None:
        yield "calibration error", number(found.calibration_error)


def labelled(found: PerformanceReport) -> str:
    """Return the share of predictions whose truth is known."""
    return percent(found.labelled / max(found.predictions, 1))


def duration(seconds: float) -> str:
    """Return about how long, for people.

    >>> duration(90), duration(462), duration(7200), duration(260_000)
    ('90 s', '8 min', '2.0 h', '3.0 d')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def number(value: float | None) -> str:
    """Return a metric with as many digits as one reads.

    >>> number(0.83512), number(12345.6), number(1e300), number(None)
    ('0.835', '12,346', '1e+300', '')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"


def _charts(found: PerformanceReport) -> Iterator[Html]:
    if not found.windows:
        return
    names = [name for name in found.metrics or shown(found) if _has(found, name)]
    each = [html.card(name, _chart(found, name), badge=_badge(found, name)) for name in names]
    told = "The line across is the metric on held-out data; lines down are alarms of detectors."
    if each:
        yield html.section("Over time", html.cards(each), under=told)
    gaps = dict.fromkeys((one.column, one.metric) for one in found.gaps)
    drawn = [_gap(gaps_of(found, *one)) for one in gaps]
    if drawn:
        told = "The line across is the gap on held-out data, where that was evaluated."
        yield html.section("Gaps between groups over time", html.cards(drawn), under=told)


def _gap(some: Sequence[Gap]) -> Html:
    """Return one gap over the windows."""
    name = f"{some[0].metric.removesuffix('_difference')} of {some[0].column}"
    points, band = [], []
    for one in some:
        middle = (_seconds(one.start) + _seconds(one.end)) / 2
        points.append((middle, _finite(one.value)))
        band.append((_finite(one.low), _finite(one.high)))
    before = some[-1].before
    drawn = lines.chart(
        f"{name} over time",
        [Line("gap", points, band=band, dots=True)],
        bounds=[] if before is None else [(before, "")],
        times=True,
    )
    badge = html.mark("grown", "bad") if any(one.grown for one in some) else Html()
    return html.card(name, drawn, badge=badge)


def _finite(value: float | None) -> float:
    return _NAN if value is None else value


def _badge(found: PerformanceReport, name: str) -> Html:
    readings = () if found.since is None else found.since.realized or found.since.estimated
    dropped = any(one.metric == name and one.dropped for one in readings)
    return html.mark("dropped", "bad") if dropped else Html()


def _has(found: PerformanceReport, name: str) -> bool:
    every = [one for part in found.windows for one in (*part.realized, *part.estimated)]
    return any(one.metric == name and one.value is not None for one in every)


def _chart(found: PerformanceReport, name: str) -> Html:
    drawn = [
        _line("by labels", found.windows, [reading(part.realized, name) for part in found.windows]),
        _line(
            "estimated", found.windows, [reading(part.estimated, name) for part in found.windows]
        ),
    ]
    before = next((one.before for one in _readings(found, name) if one.before is not None), None)
    events = [
        (_seconds(one.time), f"{one.detector}: errors {one.direction} from"
         f" {number(one.before)} to {number(one.after)}")
        for one in found.alarms
    ]  # fmt: skip
    return lines.chart(
        f"{name} over time",
        [line for line in drawn if line is not None],
        bounds=[] if before is None else [(before, "")],
        events=events,
        times=True,
    )


def _readings(found: PerformanceReport, name: str) -> Iterator[Reading]:
    for part in found.windows:
        for some in (part.realized, part.estimated):
            one = reading(some, name)
            if one is not None:
                yield one


def reading(readings: Sequence[Reading], name: str) -> Reading | None:
    """Return the metric of that name."""
    return next((one for one in readings if one.metric == name), None)


def _line(label: str, parts: Sequence[Part], each: Sequence[Reading | None]) -> Line | None:
    if all(one is None or one.value is None for one in each):
        return None
    points, band = [], []
    for part, one in zip(parts, each, strict=True):
        middle = (_seconds(part.start) + _seconds(part.end)) / 2
        points.append((middle, _finite(None if one is None else one.value)))
        ends = (None, None) if one is None else (one.low, one.high)
        band.append((_finite(ends[0]), _finite(ends[1])))
    estimated = label == "estimated"
    return Line(label, points, band=band, dashed=estimated, dots=not estimated)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shown(found: PerformanceReport) -> list[str]:
    """Return the metrics that there are, the ones that decide first."""
    every = [one.metric for part in found.windows for one in (*part.realized, *part.estimated)]
    return list(dict.fromkeys([*(one for one in found.metrics if one in every), *every]))


def _tables(found: PerformanceReport) -> Iterator[Html]:
    head, rows = metrics_table(found, guess="≈ ")
    if rows:
        yield html.section("Metrics", html.table(head, rows), under="of all predictions looked at")
    for told, (head, rows) in (
        ("Segments", segments_table(found)),
        ("Gaps between groups", gaps_table(found)),
        ("Changes of the error", alarms_table(found)),
        ("Calibration", calibration_table(found)),
    ):
        if rows:
            yield html.section(told, html.table(head, rows), under=_UNDER[told])
    head, rows = windows_table(found, shown(found)[:4], guess="≈ ")
    if rows:
        yield html.folded(f"Windows ({len(rows)})", html.table(head, rows))


_UNDER = {
    "Segments": "by labels, beside the same rows of held-out data where these were evaluated",
    "Gaps between groups": "by fairlearn's definitions, window by window",
    "Changes of the error": "found by detectors in the stream of labelled predictions",
    "Calibration": "labelled predictions by their probability: what was said, and what came",
}
Table = tuple[list[str], list[list[str]]]


def metrics_table(found: PerformanceReport, *, guess: str = "~") -> Table:
    """Return each metric of all predictions: by labels, estimated and of the reference.

    `guess` stands before what is estimated of the reference too, for want of labels.
    """
    whole = found.whole
    rows = []
    for name in [] if whole is None else shown(found):
        assert whole is not None
        real, guessed = reading(whole.realized, name), reading(whole.estimated, name)
        rows.append([name, held_out(real, guessed, guess), _banded(real), _banded(guessed)])
    return ["metric", "held-out data", "by labels", "estimated"], rows


def held_out(real: Reading | None, guessed: Reading | None, mark: str = "~") -> str:
    """Return the metric of the reference: by labels, or `mark` and what was estimated of it."""
    if real is not None:
        return number(real.before)
    told = "" if guessed is None else number(guessed.before)
    return told and f"{mark}{told}"


def _banded(one: Reading | None) -> str:
    if one is None or one.value is None:
        return ""
    return _between(one.value, one.low, one.high)


def _between(value: float | None, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return number(value) or "not known"
    return f"{number(value)} ({number(low)} to {number(high)})"


def windows_table(found: PerformanceReport, names: Sequence[str], *, guess: str = "~") -> Table:
    """Return windows with their metrics, `guess` before those that are estimated."""
    rows = [
        [
            start,
            f"{part.rows:,}",
            f"{part.labelled:,}",
            *(_either(part, name, guess) for name in names),
            ", ".join(one.metric for one in (part.realized or part.estimated) if one.dropped),
        ]
        for start, part in zip(
            starts([one.start for one in found.windows]), found.windows, strict=True
        )
    ]
    return ["from", "rows", "labels", *names, "dropped"], rows


def _either(part: Part, name: str, mark: str) -> str:
    real = reading(part.realized, name)
    if real is not None and real.value is not None:
        return number(real.value)
    guess = reading(part.estimated, name)
    return "" if guess is None or guess.value is None else f"{mark}{number(guess.value)}"


def starts(moments: Sequence[str]) -> list[str]:
    """Return when windows begin: to the minute, or to the second where that tells them apart.

    >>> starts(["2026-01-31T09:15:02Z", "2026-01-31T09:16:02Z"])
    ['2026-01-31 09:15', '2026-01-31 09:16']
    >>> starts(["2026-01-31T09:15:02Z", "2026-01-31T09:15:04Z"])
    ['2026-01-31 09:15:02', '2026-01-31 09:15:04']
    """
    told = {moment[:16] for moment in moments}
    length = 16 if len(told) == len(moments) else 19
    return [moment[:length].replace("T", " ") for moment in moments]


def segments_table(found: PerformanceReport, *, every: bool = True) -> Table:
    """Return the metric that decides first, of each segment; not `every`: where it is known."""
    name = (found.metrics or ("accuracy",))[0]
    rows = []
    for one in found.segments:
        if not (every or one.realized):
            continue
        told = reading(one.realized, name)
        dropped = ", ".join(metric.metric for metric in one.realized if metric.dropped)
        before = None if told is None else told.before
        few = "" if one.realized else "too few labels"
        rows.append(
            [_segment(one), f"{one.labelled:,}", number(before), _banded(told), dropped or few]
        )
    return ["segment", "labels", "held-out data", name, "dropped"], rows


def _segment(one: Segment) -> str:
    named = slices.told(one.value, one.column)
    return f"{one.column}={one.value}" if named == one.value else named


def gaps_table(found: PerformanceReport) -> Table:
    """Return the newest value of each gap, and in how many windows it has grown."""
    rows = []
    for column, name in dict.fromkeys((one.column, one.metric) for one in found.gaps):
        some = gaps_of(found, column, name)
        last = some[-1]
        grown = sum(one.grown for one in some)
        ends = _between(last.value, last.low, last.high)
        told = f"{grown} of {len(some)} windows" if grown else ""
        rows.append([column, name.removesuffix("_difference"), number(last.before), ends, told])
    return ["column", "difference of", "held-out data", "newest window", "grown in"], rows


def gaps_of(found: PerformanceReport, column: str, name: str) -> list[Gap]:
    """Return one gap over the windows."""
    return [one for one in found.gaps if one.column == column and one.metric == name]


def concept(one: Alarm) -> str:
    """Return what at least two detectors say."""
    when = one.time[:16].replace("T", " ")
    rose = f"from {number(one.before)} to {number(one.after)}"
    return f"concept drift by {when} UTC: the error rose {rose}"


def alarms_table(found: PerformanceReport) -> Table:
    """Return what detectors found."""
    rows = [
        [one.time[:16].replace("T", " "), one.detector, one.direction, number(one.before),
         number(one.after), one.prediction]
        for one in found.alarms
    ]  # fmt: skip
    return ["time", "detector", "error", "before", "after", "prediction"], rows


def calibration_table(found: PerformanceReport) -> Table:
    """Return predictions by their probability."""
    rows = [
        [f"{one.low:.1f} to {one.high:.1f}", f"{one.rows:,}", number(one.said), number(one.came)]
        for one in found.calibration
    ]
    return ["probability", "rows", "said", "came"], rows


def as_markdown(found: PerformanceReport) -> str:
    """Return the report as Markdown."""
    told = [
        f"### Performance of {markdown.escaped(title(found))}",
        "",
        f"**{word(found)}**: {markdown.escaped(found.reason)}",
        "",
        f"{found.predictions:,} predictions, {found.labelled:,} labelled ({labelled(found)});"
        f" {markdown.escaped(_against(found))}.",
        *([f"\n{markdown.escaped(concept(found.concept))}."] if found.concept else []),
        *(f"\n{markdown.escaped(one)}" for one in grounds(found)),
        *(f"\n> {markdown.escaped(one)}" for one in found.notes),
    ]
    for head, rows in (
        metrics_table(found, guess="≈"),
        windows_table(found, shown(found)[:3], guess="≈"),
        segments_table(found),
        gaps_table(found),
        alarms_table(found),
    ):
        if rows:
            cells = [[markdown.escaped(one) for one in row] for row in rows]
            told += ["", *markdown.grid([markdown.escaped(one) for one in head], cells)]
    return "\n".join(told) + "\n"
