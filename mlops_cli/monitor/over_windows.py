"""Drift over windows of time: which columns have drifted for long enough, and where they go.

One window that differs may be a holiday. A column has drifted when it has in some windows in a
row; each of them is held against the reference, and the false discoveries are bounded over all
windows and columns at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlops_cli.core.config import DriftSettings
from mlops_cli.monitor import columns, drift, verdicts
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.numeric import Asked
from mlops_cli.monitor.statistics import trend
from mlops_cli.monitor.statistics.false_discovery import q_values
from mlops_cli.monitor.statistics.trend import Trend
from mlops_cli.monitor.tested import ColumnKind, Tested
from mlops_cli.monitor.verdicts import ColumnDrift, Verdict


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked about in one stretch of time, and what the stretch is called."""

    label: str
    table: Table


@dataclass(frozen=True, slots=True)
class WindowDrift:
    """What is to be said of one window: as of a `DriftReport`, with q over all windows."""

    label: str
    rows: int
    verdict: Verdict
    reason: str
    columns: tuple[ColumnDrift, ...]


@dataclass(frozen=True, slots=True)
class ColumnCourse:
    """How one column went over the windows.

    Attributes:
        verdict: `drift` after enough windows in a row, also if that is over; `warn` after fewer.
        since: the window in which the longest such row began, "" if there is none.
        in_a_row: how many windows it has.
        now: whether that row reaches to the last window that could be tested.
        effects: of each window, oldest first; None where it was not tested.
        trend: of the effects; None with too few of them.
    """

    name: str
    kind: ColumnKind
    verdict: Verdict
    since: str
    in_a_row: int
    now: bool
    effects: tuple[float | None, ...]
    trend: Trend | None
    importance: float | None = None


@dataclass(frozen=True, slots=True)
class WindowsReport:
    """What is to be said of all windows: a verdict, why, the columns, worst first, the windows."""

    verdict: Verdict
    reason: str
    reference_rows: int
    settings: DriftSettings
    columns: tuple[ColumnCourse, ...]
    windows: tuple[WindowDrift, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing that was asked about is known to have changed or defies comparison."""
        return self.verdict not in ("drift", "not comparable")


def compare_windows(
    reference: Table,
    windows: Sequence[Window],
    settings: DriftSettings | None = None,
    *,
    importance: Mapping[str, float] | None = None,
    asked: Asked | None = None,
) -> WindowsReport:
    """Return how the columns of `reference` are distributed in windows, oldest first.

    A window with too few rows says nothing: it neither makes a row longer nor ends it. Arguments
    as of `drift.compare`.

    Raises:
        RequestError: as of `drift.compare`.
    """
    settings = settings or DriftSettings()
    asked = asked or Asked(distances=False)
    for one in windows:
        if one.table.rows or one.table.names:
            drift.check(reference.names, one.table.names)
    tested = _tested(reference, windows, settings, asked)
    weights = verdicts.shares(importance)
    judged = _judged(tested, settings, weights)
    found = [
        _window(one, [each[i] for each in judged.values()], settings)
        for i, one in enumerate(windows)
    ]
    courses = [_course(name, each, found, settings) for name, each in judged.items()]
    courses.sort(key=_badness)
    verdict, reason = _overall(courses, found, settings)
    return WindowsReport(verdict, reason, reference.rows, settings, tuple(courses), tuple(found))


def _tested(
    reference: Table, windows: Sequence[Window], settings: DriftSettings, asked: Asked
) -> dict[str, list[Tested]]:
    """Return the tests of each column in each window; the reference is summed once a column."""
    there = [set(one.table.names) for one in windows]
    renamed = [drift.likely_renamed(reference.names, one.table.names) for one in windows]

    def tests(name: str) -> list[Tested]:
        before = reference.column(name)
        return [
            columns.compare(before, one.table.column(name), min_rows=settings.min_rows, asked=asked)
            if name in names
            else Tested(before.kind, mismatch="not in the current data" + other.get(name, ""))
            for one, names, other in zip(windows, there, renamed, strict=True)
        ]

    rows = reference.rows + sum(one.table.rows for one in windows)
    threads = drift.threads_for(rows, len(reference.names))
    found = drift.in_threads(tests, reference.names, threads=threads)
    return dict(zip(reference.names, found, strict=True))


def _judged(
    tested: Mapping[str, Sequence[Tested]], settings: DriftSettings, weights: Mapping[str, float]
) -> dict[str, list[ColumnDrift]]:
    every = [one for each in tested.values() for one in each]
    q = iter(q_values([result.p for one in every for result in one.results]))
    return {
        name: [
            verdicts.judge(name, one, [next(q) for _ in one.results], settings, weights.get(name))
            for one in each
        ]
        for name, each in tested.items()
    }


def _window(one: Window, judged: Sequence[ColumnDrift], settings: DriftSettings) -> WindowDrift:
    too_few = columns.too_few_rows(settings.min_rows, one.table.rows, settings.min_rows)
    if not one.table.rows:
        judged = [replace(each, verdict="too few rows", reason="no row") for each in judged]
    verdict, reason = verdicts.overall(judged, too_few, settings)
    ordered = tuple(sorted(judged, key=verdicts.badness))
    return WindowDrift(one.label, one.table.rows, verdict, reason, ordered)


def _course(
    name: str,
    judged: Sequence[ColumnDrift],
    windows: Sequence[WindowDrift],
    settings: DriftSettings,
) -> ColumnCourse:
    said = [
        (i, one.verdict)
        for i, one in enumerate(judged)
        if windows[i].rows and one.verdict != "too few rows"
    ]
    verdict, start, length, now = _longest(said, settings.windows_in_a_row)
    effects = tuple(one.effect for one in judged)
    return ColumnCourse(
        name=name,
        kind=judged[-1].kind if judged else "empty",
        verdict=verdict,
        since=windows[start].label if length else "",
        in_a_row=length,
        now=now,
        effects=effects,
        trend=trend.of([one for one in effects if one is not None]),
        importance=judged[-1].importance if judged else None,
    )


def _longest(said: Sequence[tuple[int, Verdict]], in_a_row: int) -> tuple[Verdict, int, int, bool]:
    """Return the verdict over windows; where its longest row starts, its length, if it lasts.

    Args:
        said: the windows that say anything, by their places, and what they say.
        in_a_row: how many make drift.

    >>> _longest([(0, "ok"), (1, "drift"), (3, "drift"), (4, "ok")], 2)
    ('drift', 1, 2, False)
    """
    if not said:
        return "too few rows", 0, 0, False
    for wanted in ("drift", "not comparable"):
        rows = _rows(said, wanted)
        long = [row for row in rows if len(row) >= in_a_row]
        if long:
            row = max(long, key=len)
            last = next((each for each in long if each[-1] == said[-1][0]), row)
            return wanted, last[0], len(last), last[-1] == said[-1][0]
    short = max((_rows(said, "drift") or _rows(said, "not comparable")), key=len, default=[])
    if short:
        return "warn", short[0], len(short), short[-1] == said[-1][0]
    verdicts_ = [verdict for _, verdict in said]
    worst = min(verdicts_, key=verdicts.WORST_FIRST.index)
    return worst, 0, 0, False


def _rows(said: Sequence[tuple[int, Verdict]], wanted: str) -> list[list[int]]:
    """Return the places of windows that say so one after the other, each such row by itself."""
    from itertools import groupby

    runs = groupby(said, key=lambda each: each[1] == wanted)
    return [[place for place, _ in run] for matches, run in runs if matches]


def _badness(course: ColumnCourse) -> tuple[int, bool, float, int]:
    largest = max((effect for effect in course.effects if effect is not None), default=0.0)
    order = verdicts.WORST_FIRST.index(course.verdict)
    return order, not course.now, -(course.importance or 0.0) * largest, -course.in_a_row


def _overall(
    courses: Sequence[ColumnCourse], windows: Sequence[WindowDrift], settings: DriftSettings
) -> tuple[Verdict, str]:
    """Return the verdict on all windows and why."""
    told = [one for one in windows if one.verdict != "too few rows"]
    if not told:
        few = f"no window has {settings.min_rows} rows"
        return "too few rows", few if windows else "there is no window"
    k = settings.windows_in_a_row
    by = {verdict: [c for c in courses if c.verdict == verdict] for verdict in verdicts.WORST_FIRST}
    if by["drift"]:
        worst = by["drift"][0]
        still = "and still does" if worst.now else "and no longer does"
        names = f"{_some(by['drift'], len(courses))} drifted"
        since = f"{worst.name} in {worst.in_a_row} windows in a row, from {worst.since} on, {still}"
        return "drift", f"{names}; {since}"
    if by["not comparable"]:
        return "not comparable", _some(by["not comparable"], len(courses)) + " cannot be compared"
    if by["warn"]:
        fewer = f"but in fewer than {k} windows in a row" if k > 1 else "a little"
        differ = "differs" if len(by["warn"]) == 1 else "differ"
        return "warn", f"{_some(by['warn'], len(courses))} {differ}, {fewer}"
    if by["ok"]:
        return "ok", f"no column drifted in {len(told)} window{'' if len(told) == 1 else 's'}"
    return "not comparable", "there is no column that can be tested"


def _some(courses: Sequence[ColumnCourse], of: int) -> str:
    listed = ", ".join(one.name for one in courses[:3]) + (", ..." if len(courses) > 3 else "")
    return f"{len(courses)} of {of} column{'' if of == 1 else 's'} ({listed})"
