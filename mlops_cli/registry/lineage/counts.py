"""How many predictions a version gave, told by the heads of the log's blocks: no row is read."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions import rows
from mlops_cli.data.predictions.segment import SUFFIX, Segment, Tally


@dataclass(slots=True)
class Counted:
    """Predictions in the log of this clone, by role, and the moments of the first and last."""

    by_role: dict[str, int] = field(default_factory=dict)
    skipped: Tally = field(default_factory=Tally)
    oldest_us: int | None = None
    newest_us: int | None = None

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(self.by_role.values())

    def add(self, role: str, count: int, oldest_us: int, newest_us: int) -> None:
        """Count some more."""
        if count:
            self.by_role[role] = self.by_role.get(role, 0) + count
            self.oldest_us = min(oldest_us, self.oldest_us or oldest_us)
            self.newest_us = max(newest_us, self.newest_us or newest_us)


def counted(repo: Repository, model: str, version_ids: Collection[str]) -> Counted:
    """Return how many predictions of a version are in the log; what is damaged does not count.

    Raises:
        IntegrityError: a segment has a format that is not known here.
    """
    found = Counted()
    for path in prediction_log.segments(repo.layout.predictions, model):
        head = rows.readable_head(path, found.skipped)
        if head is not None and head.source.version_id in version_ids:
            _count(path, head.source.role, found)
    return found


def _count(path: Path, role: str, found: Counted) -> None:
    if path.suffix != SUFFIX:
        for part in rows.of(path, found.skipped):
            found.add(role, len(part), int(part.times_us[0]), int(part.times_us[-1]))
        return
    with Segment.opened(path) as segment:
        for frame in () if segment is None else segment.frames(found.skipped):
            found.add(role, frame.rows, frame.oldest_us, frame.newest_us)
