"""How many predictions each version made, by role, without reading what they were."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions import rows
from mlops_cli.data.predictions.segment import SUFFIX, Segment, Tally
from mlops_cli.errors import IntegrityError


def counted(repo: Repository, model: str, *, since: str, tally: Tally) -> Counter[tuple[str, str]]:
    """Return the number of predictions from a moment on, by version id and role.

    Args:
        repo: where the log is.
        model: its name.
        since: ISO 8601.
        tally: is told of damaged places, which are skipped.
    """
    first_us = prediction_log.microseconds(since)
    found: Counter[tuple[str, str]] = Counter()
    for path in prediction_log.segments(repo.layout.predictions, model):
        if path.stat().st_mtime_ns // 1000 < first_us:
            continue
        try:
            head = rows.head(path)
        except IntegrityError:
            tally.add(path)
            continue
        if head is not None:
            found[head.source.version_id, head.source.role] += _rows(path, first_us, tally)
    return found


def _rows(path: Path, first_us: int, tally: Tally) -> int:
    """Return how many rows are of a moment or later; only a frame around it is read."""
    if path.suffix != SUFFIX:
        return sum(map(len, rows.of(path, tally, first_us=first_us)))
    total = 0
    with Segment.opened(path) as segment:
        for frame in () if segment is None else segment.frames(tally):
            if frame.oldest_us >= first_us:
                total += frame.rows
            elif segment is not None and frame.newest_us >= first_us:
                part = rows.read(segment, frame, tally)
                total += 0 if part is None else int((part.times_us >= first_us).sum())
    return total


def within(
    repo: Repository, model: str, spans: Sequence[tuple[int, int]], tally: Tally
) -> list[int]:
    """Return how many predictions of `model` clients had in each of some spans of time.

    Args:
        repo: where the log is.
        model: its name.
        spans: the first moment and the one after the last, in microseconds since 1970.
        tally: is told of damaged places, which are skipped.
    """
    found = [0] * len(spans)
    earliest = min(first for first, _ in spans)
    for path in prediction_log.segments(repo.layout.predictions, model):
        if path.stat().st_mtime_ns // 1000 < earliest:
            continue
        head = rows.readable_head(path, tally)
        if head is None or head.source.role not in prediction_log.ANSWERED:
            continue
        for place, (first_us, end_us) in enumerate(spans):
            blind = Tally() if place else tally  # damage is told once
            found[place] += _between(path, first_us, end_us, blind)
    return found


def answered_by(
    repo: Repository, model: str, first_us: int, end_us: int, tally: Tally
) -> Counter[tuple[int, str]]:
    """Return how many predictions clients had of each version in a span, by its number and id.

    Args:
        repo: where the log is.
        model: its name.
        first_us: the first moment, in microseconds since 1970.
        end_us: the one after the last.
        tally: is told of damaged places, which are skipped.
    """
    found: Counter[tuple[int, str]] = Counter()
    for path in prediction_log.segments(repo.layout.predictions, model):
        if path.stat().st_mtime_ns // 1000 < first_us:
            continue
        head = rows.readable_head(path, tally)
        if head is None or head.source.role not in prediction_log.ANSWERED:
            continue
        if count := _between(path, first_us, end_us, tally):
            found[head.source.version, head.source.version_id] += count
    return found


def _between(path: Path, first_us: int, end_us: int, tally: Tally) -> int:
    """Return how many rows are of a span; only a frame that lies across its ends is read."""
    if path.suffix != SUFFIX:
        return sum(map(len, rows.of(path, tally, first_us=first_us, end_us=end_us)))
    total = 0
    with Segment.opened(path) as segment:
        for frame in () if segment is None else segment.frames(tally):
            if first_us <= frame.oldest_us and frame.newest_us < end_us:
                total += frame.rows
            elif segment is not None and frame.newest_us >= first_us and frame.oldest_us < end_us:
                part = rows.read(segment, frame, tally)
                total += 0 if part is None else len(part.between(first_us, end_us))
    return total


def reach(repo: Repository, model: str, tally: Tally) -> tuple[int, int] | None:
    """Return the moments of a model's first and last answer in the log, in microseconds.

    None when there is none. Of each file the first block is looked at, and all only of those that
    were written to last. Damaged places there go to `tally`.
    """
    first, last = rows.FOREVER_US, 0
    paths = prediction_log.segments(repo.layout.predictions, model)
    for path in sorted(paths, key=lambda one: one.stat().st_mtime_ns, reverse=True):
        head = rows.readable_head(path, tally)
        if head is None or head.source.role not in prediction_log.ANSWERED:
            continue
        moments = _moments(path, tally)
        oldest, newest = next(moments, (first, last))
        first = min(first, oldest)
        if path.stat().st_mtime_ns // 1000 >= last:
            last = max(last, newest, *(end for _, end in moments))
    return (first, last) if last else None


def _moments(path: Path, tally: Tally) -> Iterator[tuple[int, int]]:
    """Yield the first and last moment of each block of a segment."""
    if path.suffix != SUFFIX:
        for part in rows.of(path, tally):
            yield int(part.times_us.min()), int(part.times_us.max())
        return
    with Segment.opened(path) as segment:
        for frame in () if segment is None else segment.frames(tally):
            yield frame.oldest_us, frame.newest_us
