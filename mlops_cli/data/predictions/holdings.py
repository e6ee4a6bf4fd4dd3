"""How much there is in the prediction log, by model, version and role, from its frames alone."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlops_cli.core.clock import moment
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions import labels, lines, rows
from mlops_cli.data.predictions.segment import SUFFIX, Segment, Source, Tally


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is of one version in one role; `first` and `last` are moments, empty if none."""

    model: str
    version: int
    role: str
    rows: int
    labels: int
    segments: int
    bytes: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class _Extent:
    rows: int
    oldest_us: int
    newest_us: int


def holdings(repo: Repository, model: str | None = None, *, tally: Tally) -> list[Holding]:
    """Return what there is, by model, version and role; damaged places are told to `tally`."""
    found: list[Holding] = []
    for name in prediction_log.models(repo) if model is None else [model]:
        by_source: dict[tuple[int, str], list[tuple[Path, _Extent]]] = {}
        for path in prediction_log.segments(repo.layout.predictions, name):
            head = rows.readable_head(path, tally)
            if head is not None:
                key = head.source.version, head.source.role
                by_source.setdefault(key, []).append((path, _extent(path, tally)))
        for (version, role), files in sorted(by_source.items()):
            found.append(_holding(Source(name, version, "", (), None, role), files, tally))
    return found


def _holding(source: Source, files: list[tuple[Path, _Extent]], tally: Tally) -> Holding:
    there = [one for _, one in files if one.rows]
    return Holding(
        model=source.model,
        version=source.version,
        role=source.role,
        rows=sum(one.rows for one in there),
        labels=sum(len(labels.of(path, tally).by_number) for path, _ in files),
        segments=len(files),
        bytes=sum(_sizes(files)),
        first=moment(min(one.oldest_us for one in there) * 1000) if there else "",
        last=moment(max(one.newest_us for one in there) * 1000) if there else "",
    )


def _sizes(files: list[tuple[Path, _Extent]]) -> Iterator[int]:
    for path, _ in files:
        for one in (path, path.with_suffix(labels.SUFFIX)):
            with suppress(FileNotFoundError):
                yield one.stat().st_size


def _extent(path: Path, tally: Tally) -> _Extent:
    if path.suffix != SUFFIX:
        times = [int(row[1]) for part in lines.parts(path) for row in part]
        return _Extent(len(times), min(times, default=0), max(times, default=0))
    with Segment.opened(path) as segment:
        frames = [] if segment is None else list(segment.frames(tally))
    return _Extent(
        sum(frame.rows for frame in frames),
        min((frame.oldest_us for frame in frames), default=0),
        max((frame.newest_us for frame in frames), default=0),
    )
