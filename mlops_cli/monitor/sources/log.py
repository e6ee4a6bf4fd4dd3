"""The prediction log as a table: read once, block by block, however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions import rows as rows_of
from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.rows import FOREVER_US, Rows
from mlops_cli.data.predictions.segment import SUFFIX, Segment, Tally
from mlops_cli.monitor.sources import moments as moments_of
from mlops_cli.monitor.sources.blocks import Blocks, Making
from mlops_cli.monitor.sources.opened import beginning
from mlops_cli.monitor.sources.sums import Sum

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class Log:
    """Predictions in sum.

    Attributes:
        inputs: what was asked, but for the columns that the log hides.
        answers: what the model said: the column `prediction`, and for each class its probability,
            named `probability of CLASS`.
        hidden: columns that are redacted, or hashed, in some of the segments.
    """

    inputs: Blocks
    answers: Blocks
    hidden: tuple[str, ...]


def summed(
    repo: Repository,
    model: str,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    moments: Collection[str] = (),
    approx: bool = False,
    tally: Tally | None = None,
) -> Log:
    """Return the predictions that clients had. Memory has a bound, whatever their number.

    Args:
        repo: where the log is.
        model: its name.
        version_ids: only those of a version that has or had one of these ids.
        since: only those at or after this moment, ISO 8601.
        until: only those before this moment.
        moments: columns of moments, which requests write as text.
        approx: whether columns may be estimated, in less memory.
        tally: is told of damaged places, which are skipped.

    Raises:
        RequestError, IntegrityError: as of `prediction_log.batches`.
    """
    make = beginning(approx=approx, scratch=scratch_files.folder(repo.layout))()
    inputs, answers = _Columns(make), _Columns(make)
    hidden: dict[str, None] = {}
    parts = prediction_log.batches(
        repo, model, version_ids=version_ids, since=since, until=until, tally=tally
    )
    for part in parts:
        out = [one for one in part.source.columns if one not in part.columns or one in part.hashed]
        hidden |= dict.fromkeys(out)
        shown = {name: cells for name, cells in part.columns.items() if name not in part.hashed}
        inputs.add(shown, len(part), moments)
        answers.add(dict(_answers(part)), len(part))
    return Log(inputs.table(leave_out=hidden), answers.table(), tuple(hidden))


class _Columns:
    """Columns of blocks of rows, which need not all have the same."""

    def __init__(self, make: Making) -> None:
        self._make = make
        self._sums: dict[str, Sum] = {}
        self._rows = 0

    def add(self, columns: Mapping[str, Cells], rows: int, moments: Collection[str] = ()) -> None:
        """Add so many rows."""
        for name in [one for one in columns if one not in self._sums]:
            self._sums[name] = self._make()
            if self._rows:
                self._sums[name].add_texts({}, self._rows)
        for name, kept in self._sums.items():
            if name in columns:
                add_cells(kept, columns[name], moments=name in moments)
            else:
                kept.add_texts({}, rows)
        self._rows += rows

    def table(self, leave_out: Collection[str] = ()) -> Blocks:
        """Return all columns but some."""
        sums = {name: kept for name, kept in self._sums.items() if name not in leave_out}
        return Blocks(tuple(sums), self._rows, sums)


def _answers(part: Rows) -> Iterator[tuple[str, Cells]]:
    yield PREDICTION, part.predictions
    if part.shares is not None and part.source.classes:
        for place, name in enumerate(part.source.classes):
            yield f"probability of {name}", Cells(part.shares[:, place])


def add_cells(kept: Sum, cells: Cells, *, moments: bool = False) -> None:
    """Add a block of a column of the log; with `moments` of texts that are such."""
    import numpy as np

    values = cells.values if cells.gaps is None else cells.values[~cells.gaps]
    nulls = len(cells) - len(values)
    if values.dtype.kind in "iuf":
        kept.add_numbers("number", np.array(values), nulls)
    elif values.dtype.kind == "b":
        kept.add_numbers("boolean", np.array(values), nulls)
    elif moments:
        kept.add_numbers("datetime", _seconds(values), nulls)
    else:
        _add_objects(kept, values.tolist(), nulls)


def _add_objects(kept: Sum, values: list[Any], nulls: int) -> None:
    """Add values as JSON has them; some may still be null."""
    import numpy as np

    kinds = set(map(type, values))
    if type(None) in kinds:
        present = [value for value in values if value is not None]
        nulls += len(values) - len(present)
        values = present
        kinds.discard(type(None))
    if kinds and kinds <= {int, float}:
        kept.add_numbers("number", np.array(values, np.float64), nulls)
    elif kinds == {bool}:
        kept.add_numbers("boolean", np.array(values, np.bool_), nulls)
    else:
        kept.add_texts(Counter(values if kinds <= {str} else map(str, values)), nulls)


def _seconds(values: NDArray[Any]) -> NDArray[np.float64]:
    import numpy as np

    return np.array([moments_of.seconds(value) for value in values.tolist()], np.float64)


def last_version(
    repo: Repository, model: str, *, since: str | None = None, until: str | None = None
) -> str | None:
    """Return the id of the version that answered last in a span of time, None if none did.

    Only the heads of blocks are read, and a block where the span begins or ends.
    """
    first = 0 if since is None else prediction_log.microseconds(since)
    end = FOREVER_US if until is None else prediction_log.microseconds(until)
    newest: tuple[int, str] | None = None
    for path in prediction_log.segments(repo.layout.predictions, model):
        head = rows_of.readable_head(path, Tally())
        if head is None or head.source.role not in prediction_log.ANSWERED:
            continue
        last_us = _last_us(path, first, end)
        if last_us is not None and (newest is None or last_us > newest[0]):
            newest = last_us, head.source.version_id
    return None if newest is None else newest[1]


def _last_us(path: Path, first_us: int, end_us: int) -> int | None:
    """Return when the newest prediction of a segment in a span of time was made."""
    if path.suffix != SUFFIX:
        parts = rows_of.of(path, Tally(), first_us=first_us, end_us=end_us)
        return max((int(part.times_us.max()) for part in parts), default=None)
    found: list[int] = []
    with Segment.opened(path) as segment:
        for frame in () if segment is None else segment.frames(Tally()):
            if frame.newest_us < first_us or frame.oldest_us >= end_us:
                continue
            if frame.oldest_us >= first_us and frame.newest_us < end_us:
                found.append(frame.newest_us)
            elif segment is not None and (part := rows_of.read(segment, frame, Tally())):
                found += sorted(part.between(first_us, end_us).times_us.tolist())[-1:]
    return max(found, default=None)
