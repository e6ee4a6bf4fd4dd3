"""Drift over windows of the predictions, or of a table that says when its rows were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mlops_cli.core.clock import moment
from mlops_cli.core.config import DriftSettings
from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError
from mlops_cli.monitor import over_windows, windows
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.given import Given
from mlops_cli.monitor.over_windows import WindowsReport
from mlops_cli.monitor.predicted import Beside, Predicted
from mlops_cli.monitor.sides import Sides
from mlops_cli.monitor.tested import listed
from mlops_cli.monitor.windows import Width, Window

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Extent:
    """From when to when a window is, ISO 8601, None where rows have no time; and its rows.

    `whole` says that no more rows can come to it: the newest may still be filling.
    """

    start: str | None
    until: str | None
    rows: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Course:
    """What is to be said of windows.

    Attributes:
        width: as it was asked for.
        left_out: so many older windows, which are not looked at.
        extents: of the windows of the report, in their order.
    """

    width: str
    report: WindowsReport
    extents: tuple[Extent, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()


def compare(
    both: Sides,
    answers: Predicted | None,
    width: str,
    settings: DriftSettings,
    *,
    time: str | None = None,
    importance: Mapping[str, float] | None = None,
) -> Course:
    """Return how the current side went over windows.

    Args:
        both: what is compared.
        answers: the model's answers, if they are looked at too.
        width: how wide the windows are: `1d`, `6h`, or so many rows.
        settings: the bounds.
        time: the column of a table that says when each row was; the prediction log knows.
        importance: how much the model makes of its columns.

    Raises:
        RequestError: the width or the column makes no sense, or a table has no such column.
    """
    wide = windows.width(width)
    frame, times_us, stands_for, notes = _timed(both, time, needed=wide.seconds is not None)
    if wide.rows is not None:
        wide = Width(rows=max(1, round(wide.rows / stands_for)))
    cut, left_out = windows.newest(windows.cut(times_us, wide))
    reference: Table = both.reference.table
    if answers is not None:
        reference = Beside(reference, answers.reference)
    known = time is not None or both.log is not None
    extents = tuple(_extent(one, timed=known) for one in cut)
    labels = _labels(cut, wide.seconds, timed=known)
    each = [
        over_windows.Window(label, _table(both, answers, frame, one))
        for label, one in zip(labels, cut, strict=True)
    ]
    report = over_windows.compare_windows(reference, each, settings, importance=importance)
    return Course(width, report, extents, left_out, notes)


def _table(both: Sides, answers: Predicted | None, frame: pd.DataFrame, one: Window) -> Table:
    some = both.current.summed(frame.iloc[one.first : one.end])
    if answers is None or both.log is None:
        return some
    return Beside(some, answers.of(both.log.window(), slice(one.first, one.end)))


class _Timed(NamedTuple):
    """Rows in the order of time, when each was, in microseconds since 1970, and how many rows each
    stands for.
    """

    frame: pd.DataFrame
    times_us: NDArray[np.int64]
    stands_for: float
    notes: tuple[str, ...]


def _timed(both: Sides, time: str | None, *, needed: bool) -> _Timed:
    """Return the rows of the current side in the order of time."""
    import numpy as np

    if both.log is not None and time is not None:
        raise RequestError(
            f"the prediction log knows when each row was, so '{time}' is not needed",
            hint="leave out --time",
        )
    held = both.current.rows("windows")
    frame, notes, stands_for = held.frame, [], 1.0
    if held.sampled:
        notes.append(f"{len(frame):,} rows, evenly chosen, stand for all")
        stands_for = both.current.whole.rows / len(frame)
    if both.log is not None:
        moments = both.log.window().times.dt.tz_localize(None)
        times = moments.to_numpy().astype("datetime64[us]").astype(np.int64)
        return _Timed(frame, times, stands_for, tuple(notes))
    if time is None:
        if needed:
            raise RequestError(
                "windows of a time need to know when each row was",
                hint="name the column: --time COLUMN, or a number of rows: --window 10000",
            )
        return _Timed(frame, np.arange(len(frame)), stands_for, tuple(notes))
    frame, times, lost = _by_time(frame, time, both.current)
    if lost:
        notes.append(f"{lost:,} row{'' if lost == 1 else 's'} without a time left out")
    return _Timed(frame, times, stands_for, tuple(notes))


def _by_time(
    frame: pd.DataFrame, column: str, side: Given
) -> tuple[pd.DataFrame, NDArray[np.int64], int]:
    import numpy as np
    import pandas as pd

    if column not in frame.columns:
        raise RequestError(
            f"'{side.side.path}' has no column '{column}'", hint=f"it has: {listed(frame.columns)}"
        )
    times = frame[column]
    if times.dtype.kind in "iuf":
        raise RequestError(
            f"'{column}' has numbers, not moments", hint="use one with dates, as 2026-01-31T12:00"
        )
    found = pd.to_datetime(times, utc=True, format="ISO8601", errors="coerce")
    there = found.notna().to_numpy()
    if not there.any() and len(frame):
        raise RequestError(
            f"'{column}' has no moment that can be read",
            hint="they are written as 2026-01-31 or 2026-01-31T12:00:00Z",
        )
    when = found[there].dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    order = np.argsort(when, kind="stable")
    return frame[there].iloc[order], when[order], int((~there).sum())


def _extent(one: Window, *, timed: bool) -> Extent:
    if not timed:
        return Extent(None, None, one.rows, one.whole)
    return Extent(moment(one.start_us * 1000), moment(one.until_us * 1000), one.rows, one.whole)


def _labels(cut: Sequence[Window], seconds: int | None, *, timed: bool) -> list[str]:
    """Return what windows are called: when each begins, as exactly as it takes to tell them apart.

    >>> _labels([Window(0, 5, 0, 1), Window(5, 9, 1, 2)], None, timed=True)
    ['row 1', 'row 6']
    """
    texts = [moment(one.start_us * 1000) for one in cut] if timed else []
    if timed and seconds is not None and seconds % 86_400 == 0:
        return [text[:10] for text in texts]
    for letters in (16, 19):
        found = [text[:letters].replace("T", " ") for text in texts]
        if timed and len(set(found)) == len(cut):
            return found
    return [f"row {one.first + 1:,}" for one in cut]
