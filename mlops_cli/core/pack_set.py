"""The packs that are in a folder, opened, and where in them an object is."""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlops_cli.core.id_table import IdTable
from mlops_cli.core.packs import SUFFIX, Pack

_BULK = 256
"""After this many lookups that had to search the packs, a table of all ids is made."""

_TRIES = 1_000
"""More often in a row nobody changes the folder while it is listed."""

_OTHER_FILES = 512
"""How many files a process may need open beside packs."""

Place = tuple[Pack, int]
"""A pack, and a position in its index."""


class PackSet:
    """The packs of one folder. Others may add and remove some at any time; threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._packs: dict[str, Pack] = {}
        self._seen_mtime_ns = -1
        self._table: tuple[IdTable, list[Pack]] | None = None
        self._searches = 0
        self._guard = threading.RLock()

    def all(self) -> Mapping[str, Pack]:
        """Return the packs by name, after opening those that are new since the last look."""
        with self._guard:
            try:
                mtime_ns = os.stat(self._folder).st_mtime_ns
            except FileNotFoundError:
                return self._packs
            if mtime_ns != self._seen_mtime_ns:
                self._packs, self._seen_mtime_ns = self._reopen(mtime_ns)
                self._table = None
            return self._packs

    def refresh(self) -> None:
        """Look again, even if nothing seems to have changed."""
        with self._guard:
            self._seen_mtime_ns = -1
            self.all()

    def locate(self, key: bytes) -> Place | None:
        """Return where the object with a 32-byte id is; looks for new packs before it says None."""
        found = self.search(key)
        if found is None:
            before = self._seen_mtime_ns
            self.all()
            if self._seen_mtime_ns != before:
                found = self.search(key)
        return found

    def search(self, key: bytes) -> Place | None:
        """Return where it is in the packs that are open; a whole copy comes before a delta."""
        packs = self.all() if self._seen_mtime_ns < 0 else self._packs
        if self._table is None:
            self._searches += 1
            if self._searches > _BULK:
                in_order = list(packs.values())
                self._table = IdTable([pack.index for pack in in_order]), in_order
        table = self._table
        if table is not None:
            hit = table[0].find(key)
            return None if hit is None else (table[1][hit[0]], hit[1])
        told: Place | None = None
        for pack in packs.values():
            at = pack.index.find(key)
            if at is not None:
                if not pack.index.is_delta(at):
                    return pack, at
                told = pack, at
        return told

    def _reopen(self, mtime_ns: int) -> tuple[dict[str, Pack], int]:
        """Return the packs, and the time of the folder at which these were all of them.

        Somebody may merge packs while their names are listed, so that neither the old ones nor the
        new one are seen: what was listed counts only if nothing moved meanwhile.
        """
        for _ in range(_TRIES):
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(SUFFIX))
            _allow_files(len(names))
            packs: dict[str, Pack] = {}
            for name in names:
                stem = name[: -len(SUFFIX)]
                with suppress(FileNotFoundError):
                    packs[stem] = self._packs.get(stem) or Pack(self._folder / name)
            before, mtime_ns = mtime_ns, os.stat(self._folder).st_mtime_ns
            if len(packs) == len(names) and mtime_ns == before:
                break
        return packs, mtime_ns


def _allow_files(packs: int) -> None:
    """Let this process have so many packs open, beside other files, as far as it may."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = packs + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
