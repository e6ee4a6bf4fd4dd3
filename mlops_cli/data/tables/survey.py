"""One way through both versions for statistics, and for which column could be the key."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.progress import Progress
from mlops_cli.data.tables.frames import BLOCK_BYTES, Reading
from mlops_cli.data.tables.keys import Hashes, hashed, repeated
from mlops_cli.data.tables.opened import Opened
from mlops_cli.data.tables.profile import Profile
from mlops_cli.data.tables.records import Splitter
from mlops_cli.data.tables.walk import Part, Walk

if TYPE_CHECKING:
    from pandas import DataFrame

CANDIDATES = 4
"""So many columns that look like a key at first are tried."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the first rows of both versions tell: columns of text, and what may be a key."""

    as_text: frozenset[str]
    candidates: tuple[str, ...]


class Check:
    """Whether some columns are a key of the old version, and of the new one."""

    def __init__(self, columns: tuple[str, ...], scratch: Path) -> None:
        self.columns = columns
        self._hashes = {part: Hashes(scratch) for part in Part}

    def add(self, part: Part, frame: "DataFrame") -> None:
        """Add rows."""
        hashes = self._hashes[part]
        hashes.missing += int(frame[list(self.columns)].isna().any(axis=1).sum())
        hashes.add(hashed([frame[name].to_numpy(dtype=object) for name in self.columns]))

    def repeated(self) -> tuple[int, int]:
        """Return how many keys are there more than once in the old and in the new version."""
        both = self._hashes[Part.BOTH]
        return repeated(both, self._hashes[Part.OLD]), repeated(both, self._hashes[Part.NEW])

    def missing(self) -> tuple[int, int]:
        """Return how many rows of each lack a value."""
        both = self._hashes[Part.BOTH].missing
        return both + self._hashes[Part.OLD].missing, both + self._hashes[Part.NEW].missing


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found."""

    old: Profile
    new: Profile
    checks: tuple[Check, ...]


def sample(walk: Walk, shared: Sequence[str]) -> Sample:
    """Read the first rows of both versions."""
    as_text: set[str] = set()
    candidates = list(shared)
    for table in (walk.old, walk.new):
        block = _first_block(table)
        if not block:
            continue
        frame = reading(table, frozenset(shared), frozenset()).frame(block)
        as_text |= {name for name in shared if frame[name].dtype.kind == "O"}
        texts = reading(table, frozenset(candidates), frozenset(candidates)).frame(block)
        candidates = [name for name in candidates if _may_be_key(texts, name)]
        as_text |= (table.nulls or frozenset()) & set(shared)
    return Sample(frozenset(as_text), tuple(candidates[:CANDIDATES]))


def _may_be_key(frame: "DataFrame", name: str) -> bool:
    return not frame[name].isna().any() and bool(frame[name].is_unique)


def _first_block(table: Opened) -> bytes:
    splitter = Splitter(table.delimiter, table.skip)
    pieces, left = table.source.pieces(), len(table.source.chunks())
    block = b""
    while left and len(block) < BLOCK_BYTES // 4:
        block += splitter.feed(pieces.take())
        left -= 1
    return block if left else block + splitter.end()


def reading(table: Opened, wanted: frozenset[str], as_text: frozenset[str]) -> Reading:
    """Return how a version's blocks become frames."""
    return Reading(table.names, table.delimiter, wanted, as_text, table.nulls)


def survey(
    walk: Walk,
    columns: Sequence[str],
    keys: Sequence[tuple[str, ...]],
    as_text: frozenset[str],
    scratch: Path,
    progress: Progress,
) -> Survey:
    """Return the profile of each of `columns`, and a check of each of `keys`."""
    checks = tuple(Check(key, scratch) for key in keys)
    in_keys = frozenset(name for key in keys for name in key)
    profiles = _through(walk, columns, as_text | in_keys, checks, progress)
    late = {name for profile in profiles for name in profile.surprises()}
    if late:  # columns that look like numbers at first; now that all is known, they are words
        again = _through(walk, sorted(late), frozenset(late), (), progress)
        for profile, better in zip(profiles, again, strict=True):
            profile.columns |= better.columns
    return Survey(*profiles, checks)


def _through(
    walk: Walk,
    columns: Sequence[str],
    as_text: frozenset[str],
    checks: Sequence[Check],
    progress: Progress,
) -> tuple[Profile, Profile]:
    wanted = frozenset(columns) | {name for check in checks for name in check.columns}
    readings = {
        Part.OLD: reading(walk.old, wanted, as_text),
        Part.NEW: reading(walk.new, wanted, as_text),
    }
    readings[Part.BOTH] = readings[Part.OLD]
    profiles = {part: Profile(columns, as_text) for part in Part}
    with progress.task("gather statistics", walk.length, "B") as advance:
        for part, block in _batched(walk.blocks(advance)):
            frame = readings[part].frame(block)
            profiles[part].add(frame)
            for check in checks:
                check.add(part, frame)
    both = profiles[Part.BOTH]
    return both.merged(profiles[Part.OLD]), both.merged(profiles[Part.NEW])


def _batched(blocks: Iterable[tuple[Part, bytes]]) -> Iterator[tuple[Part, bytes]]:
    """Yield blocks of a part joined, so that pandas has something to bite on."""
    held: dict[Part, list[bytes]] = {part: [] for part in Part}
    sizes = dict.fromkeys(Part, 0)
    for part, block in blocks:
        if not block:
            continue
        held[part].append(block)
        sizes[part] += len(block)
        if sizes[part] >= BLOCK_BYTES:
            yield part, b"".join(held[part])
            held[part], sizes[part] = [], 0
    for part, left in held.items():
        if left:
            yield part, b"".join(left)
