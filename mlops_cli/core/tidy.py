"""Merging small packs, so that many short commands do not leave many files to search."""

import os
from contextlib import suppress
from pathlib import Path

from mlops_cli.core.lock import hold
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.packs import Pack, as_id
from mlops_cli.errors import Locked

SMALL_BYTES = 16 * 1024 * 1024
"""A pack below this size may be merged with others."""

LEFT_BEHIND_S = 24 * 3600
"""A file in `tmp` that is older than this belongs to nobody any more."""

TOO_MANY = 32
"""Merge when there are more small packs than this."""


def small(packs: dict[str, Pack]) -> list[Pack]:
    """Return the packs worth merging: none while there are few."""
    found = [pack for pack in packs.values() if pack.size < SMALL_BYTES]
    return found if len(found) > TOO_MANY else []


def sweep(tmp: Path, now_s: float) -> None:
    """Remove what killed processes left in `tmp`: whatever nobody has touched for a day."""
    import shutil

    for entry in os.scandir(tmp):
        with suppress(OSError):
            if now_s - entry.stat(follow_symlinks=False).st_mtime < LEFT_BEHIND_S:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)


def merge(packs: list[Pack], folder: Path, tmp: Path) -> None:
    """Put the objects of `packs` into one new pack (or a few full ones), then remove them.

    Killed at any point, every object is in one pack at least. When another process is at the
    same work this does nothing.
    """
    try:
        with hold(tmp / "tidy.lock", purpose="merge small packs", wait_s=0):
            _merge(packs, folder, tmp)
    except Locked:
        return


def _merge(packs: list[Pack], folder: Path, tmp: Path) -> None:
    still_there = [pack for pack in packs if pack.path.exists()]
    writer = PackWriter(folder, tmp, knows=lambda *_: False)
    try:
        for pack in still_there:
            for at in range(pack.index.count):
                entry = pack.index.entry(at)
                writer.put_stored(as_id(pack.index.key(at)), entry, pack.payload(entry))
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    made = writer.published
    for pack in still_there:
        if pack.path not in made:
            pack.path.unlink(missing_ok=True)
