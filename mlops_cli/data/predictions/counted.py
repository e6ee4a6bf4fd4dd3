"""How many predictions each version made, by role, without reading what they were."""

from collections import Counter
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
