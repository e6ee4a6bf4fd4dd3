"""Labels of predictions from a file, some thousands at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.feedback import AHEAD_US, Feedback, Label, Recorded
from mlops_cli.errors import RequestError
from mlops_cli.registry import rows

if TYPE_CHECKING:
    import pandas as pd

_PART_ROWS = 10_000
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold the prediction ids, the labels, and when they were true, if any."""

    id: str = "id"
    label: str = "label"
    time: str | None = None


def record(
    repo: Repository, source: Path, columns: Columns, *, progress: Progress = SILENT
) -> Recorded:
    """Keep the labels in a file, and say what became of them. Doing it again changes nothing.

    Raises:
        RequestError: the file is no table, lacks a column, or a row has no label, no id or a time
            to come; labels of rows well before that one are kept.
        ExternalError: the file cannot be read, or the disk refuses.
    """
    rows.check_kind(source)
    text = source.suffix.lower() in rows.TEXT
    feedback = Feedback(repo.layout.predictions)
    total = Recorded()
    now_us = time.time_ns() // 1000
    first = 0
    with progress.task(f"labels of {source.name}", None, "rows") as advance:
        for chunk in rows.chunks(source, rows=_PART_ROWS):
            labels = list(_labels(chunk.frame, columns, str(source), first, now_us))
            total = total.plus(feedback.record(labels, text=text))
            first += len(chunk.frame)
            advance(len(chunk.frame))
    return total


def _labels(
    frame: "pd.DataFrame", columns: Columns, where: str, first: int, now_us: int
) -> Iterator[Label]:
    names = [str(name) for name in frame.columns]
    for option, name in (
        ("--id", columns.id),
        ("--label", columns.label),
        ("--time", columns.time),
    ):
        if name is not None and name not in names and len(names):
            close = get_close_matches(name, names, n=1)
            hint = f"did you mean {option} {close[0]}?" if close else f"{option} names the column"
            raise RequestError(f"'{where}' has no column '{name}'", hint=hint)
    if not len(frame):
        return
    ids, values = frame[columns.id].tolist(), frame[columns.label].tolist()
    times = [None] * len(ids) if columns.time is None else frame[columns.time].tolist()
    for row, (one, value, at) in enumerate(zip(ids, values, times, strict=True), start=first + 1):
        if _is_missing(one) or _is_missing(value):
            missing = columns.id if _is_missing(one) else columns.label
            raise RequestError(f"'{where}' row {row} has no value for '{missing}'")
        told_us = now_us if _is_missing(at) else _moment(at, where, row)
        if told_us > now_us + AHEAD_US:
            raise RequestError(
                f"'{where}' row {row}: {_plain(at)} is still to come",
                hint="the time of a label says since when it is known",
            )
        yield Label(str(one), _plain(value), told_us)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or value == "" or value != value


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _moment(value: Any, where: str, row: int) -> int:
    """Return a moment in microseconds: ISO 8601, or seconds since 1970."""
    plain = _plain(value)
    try:
        return int(float(plain) * _US)
    except (TypeError, ValueError):
        pass
    try:
        return prediction_log.microseconds(str(plain))
    except RequestError as error:
        raise RequestError(f"'{where}' row {row}: {error.message}", hint=error.hint) from error
