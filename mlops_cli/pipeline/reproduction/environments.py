"""Where rebuilt environments are kept: in the user's cache folder, for all projects."""

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlops_cli.core.lock import hold
from mlops_cli.errors import ExternalError, Locked

WHOLE = "complete.json"
"""The file of an environment that was made to its end; its time says when it was last used."""
LOCK = ".lock"


class Pruned(NamedTuple):
    """How many environments went, or would go, and what they took."""

    environments: int
    bytes: int


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder that environments are kept in."""
    base = environ.get("XDG_CACHE_HOME") or ""
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "mlo" / "environments"


def note_use(folder: Path) -> None:
    """Note that an environment is being used."""
    with suppress(OSError):
        os.utime(folder / WHOLE)


def prune(environ: Mapping[str, str], *, unused_s: float, dry_run: bool = False) -> Pruned:
    """Drop the environments that nobody has used for so long, but for those being made."""
    folder, count, size = cache_folder(environ), 0, 0
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return Pruned(0, 0)
    for name in names:
        place = folder / name
        if name.endswith(LOCK) or not place.is_dir() or _unused_s(place) < unused_s:
            continue
        if dry_run:
            count, size = count + 1, size + _size(place)
            continue
        with suppress(Locked, ExternalError):
            lock = place.with_suffix(LOCK)
            with hold(lock, purpose="mlo gc", wait_s=0):
                taken = _size(place)
                shutil.rmtree(place, ignore_errors=True)
            count, size = count + 1, size + taken
    return Pruned(count, size)


def _unused_s(place: Path) -> float:
    """Return for how long nobody has used an environment, whole or not."""
    for file in (place / WHOLE, place):
        with suppress(OSError):
            return time.time() - file.stat().st_mtime
    return 0.0


def _size(place: Path) -> int:
    total = 0
    for folder, _, names in os.walk(place):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
