"""Whether a file is still the one that was read."""

import os
from pathlib import Path

Stamp = tuple[int, ...]


def stamp(path: Path | None) -> Stamp:
    """Return what changes with a file; empty where there is none, or it cannot be asked."""
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        return ()
    return () if found is None else (found.st_mtime_ns, found.st_ino, found.st_size)
