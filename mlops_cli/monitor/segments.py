"""Drift in parts of a table: each held against the same part of the reference.

What moves in one region may not be seen in all of them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.core.config import DriftSettings
from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError
from mlops_cli.monitor import columns, drift, split, verdicts
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.given import Given
from mlops_cli.monitor.numeric import Asked
from mlops_cli.monitor.segmenting import Segmenting
from mlops_cli.monitor.statistics.false_discovery import q_values
from mlops_cli.monitor.tested import Tested, listed
from mlops_cli.monitor.verdicts import ColumnDrift, Verdict
from mlops_cli.registry.evaluation import slices

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SegmentDrift:
    """What is to be said of one segment; columns the worst first."""

    name: str
    verdict: Verdict
    reason: str
    reference_rows: int
    current_rows: int
    columns: tuple[ColumnDrift, ...]


@dataclass(frozen=True, slots=True)
class SegmentsReport:
    """What is to be said of all segments of a column, the worst first.

    Attributes:
        values: how many different values the column has on both sides.
        notes: what else there is to know of the segments.
    """

    column: str
    verdict: Verdict
    reason: str
    segments: tuple[SegmentDrift, ...]
    values: int
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no segment is known to have changed or defies comparison."""
        return self.verdict not in ("drift", "not comparable")


def compare(
    reference: Given,
    current: Given,
    column: str,
    settings: DriftSettings,
    *,
    importance: Mapping[str, float] | None = None,
    asked: Asked | None = None,
) -> SegmentsReport:
    """Return how each segment of `column` is distributed now.

    A segment is a value of the column; of numbers with many values a range between quartiles of
    both sides together; the rarest values beyond 20 are one. False discoveries are bounded over
    all segments and columns at once.

    Raises:
        RequestError: a side does not have the column, or no rows.
    """
    parts, values, notes = _parts(reference, current, column)
    tested = [
        {} if few else _tested(pair, column, settings, asked)
        for pair, few in ((one, _too_few(one, settings)) for one in parts)
    ]
    q = iter(q_values([r.p for part in tested for one in part.values() for r in one.results]))
    weights = verdicts.shares(importance)
    found = []
    for part, each in zip(parts, tested, strict=True):
        judged = [
            verdicts.judge(name, one, [next(q) for _ in one.results], settings, weights.get(name))
            for name, one in each.items()
        ]
        found.append(_segment(part, judged, settings))
    found.sort(key=lambda one: (verdicts.WORST_FIRST.index(one.verdict), -one.current_rows))
    verdict, reason = _overall(found, settings)
    return SegmentsReport(column, verdict, reason, tuple(found), values, tuple(notes))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    name: str
    reference: Table
    current: Table
    rows: tuple[int, int]


def _parts(reference: Given, current: Given, column: str) -> tuple[list[_Part], int, list[str]]:
    cut = Segmenting()
    for side, what in ((reference, "the reference"), (current, "the current data")):
        for values in _values(side, what, column):
            cut.add(values)
    cut.cut()
    if not cut.names:
        raise RequestError("there are no rows, so there are no segments")
    notes = []
    if cut.others:
        notes.append(
            f"'{column}' has {cut.values:,} values; all but the {slices.MOST} commonest are one"
            " segment"
        )
    both = zip(_summed(reference, column, cut), _summed(current, column, cut), strict=True)
    parts = [
        _Part(slices.told(name, column), *tables, (tables[0].rows, tables[1].rows))
        for name, tables in zip(cut.names, both, strict=True)
    ]
    return parts, cut.values, notes


def _values(side: Given, what: str, column: str) -> Iterator[pd.Series[Any]]:
    """Yield the values of a column, some at a time."""
    own = side.columns.get(column, column)
    for block in side.blocks("segments"):
        frame = block.frame
        if own in frame.columns:
            yield frame[own]
        elif len(frame) and own not in side.whole.names:
            raise RequestError(
                f"{what} has no column '{column}'", hint=f"it has: {listed(frame.columns)}"
            )
        else:  # of the log, in which the others have it
            yield frame.reindex(columns=[own])[own]


def _summed(side: Given, column: str, cut: Segmenting) -> list[Table]:
    """Return each segment in sum: rows are read once more, and none is kept."""
    parts = side.sums(len(cut.names))
    own = side.columns.get(column, column)
    for block in side.blocks("segments"):
        frame = block.frame
        values = frame[own] if own in frame.columns else frame.reindex(columns=[own])[own]
        split.add(side.compared(frame), cut.places(values), parts)
    return [one.table() for one in parts]


def _too_few(part: _Part, settings: DriftSettings) -> str:
    return columns.too_few_rows(*part.rows, settings.min_rows)


def _tested(
    part: _Part, column: str, settings: DriftSettings, asked: Asked | None
) -> dict[str, Tested]:
    found = drift.each_column(part.reference, part.current, settings, asked)
    return {name: one for name, one in found.items() if name != column}


def _segment(part: _Part, judged: Sequence[ColumnDrift], settings: DriftSettings) -> SegmentDrift:
    ordered = tuple(sorted(judged, key=verdicts.badness))
    before, now = part.rows
    if not before and now >= settings.min_rows:
        verdict, reason = "not comparable", "not in the reference"
        return SegmentDrift(part.name, verdict, reason, before, now, ordered)  # type: ignore[arg-type]
    few = _too_few(part, settings)
    found = ("too few rows", few) if few else verdicts.overall(ordered, "", settings)
    return SegmentDrift(part.name, *found, before, now, ordered)  # type: ignore[arg-type]


def _overall(found: Sequence[SegmentDrift], settings: DriftSettings) -> tuple[Verdict, str]:
    by: dict[str, list[SegmentDrift]] = {}
    for one in found:
        by.setdefault(one.verdict, []).append(one)
    if "drift" in by:
        return "drift", f"{_some(by['drift'], len(found))} drifted"
    if "not comparable" in by:
        return "not comparable", f"{_some(by['not comparable'], len(found))} cannot be compared"
    if "warn" in by:
        return "warn", f"{_some(by['warn'], len(found))} differ a little"
    if "ok" in by:
        left = len(found) - len(by["ok"])
        return "ok", "no segment drifted" + (f"; {left} could not be tested" if left else "")
    return "too few rows", f"no segment has {settings.min_rows} rows on both sides"


def _some(found: Sequence[SegmentDrift], of: int) -> str:
    names = ", ".join(one.name for one in found[:3]) + (", ..." if len(found) > 3 else "")
    return f"{len(found)} of {of} segment{'' if of == 1 else 's'} ({names})"


def worst_columns(one: SegmentDrift) -> Iterator[str]:
    """Yield the columns of a segment that drifted, the worst first."""
    yield from (column.name for column in one.columns if column.verdict == "drift")
