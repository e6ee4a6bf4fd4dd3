"""What was served: finding one prediction, and reading many, side by side.

The log is a folder for each model under `.mlo/predictions/`, with segments that one writer each
appends to (see `prediction_writer`). A prediction's id is `<segment>-<number>`, so that it finds
its own block. `docs/design/serving.md` says why it is so, `docs/design/format.md` has the bytes.
"""

import calendar
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.clock import moment
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data.predictions import absent, labels, lines, rows
from mlops_cli.data.predictions.rows import FOREVER_US, Rows
from mlops_cli.data.predictions.segment import SUFFIX, Head, Segment, Tally
from mlops_cli.data.predictions.segment import Source as Source
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from numpy.typing import NDArray

ANSWERED = ("answer", "canary", "ab")
"""Roles of which clients had the answers."""
_ID = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,17})")
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Logged:
    """One prediction as it was answered. `probabilities` go by class, as text.

    `left_out` names the columns that are redacted, `hashed` those of which there is a hash only;
    `skipped` says which labels cannot be read, where its own may be among them.
    """

    id: str
    time: str
    model: str
    version: int
    version_id: str
    features: dict[str, Any]
    prediction: Any
    probabilities: dict[str, float] | None
    role: str = "answer"
    request: str | None = None
    key: str | None = None
    left_out: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    label: Any = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Predictions side by side, oldest first; rows of all are of the same predictions.

    `features` has a column for each input; `probabilities` one for each class, by text, and none
    for a model without classes; `times` are UTC; `versions` are version ids, `ids` prediction ids.
    """

    features: "pandas.DataFrame"
    predictions: "pandas.Series[Any]"
    probabilities: "pandas.DataFrame"
    times: "pandas.Series[Any]"
    versions: "pandas.Series[Any]"
    segments: tuple[str, ...] = ()
    places: "tuple[NDArray[np.int64], NDArray[np.int64]] | None" = None
    """Of each row, which segment it is in, and its number there."""
    sampled: bool = False
    """Whether these are fewer than there are, chosen evenly."""
    hidden: tuple[str, ...] = ()
    """Columns that are redacted, or hashed, in some of the segments."""

    def __len__(self) -> int:
        return len(self.predictions)

    def id(self, row: int) -> str:
        """Return the id of the prediction in a row."""
        if self.places is None:
            raise IndexError(row)
        segments, numbers = self.places
        return f"{self.segments[segments[row]]}-{numbers[row]}"


def is_prediction_id(text: str) -> bool:
    """Return whether `text` has the form of a prediction id.

    >>> is_prediction_id("00c0ffee00c0ffee-17"), is_prediction_id("churn@v3")
    (True, False)
    """
    return _ID.fullmatch(text) is not None


def parted(prediction_id: str) -> tuple[str, int]:
    """Return the segment and the number of a prediction id.

    Raises:
        RequestError: it is none.
    """
    match = _ID.fullmatch(prediction_id)
    if not match:
        raise RequestError(
            f"'{prediction_id[:80]}' is not a prediction id",
            hint="ids look like 00c0ffee00c0ffee-17 and come with each answer of `mlo serve`",
        )
    return match[1], int(match[2])


def find(repo: Repository, prediction_id: str) -> Logged:
    """Return the prediction with this id, and its label if there is one.

    Raises:
        RequestError: it is no prediction id, or the log of this clone does not have it.
        IntegrityError: it is in a damaged block.
    """
    name, number = parted(prediction_id)
    path = segment_of(repo.layout.predictions, name)
    head = None if path is None else rows.head(path)
    if path is None or head is None:
        raise RequestError(
            f"no prediction '{prediction_id}' in the log of this clone",
            hint="answers of the last second may not be written yet;"
            " the others are kept where they were served, in .mlo/predictions",
        )
    tally = Tally()
    for part in _with_number(path, number, tally):
        place = (part.numbers == number).nonzero()[0]
        if len(place):
            unread = Tally()
            known = labels.of(path, unread).joined(part)
            found = _logged(head, known, int(place[0]))
            return replace(found, skipped=str(unread) if unread.blocks else None)
    raise absent.why(prediction_id, number, path, head, tally)


def _with_number(path: Path, number: int, tally: Tally) -> Iterator[Rows]:
    """Yield the part of a segment that has the number, if one has it."""
    if path.suffix != SUFFIX:
        yield from rows.of(path, tally)
        return
    with Segment.opened(path) as segment:
        for frame in () if segment is None else segment.frames(tally):
            if segment is not None and frame.first <= number <= frame.last:
                part = rows.read(segment, frame, tally)
                if part is not None:
                    yield part


def segment_of(folder: Path, name: str) -> Path | None:
    """Return the file of a segment by its name, below the folder of the log."""
    for suffix in (SUFFIX, lines.SUFFIX):
        for path in folder.rglob(name + suffix):
            return path
    return None


def segment_files(folder: Path) -> dict[str, Path]:
    """Return the files of all segments below the folder of the log, by their names."""
    return {path.stem: path for s in (SUFFIX, lines.SUFFIX) for path in folder.rglob("*" + s)}


def models(repo: Repository) -> list[str]:
    """Return the names of the models that the log has segments of."""
    folder = repo.layout.predictions
    paths = [path for suffix in (SUFFIX, lines.SUFFIX) for path in folder.rglob("*" + suffix)]
    return sorted({path.parent.relative_to(folder).as_posix() for path in paths})


def batches(
    repo: Repository,
    model: str,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    roles: Collection[str] = ANSWERED,
    labelled: bool = False,
    tally: Tally | None = None,
) -> Iterator[Rows]:
    """Yield the predictions of `model`, up to some thousands side by side, segment by segment.

    Memory is that of one block, and of the labels of one segment.

    Args:
        repo: where the log is.
        model: its name; a model that nobody served has no predictions.
        version_ids: only those of a version that has or had one of these ids.
        since: only those at or after this moment, ISO 8601; UTC if it names no zone.
        until: only those before this moment.
        roles: only those whose answers were for this.
        labelled: with what turned out to be true, as far as that is known.
        tally: is told of damaged places, which are skipped.

    Raises:
        RequestError: a moment cannot be read, or `since` is after `until`.
        IntegrityError: a segment has a format that is not known here.
    """
    tally = Tally() if tally is None else tally
    first, end = _span(since, until)
    for path, _ in _selected(repo, model, version_ids, roles, first, tally):
        known = labels.of(path, tally) if labelled else None
        for part in rows.of(path, tally, first_us=first, end_us=end):
            yield part if known is None else known.joined(part)


def columns(repo: Repository, model: str, *, since: str) -> frozenset[str]:
    """Return the columns of which the log has the values, in all it has from a moment on."""
    found: set[str] = set()
    hidden: set[str] = set()
    for _, head in _selected(repo, model, None, ANSWERED, microseconds(since), Tally()):
        found.update(head.columns)
        hidden.update(head.hashed, set(head.source.columns).difference(head.columns))
    return frozenset(found - hidden)


def each(
    repo: Repository,
    model: str,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Iterator[Logged]:
    """Yield one by one what `batches` yields side by side, whatever its role."""
    tally = Tally()
    first, end = _span(since, until)
    for path, head in _selected(repo, model, version_ids, None, first, tally):
        for part in rows.of(path, tally, first_us=first, end_us=end):
            for row in range(len(part)):
                yield _logged(head, part, row)


def window(
    repo: Repository,
    model: str,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    last: int | None = None,
    most: int | None = None,
    tally: Tally | None = None,
) -> Window:
    """Return the predictions that clients had, as data frames, only the `last` ones if given.

    With more than `most` a part of them, chosen evenly and each time alike, so that memory has a
    bound.
    """
    from mlops_cli.data.predictions.side_by_side import Gathering

    tally = Tally() if tally is None else tally
    first, end = _span(since, until)
    chosen = _selected(repo, model, version_ids, ANSWERED, first, tally)
    gathering = Gathering(last=last, most=most)
    for path, _ in reversed(chosen) if last is not None else chosen:
        if gathering.has_newer(path):
            continue
        for part in rows.of(path, tally, first_us=first, end_us=end):
            gathering.add(part)
    return gathering.window()


def _selected(
    repo: Repository,
    model: str,
    version_ids: Collection[str] | None,
    roles: Collection[str] | None,
    first_us: int,
    tally: Tally,
) -> list[tuple[Path, Head]]:
    """Return the segments that may hold what is asked for, in the order they were begun.

    Those with a damaged head are told to `tally`: nobody knows what they hold.
    """
    found = []
    for path in segments(repo.layout.predictions, model):
        if path.stat().st_mtime_ns // 1000 < first_us:
            continue
        if (head := rows.readable_head(path, tally)) is None:
            continue
        of_role = roles is None or head.source.role in roles
        if of_role and (version_ids is None or head.source.version_id in version_ids):
            found.append((path, head))
    return sorted(found, key=lambda one: (one[1].started_us, one[0]))


def segments(folder: Path, model: str) -> Sequence[Path]:
    """Return the files of a model's segments, below the folder of the log.

    Raises:
        RequestError: that is no name of a model.
    """
    if not model or model.startswith("/") or ".." in model.split("/"):
        raise RequestError(f"'{model}' is not the name of a model")
    return sorted(path for s in (SUFFIX, lines.SUFFIX) for path in (folder / model).glob("*" + s))


def _span(since: str | None, until: str | None) -> tuple[int, int]:
    first = 0 if since is None else microseconds(since)
    end = FOREVER_US if until is None else microseconds(until)
    if end < first:
        raise RequestError(f"the time asked for begins at {since}, after its end at {until}")
    return first, end


def _logged(head: Head, part: Rows, row: int) -> Logged:
    source = part.source
    shares = None if part.shares is None else part.shares[row].tolist()
    return Logged(
        id=part.id(row),
        time=moment(int(part.times_us[row]) * 1000),
        model=source.model,
        version=source.version,
        version_id=source.version_id,
        features={name: cells[row] for name, cells in part.columns.items()},
        prediction=part.predictions[row],
        probabilities=None
        if shares is None or source.classes is None
        else dict(zip(map(str, source.classes), shares, strict=True)),
        role=source.role,
        request=None if part.requests is None else part.requests[row],
        key=None if part.keys is None else part.keys[row],
        left_out=tuple([name for name in source.columns if name not in head.columns]),
        hashed=head.hashed,
        label=None if part.labels is None else part.labels[row],
    )


def microseconds(text: str) -> int:
    """Return the moment `text` in microseconds since 1970.

    Raises:
        RequestError: it is none.

    >>> microseconds("2023-11-14T22:13:20.123456Z"), microseconds("1970-01-02")
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
