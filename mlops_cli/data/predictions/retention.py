"""Removing predictions that are older, or more, than the settings keep; and packing small blocks.

A segment goes as a whole, with its labels, when its newest prediction is too old. One that is
being written stays. A server that answers once a second makes a block for each answer; once the
segment is done they are put together, in a new file that takes the place of the old one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.files import sync_folder
from mlops_cli.core.records import dataclass, replace
from mlops_cli.data.predictions import block, labels, lines
from mlops_cli.data.predictions.gathered import BLOCK_ROWS
from mlops_cli.data.predictions.segment import (
    SUFFIX,
    Frame,
    Segment,
    Tally,
    head_frame,
    is_written,
    rows_frame,
)
from mlops_cli.errors import IntegrityError

_SMALL_ROWS = 256
"""Blocks of fewer rows, on average, are put together."""
_DONE_S = 60.0
"""A segment is left alone until nobody has written to it for so long."""


@dataclass(frozen=True, slots=True)
class PrunedLog:
    """What went of the log, or was put together: files, and bytes that are free now."""

    files: int = 0
    bytes: int = 0
    packed: int = 0


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    newest_s: float


def prune(folder: Path, kept: LogSettings, *, now_s: float, dry_run: bool = False) -> PrunedLog:
    """Remove the segments below `folder` that the settings do not keep, and say what went.

    Raises:
        OSError: the disk refuses.
    """
    files = size = 0
    by_model: dict[Path, list[_File]] = {}
    for path in _segments(folder):
        by_model.setdefault(path.parent, []).append(_file(path))
    for segments in by_model.values():
        for one in _too_much(segments, kept, now_s):
            if is_written(one.path):
                continue
            files += 1
            size += one.size
            if not dry_run:
                one.path.unlink(missing_ok=True)
                one.path.with_suffix(labels.SUFFIX).unlink(missing_ok=True)
    return PrunedLog(files, size)


def pack(folder: Path, *, now_s: float) -> PrunedLog:
    """Put together the small blocks of segments that are done.

    Raises:
        OSError: the disk refuses; then every segment is as it was, or done.
    """
    packed = size = 0
    for path in folder.rglob("*" + SUFFIX):
        if now_s - path.stat().st_mtime < _DONE_S:
            continue
        with _alone(path) as mine, suppress(IntegrityError):
            if mine and (saved := _pack(path)):
                packed += 1
                size += saved
    return PrunedLog(0, size, packed)


def _segments(folder: Path) -> Iterator[Path]:
    for suffix in (SUFFIX, lines.SUFFIX):
        yield from folder.rglob("*" + suffix)


def _file(path: Path) -> _File:
    with suppress(FileNotFoundError):
        found = path.stat()
        size = found.st_size
        with suppress(FileNotFoundError):
            size += path.with_suffix(labels.SUFFIX).stat().st_size
        return _File(path, size, found.st_mtime)
    return _File(path, 0, 0.0)


def _too_much(segments: list[_File], kept: LogSettings, now_s: float) -> Iterator[_File]:
    """Yield the segments of one model that are to go."""
    room = kept.max_bytes
    for one in sorted(segments, key=lambda one: one.newest_s, reverse=True):
        old = kept.retain is not None and one.newest_s < now_s - kept.retain
        if room is not None:
            room -= one.size
        if old or (room is not None and room < 0):
            yield one


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Keep writers from a segment for a `with` block; false if one has it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def _pack(path: Path) -> int:
    """Write a segment anew with larger blocks, and return how many bytes that saves; 0 if none.

    A segment with damage is left as it is, for what is damaged is nobody's to drop.
    """
    tally = Tally()
    with Segment.opened(path) as segment:
        if segment is None:
            return 0
        frames = list(segment.frames(tally))
        if len(frames) < 2 or sum(one.rows for one in frames) >= _SMALL_ROWS * len(frames):
            return 0
        aside = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
        try:
            with aside.open("xb") as file:
                file.write(head_frame(segment.head, segment.seal))
                for group in _groups(frames):
                    file.write(_together(segment, group, tally))
                if segment.seal is not None and segment.seal.closed:
                    seal = replace(segment.seal, size=file.tell())
                    file.seek(0)
                    file.write(head_frame(segment.head, seal))
                    file.seek(0, os.SEEK_END)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            if tally.blocks:
                return 0
            found = path.stat()
            os.utime(aside, ns=(found.st_atime_ns, found.st_mtime_ns))
            os.replace(aside, path)
            sync_folder(path.parent)
        finally:
            aside.unlink(missing_ok=True)
    return max(found.st_size - size, 1)


def _groups(frames: list[Frame]) -> Iterator[list[Frame]]:
    group: list[Frame] = []
    rows = 0
    for frame in frames:
        if group and rows + frame.rows > BLOCK_ROWS:
            yield group
            group, rows = [], 0
        group.append(frame)
        rows += frame.rows
    yield group


def _together(segment: Segment, group: list[Frame], tally: Tally) -> bytes:
    """Return one frame with the rows of several."""
    import numpy as np

    parts = []
    for frame in group:
        payload = segment.payload(frame)
        try:
            if payload is None:
                raise block.Damaged
            parts.append(block.decode(payload, frame.rows, columns=len(segment.head.columns)))
        except block.Damaged:
            tally.add(segment.path, frame.rows)
            return b""
    shares = None
    if all(part.shares is not None for part in parts):
        shares = np.concatenate([part.shares for part in parts if part.shares is not None])
    payload = block.encode(
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.times_us for part in parts]),
        [
            block.cells([value for part in parts for value in part.columns[place].tolist()])
            for place in range(len(segment.head.columns))
        ],
        [value for part in parts for value in part.predictions.tolist()],
        shares,
        _texts([part.requests for part in parts], group),
        _texts([part.keys for part in parts], group),
    )
    return rows_frame(
        payload,
        seed=segment.head.seed,
        rows=sum(frame.rows for frame in group),
        numbers=(group[0].first, group[-1].last),
        times=(min(f.oldest_us for f in group), max(f.newest_us for f in group)),
    )


def _texts(cells: list[block.Cells | None], group: list[Frame]) -> list[str | None] | None:
    if all(one is None for one in cells):
        return None
    found: list[str | None] = []
    for one, frame in zip(cells, group, strict=True):
        found += [None] * frame.rows if one is None else one.tolist()
    return found
