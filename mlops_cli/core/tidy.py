"""Copying packs: small ones are merged, so that many short commands leave few files to search.

A copy is as old as the youngest pack that it was made from, for `gc` goes by how old packs are.
So packs of one day are merged with each other only; those of long ago all together.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlops_cli.core.lock import hold
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.packs import Codec, Pack, as_id
from mlops_cli.errors import Locked

LOCK = "tidy.lock"
"""The file in `tmp` that whoever removes packs holds."""

SMALL_BYTES = 16 * 1024 * 1024
"""A pack below this size may be merged with others."""

TOO_MANY = 32
"""Merge when there are more small packs than this."""

_MOST_OBJECTS = 200_000
"""How many objects are copied at once: each takes memory until all are written."""

_DAY_S = 24 * 3600
_DAYS_APART = 14


def small(packs: Mapping[str, Pack]) -> list[Pack]:
    """Return the packs worth merging: none while there are few.

    One that is larger than all smaller ones together is left as it is: were it copied each time, a
    thousand short commands would copy a thousand packs thirty times.
    """
    found = sorted(
        (pack for pack in packs.values() if pack.size < SMALL_BYTES), key=lambda one: one.size
    )
    if len(found) <= TOO_MANY:
        return []
    smaller, most = 0, 0
    for count, pack in enumerate(found, 1):
        if pack.size <= smaller or count <= TOO_MANY // 2:
            most = count
        smaller += pack.size
    return found[:most]


def merge(packs: list[Pack], folder: Path, tmp: Path) -> None:
    """Put the objects of `packs` into a few new packs, one a day, then remove them.

    Killed at any point, every object is in one pack at least. When another process is at the
    same work this does nothing.
    """
    try:
        with hold(tmp / LOCK, purpose="merge small packs", wait_s=0):
            for group in _by_day(packs, int(time.time() // _DAY_S)):
                for part in _parts(group):
                    _merge(part, folder, tmp)
    except Locked:
        return


def _by_day(packs: Iterable[Pack], today: int) -> list[list[Pack]]:
    groups: dict[int, list[Pack]] = {}
    for pack in packs:
        with suppress(FileNotFoundError):
            day = int(pack.path.stat().st_mtime // _DAY_S)
            groups.setdefault(min(max(day, today - _DAYS_APART), today), []).append(pack)
    return [group for group in groups.values() if len(group) > 1]


def _parts(packs: Iterable[Pack]) -> list[list[Pack]]:
    """Return packs in parts of several that hold no more objects than are copied at once."""
    parts: list[list[Pack]] = [[]]
    held = 0
    for pack in packs:
        if held + pack.index.count > _MOST_OBJECTS:
            parts.append([])
            held = 0
        parts[-1].append(pack)
        held += pack.index.count
    return [part for part in parts if len(part) > 1]


def _merge(packs: list[Pack], folder: Path, tmp: Path) -> None:
    made = {pack.path for pack in copy(packs, folder, tmp)}
    for pack in packs:
        if pack.path not in made:
            pack.path.unlink(missing_ok=True)


def copy(
    packs: Sequence[Pack],
    folder: Path,
    tmp: Path,
    *,
    keep: Callable[[bytes], bool] = lambda _: True,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Pack]:
    """Put the objects of `packs` whose 32-byte ids are to be kept into new packs; return those.

    An object that is there twice is kept in the form that others can be told against.
    """
    written = [pack.path.stat() for pack in packs if pack.path.exists()]
    writer = PackWriter(folder, tmp, knows=lambda *_: False)
    try:
        for deltas in (False, True):
            for pack in packs:
                _copy(pack, writer, keep, deltas=deltas)
                if deltas:
                    advance(pack.size)
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    if written:
        youngest = max(status.st_mtime_ns for status in written)
        for path in writer.published:
            os.utime(path, ns=(youngest, youngest))
    return [Pack(path) for path in writer.published]


def _copy(pack: Pack, writer: PackWriter, keep: Callable[[bytes], bool], *, deltas: bool) -> None:
    index = pack.index
    kept = [(index.entry(at), key) for at, key in enumerate(index.ids()) if keep(key)]
    for entry, key in sorted(kept, key=lambda one: one[0].offset):  # what was together stays so
        if (entry.codec is Codec.DELTA) is deltas:
            writer.put_stored(as_id(key), entry, pack.payload(entry))
