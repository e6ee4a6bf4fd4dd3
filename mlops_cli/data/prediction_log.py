"""What was served: the format of the prediction log, and reading it.

The log is a folder for each model under `.mlo/predictions/`, with segments that one writer each
appends to (see `prediction_writer`). A segment is JSON lines: the first says which version
answered and what the columns are, each other one holds one prediction. A prediction's id is
`<segment>-<number>`, so that it finds its own line. `docs/design/serving.md` specifies the bytes.
"""

import calendar
import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from mlops_cli.core.clock import moment
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError

if TYPE_CHECKING:
    import pandas

FORMAT = 1
SUFFIX = ".jsonl"
_ID = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,17})")
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Who answers: a model version, the names of its columns, and its classes if it has any."""

    model: str
    version: int
    version_id: str
    columns: tuple[str, ...]
    classes: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """One prediction as it was answered. `probabilities` go by class, as text."""

    id: str
    time: str
    model: str
    version: int
    version_id: str
    features: dict[str, Any]
    prediction: Any
    probabilities: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class Window:
    """Predictions side by side, oldest first; rows of all four have the same prediction ids.

    `features` has a column for each input; `probabilities` one for each class, by text, and none
    for a model without classes; `times` are UTC; `versions` are version ids.
    """

    features: "pandas.DataFrame"
    predictions: "pandas.Series[Any]"
    probabilities: "pandas.DataFrame"
    times: "pandas.Series[Any]"
    versions: "pandas.Series[Any]"

    def __len__(self) -> int:
        return len(self.predictions)


def is_prediction_id(text: str) -> bool:
    """Return whether `text` has the form of a prediction id.

    >>> is_prediction_id("00c0ffee00c0ffee-17"), is_prediction_id("churn@v3")
    (True, False)
    """
    return _ID.fullmatch(text) is not None


def find(repo: Repository, prediction_id: str) -> Logged:
    """Return the prediction with this id.

    Raises:
        RequestError: it is no prediction id, or the log of this clone does not have it.
    """
    match = _ID.fullmatch(prediction_id)
    if not match:
        raise RequestError(
            f"'{prediction_id[:80]}' is not a prediction id",
            hint="ids look like 00c0ffee00c0ffee-17 and come with each answer of `mlo serve`",
        )
    segment, number = match[1], int(match[2])
    for path in repo.layout.predictions.rglob(segment + SUFFIX):
        head = _head(path)
        if head is None:
            continue
        source, start = head[0], b"[%d," % number
        for row in _rows(line for line in _lines(path) if line.startswith(start)):
            return _logged(segment, source, row)
        raise RequestError(
            f"the prediction '{prediction_id}' was answered by {source.model} v{source.version},"
            " but its line is not in the log",
            hint="answers of the last second may not be written yet;"
            " those before a crash, a full disk or an overload are lost",
        )
    raise RequestError(
        f"no prediction '{prediction_id}' in the log of this clone",
        hint="answers of the last second may not be written yet;"
        " the others are kept where they were served, in .mlo/predictions",
    )


def models(repo: Repository) -> list[str]:
    """Return the names of the models that the log has segments of."""
    folder = repo.layout.predictions
    found = {path.parent.relative_to(folder).as_posix() for path in folder.rglob("*" + SUFFIX)}
    return sorted(found)


def each(
    repo: Repository,
    model: str,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Iterator[Logged]:
    """Yield the predictions of `model`, segment by segment, in the order they were answered.

    Args:
        repo: where the log is.
        model: its name; a model that nobody served has no predictions.
        version_ids: only those of a version that has or had one of these ids.
        since: only those at or after this moment, ISO 8601; UTC if it names no zone.
        until: only those before this moment.

    Raises:
        RequestError: a moment cannot be read, or `since` is after `until`.
        IntegrityError: a segment has predictions but no readable first line.
    """
    for segment, source, rows in _selected(repo, model, version_ids, since, until):
        for row in rows:
            yield _logged(segment, source, row)


def window(
    repo: Repository,
    model: str,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    last: int | None = None,
) -> Window:
    """Return the predictions that `each` yields as data frames, only the `last` ones if given."""
    import pandas

    parts = []
    for segment, source, rows in _selected(repo, model, version_ids, since, until):
        if part := list(rows):
            parts.append(_part(segment, source, part))
    if not parts:
        empty = pandas.DataFrame()
        none = pandas.Series(dtype=object)
        return Window(empty, none, empty, pandas.Series(dtype="datetime64[us, UTC]"), none)
    features, answers, probabilities = (
        pandas.concat(frames) for frames in zip(*parts, strict=True)
    )
    order = answers["time"].argsort(kind="stable").to_numpy()
    if last is not None:
        order = order[max(len(order) - last, 0) :]
    answers = answers.iloc[order]
    return Window(
        features=features.iloc[order],
        predictions=answers["prediction"],
        probabilities=probabilities.iloc[order],
        times=answers["time"],
        versions=answers["version"],
    )


def header(segment: str, source: Source, started_us: int) -> bytes:
    """Return the first line of a segment."""
    return orjson.dumps(
        {
            "v": FORMAT,
            "segment": segment,
            "model": source.model,
            "version": source.version,
            "version_id": source.version_id,
            "columns": source.columns,
            "classes": source.classes,
            "started": moment(started_us * 1000),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _selected(
    repo: Repository,
    model: str,
    version_ids: Collection[str] | None,
    since: str | None,
    until: str | None,
) -> Iterator[tuple[str, Source, Iterator[list[Any]]]]:
    first = 0 if since is None else _microseconds(since)
    end = None if until is None else _microseconds(until)
    if end is not None and end < first:
        raise RequestError(f"the time asked for begins at {since}, after its end at {until}")
    segments = [
        (head[1], path, head[0])
        for path in _segments(repo, model)
        if path.stat().st_mtime_ns // 1000 >= first and (head := _head(path))
    ]
    for _, path, source in sorted(segments, key=lambda segment: segment[:2]):
        if version_ids is None or source.version_id in version_ids:
            rows = _rows(_lines(path))
            chosen = (r for r in rows if r[1] >= first and (end is None or r[1] < end))
            yield path.stem, source, chosen


def _segments(repo: Repository, model: str) -> Sequence[Path]:
    if not model or model.startswith("/") or ".." in model.split("/"):
        raise RequestError(f"'{model}' is not the name of a model")
    return sorted((repo.layout.predictions / model).glob("*" + SUFFIX))


def _head(path: Path) -> tuple[Source, str] | None:
    """Return who a segment's answers are from and when it was started.

    None while there is no whole first line, which is so in the moment of its making.
    """
    with path.open("rb") as file:
        line, more = file.readline(), file.read(1)
    try:
        record = orjson.loads(line)
        if record["v"] != FORMAT:
            raise IntegrityError(
                f"'{path}' has format {record['v']} of the prediction log, unknown here",
                hint="use a newer mlo",
            )
        classes = record["classes"]
        source = Source(
            record["model"],
            record["version"],
            record["version_id"],
            tuple(record["columns"]),
            None if classes is None else tuple(classes),
        )
        return source, record["started"]
    except (ValueError, KeyError, TypeError) as error:
        if more:
            raise IntegrityError(
                f"the first line of '{path}' is damaged, so its predictions cannot be read",
                hint="move the file away to go on without them",
            ) from error
        return None


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a segment after its first."""
    with path.open("rb") as file:
        file.readline()
        yield from file


def _rows(lines: Iterator[bytes]) -> Iterator[list[Any]]:
    """Yield whole rows in order; a torn line is skipped, so is one that was written twice."""
    last = -1
    for line in lines:
        try:
            row = orjson.loads(line)
        except ValueError:
            continue
        if isinstance(row, list) and len(row) == 5 and row[0] > last:
            last = row[0]
            yield row


def _logged(segment: str, source: Source, row: list[Any]) -> Logged:
    number, time_us, values, prediction, shares = row
    return Logged(
        id=f"{segment}-{number}",
        time=moment(time_us * 1000),
        model=source.model,
        version=source.version,
        version_id=source.version_id,
        features=dict(zip(source.columns, values, strict=True)),
        prediction=prediction,
        probabilities=None
        if shares is None or source.classes is None
        else dict(zip(map(str, source.classes), shares, strict=True)),
    )


def _part(
    segment: str, source: Source, rows: list[list[Any]]
) -> "tuple[pandas.DataFrame, pandas.DataFrame, pandas.DataFrame]":
    import pandas

    numbers, times, values, predictions, shares = zip(*rows, strict=True)
    index = pandas.Index([f"{segment}-{number}" for number in numbers], name="id")
    columns = zip(*values, strict=True)
    features = pandas.DataFrame(
        {name: list(column) for name, column in zip(source.columns, columns, strict=True)},
        index=index,
        columns=list(source.columns),
    )
    answers = pandas.DataFrame(
        {
            "prediction": list(predictions),
            "time": pandas.to_datetime(list(times), unit="us", utc=True),
            "version": source.version_id,
        },
        index=index,
    )
    classes = source.classes if source.classes and shares[0] is not None else ()
    probabilities = pandas.DataFrame(
        list(shares) if classes else None, index=index, columns=list(map(str, classes))
    )
    return features, answers, probabilities


def _microseconds(text: str) -> int:
    """Return the moment `text` in microseconds since 1970.

    >>> _microseconds("2023-11-14T22:13:20.123456Z"), _microseconds("1970-01-02")
    (1700000000123456, 86400000000)
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestError(
            f"'{text[:80]}' is not a moment", hint="write it as 2026-01-31T12:00:00Z"
        ) from error
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return calendar.timegm(when.utctimetuple()) * _US + when.microsecond


def now_us() -> int:
    """Return this moment in microseconds since 1970, as the log writes it."""
    return time.time_ns() // 1000
