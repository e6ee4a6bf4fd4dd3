"""Drift over windows of the predictions, or of a table that says when its rows were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlops_cli.core.clock import moment
from mlops_cli.core.config import DriftSettings
from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError
from mlops_cli.monitor import over_windows, split, windows
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.given import Block, Given
from mlops_cli.monitor.over_windows import WindowsReport
from mlops_cli.monitor.predicted import Beside, Predicted
from mlops_cli.monitor.sides import Sides
from mlops_cli.monitor.tested import listed
from mlops_cli.monitor.windows import Placing, Window

if TYPE_CHECKING:
    import pandas as pd

    from mlops_cli.monitor.windows import Times


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
    timing = _Timing(both, time, needed=wide.seconds is not None)
    times_us = timing.all()
    cut, left_out = windows.newest(windows.cut(times_us, wide))
    tables = _tables(both, answers, timing, windows.Placing(times_us, cut), len(cut))
    reference: Table = both.reference.table
    if answers is not None:
        reference = Beside(reference, answers.reference)
    known = time is not None or both.log is not None
    extents = tuple(_extent(one, timed=known) for one in cut)
    labels = _labels(cut, wide.seconds, timed=known)
    each = [over_windows.Window(label, one) for label, one in zip(labels, tables, strict=True)]
    report = over_windows.compare_windows(reference, each, settings, importance=importance)
    return Course(width, report, extents, left_out, tuple(timing.notes))


def _tables(
    both: Sides, answers: Predicted | None, timing: _Timing, placing: Placing, number: int
) -> Iterator[Table]:
    """Yield each window in sum: all rows are read once, and none is kept."""
    if not number:
        return
    inputs = both.current.sums(number)
    answered = both.current.sums(number) if answers is not None and both.log is not None else []
    for block, times_us in timing.blocks():
        places = placing.places(times_us)
        frame = both.current.compared(block.frame)
        split.add(frame, places, inputs)
        if answered and block.answers is not None:
            split.add(block.answers, places, answered)
    for place, one in enumerate(inputs):
        if answers is None or not answered:
            yield one.table()
        else:
            yield Beside(one.table(), answers.of(answered[place].table()))


class _Timing:
    """The rows of the current side, and when each was, in microseconds since 1970.

    Where nothing says when rows were it is their number. `notes` say what was left out.
    """

    def __init__(self, both: Sides, time: str | None, *, needed: bool) -> None:
        if both.log is not None and time is not None:
            raise RequestError(
                f"the prediction log knows when each row was, so '{time}' is not needed",
                hint="leave out --time",
            )
        if both.log is None and time is None and needed:
            raise RequestError(
                "windows of a time need to know when each row was",
                hint="name the column: --time COLUMN, or a number of rows: --window 10000",
            )
        self.notes: list[str] = []
        self._both, self._time = both, time

    def all(self) -> Times:
        """Return when all rows were, rising: 8 bytes a row."""
        import numpy as np

        found = [times for _, times in self.blocks()] or [np.zeros(0, np.int64)]
        times_us = np.concatenate(found)
        times_us.sort()
        self._told(len(times_us))
        return times_us

    def _told(self, rows: int) -> None:
        side = self._both.current
        if self._both.log is not None:
            if self._both.log.sampled:
                self.notes.append(f"{rows:,} rows, evenly chosen, stand for all")
        elif lost := side.whole.rows - rows:
            if not rows:
                raise RequestError(
                    f"'{self._time}' has no moment that can be read",
                    hint="they are written as 2026-01-31 or 2026-01-31T12:00:00Z",
                )
            self.notes.append(f"{lost:,} row{'' if lost == 1 else 's'} without a time left out")

    def blocks(self) -> Iterator[tuple[Block, Times]]:
        """Yield the rows that have a time, and the times."""
        import numpy as np

        rows = 0
        for block in self._both.current.blocks("windows"):
            if block.times_us is not None:
                yield block, block.times_us
            elif self._time is None:
                yield block, np.arange(rows, rows + len(block.frame))
            else:
                yield _by_time(block.frame, self._time, self._both.current)
            rows += len(block.frame)


def _by_time(frame: pd.DataFrame, column: str, side: Given) -> tuple[Block, Times]:
    import numpy as np
    import pandas as pd

    if column not in frame.columns:
        raise RequestError(
            f"'{side.side.path}' has no column '{column}'", hint=f"it has: {listed(frame.columns)}"
        )
    times = frame[column]
    if times.dtype.kind in "iuf" and times.notna().any():
        raise RequestError(
            f"'{column}' has numbers, not moments", hint="use one with dates, as 2026-01-31T12:00"
        )
    found = pd.to_datetime(times, utc=True, format="ISO8601", errors="coerce")
    there = found.notna().to_numpy()
    when = found[there].dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return Block(frame[there]), when


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
