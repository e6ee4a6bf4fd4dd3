"""Reading the whole prediction log, to tell which of its bytes are not as they were written.

Memory is that of one block, and of one line of labels.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import orjson

from mlops_cli.core.records import dataclass
from mlops_cli.data.predictions import labels, lines, rows
from mlops_cli.data.predictions.segment import SUFFIX, Segment, Tally, is_written
from mlops_cli.errors import IntegrityError

_TOLD = 8
"""So many damaged lines of a file are told by their numbers."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a file of the log; with `doubt` a killed writer may have left it so."""

    path: Path
    what: str
    doubt: bool = False


def files(folder: Path) -> list[Path]:
    """Return the segments and labels below the folder of the log."""
    suffixes = (SUFFIX, lines.SUFFIX, labels.SUFFIX)
    return sorted(path for suffix in suffixes for path in folder.rglob("*" + suffix))


def flaws(path: Path, advance: Callable[[int], None]) -> Iterator[Flaw]:
    """Yield what is wrong with a file of the log; `advance` is told of bytes that were read."""
    kinds = {SUFFIX: _of_segment, labels.SUFFIX: _of_labels, lines.SUFFIX: _of_lines}
    try:
        yield from kinds[path.suffix](path, advance)
    except FileNotFoundError:
        return  # removed meanwhile, as `serving.log.retain` says
    except IntegrityError as error:
        yield Flaw(path, error.message.replace(f"'{path}'", "the file"))


def _of_segment(path: Path, advance: Callable[[int], None]) -> Iterator[Flaw]:
    written = is_written(path)
    with Segment.opened(path) as segment:
        if segment is None:
            return
        tally, end, seen = Tally(), segment.first, 0
        for frame in segment.walk(tally):
            if tally.blocks:
                yield Flaw(path, f"bytes {end:,} to {frame.offset:,} are no block of predictions")
                tally = Tally()
            if rows.read(segment, frame, Tally()) is None:
                at = f"the block at byte {frame.offset:,}"
                yield Flaw(path, f"{at} is damaged, with {frame.rows:,} predictions")
            advance(frame.end - frame.offset)
            end, seen = frame.end, seen + frame.rows
        if tally.blocks:
            yield Flaw(path, f"what follows byte {end:,} is no whole block of predictions")
        if not written:
            yield from _of_end(segment, seen, end, torn=not tally.blocks)


def _of_end(segment: Segment, seen: int, end: int, *, torn: bool) -> Iterator[Flaw]:
    """Yield what is wrong with how a segment ends that nobody writes, of which `seen` was there."""
    path, seal = segment.path, segment.seal
    size = os.fstat(segment.handle).st_size
    missing = segment.missing(seen)
    at = f", and it ends in a torn block, at byte {end:,}" if torn and end < size else ""
    if segment.unsealed:
        yield Flaw(path, "what it says of its end is damaged, so nobody knows whether it is whole")
    elif seal is None:
        if at:
            what = f"it ends in a torn block, at byte {end:,}: its writer was killed, or it was cut"
            yield Flaw(path, what, doubt=True)
    elif not seal.closed:
        what = f"it was never closed: its writer was killed, with what it answered last{at}"
        yield Flaw(path, what, doubt=True)
    elif segment.is_cut:
        lost = f"of its {seal.rows:,} predictions {missing:,} are gone"
        yield Flaw(path, f"it was cut after it was closed, from {seal.size:,} bytes: {lost}")
    elif missing:
        yield Flaw(path, f"{missing:,} of its {seal.rows:,} predictions are in no block of it")


def _of_labels(path: Path, advance: Callable[[int], None]) -> Iterator[Flaw]:
    if not any(path.with_suffix(suffix).exists() for suffix in (SUFFIX, lines.SUFFIX)):
        yield Flaw(path, "its segment is not here, so these labels are of no prediction")
    yield from _of_each_line(path, partial(labels.read_line, seed=labels.seed_of(path)), advance)


def _of_lines(path: Path, advance: Callable[[int], None]) -> Iterator[Flaw]:
    lines.head(path)
    yield from _of_each_line(path, orjson.loads, advance)


def _of_each_line(
    path: Path, read: Callable[[bytes], object], advance: Callable[[int], None]
) -> Iterator[Flaw]:
    damaged = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            advance(len(line))
            if _reads(read, line.removesuffix(b"\n")):
                continue
            if not line.endswith(b"\n") and not _reads(read, line[:-1]):
                yield Flaw(path, "its last line is torn: its writer was killed", doubt=True)
                continue
            damaged += 1
            if damaged <= _TOLD:
                yield Flaw(path, f"line {number:,} is damaged")
    if damaged > _TOLD:
        yield Flaw(path, f"{damaged - _TOLD:,} more lines are damaged")


def _reads(read: Callable[[bytes], object], line: bytes) -> bool:
    try:
        read(line)
    except (ValueError, TypeError):
        return False
    return True
