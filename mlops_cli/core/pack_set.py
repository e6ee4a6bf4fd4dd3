"""The packs that are in a folder, opened, and where in them an object is."""

import os
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from mlops_cli.core.id_table import Finder
from mlops_cli.core.packs import SUFFIX, Codec, Pack, Row

_CHEAPER = 16
"""How many times the cost of going past an object is that of looking one up."""

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
        self._found: tuple[Mapping[str, Pack], Finder] = {}, Finder([])
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
                indexes = [pack.index for pack in self._packs.values()]
                self._found = self._packs, Finder(indexes, self._found[1])
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
        if self._seen_mtime_ns < 0:
            self.all()
        packs, finder = self._found
        hit = finder.find(key)
        return None if hit is None else (packs[hit[0].name], hit[1])

    def absent(self, missing: set[bytes]) -> set[bytes]:
        """Take from many 32-byte ids those whose objects are in a pack; return the others."""
        if self._is_few(len(missing)):
            return {key for key in missing if self.locate(key) is None}
        for pack in self.all().values():
            missing.difference_update(pack.index.ids())
        return missing

    def rows(self, wanted: Collection[bytes]) -> dict[bytes, tuple[Pack, Row]]:
        """Return what is known of the objects with these ids; those that are nowhere left out."""
        found: dict[bytes, tuple[Pack, Row]] = {}
        if self._is_few(len(wanted)):
            for key in wanted:
                place = self.locate(key)
                if place is not None:
                    found[key] = place[0], place[0].index.row(place[1])
            return found
        for pack in self.all().values():
            for row in pack.index.rows():
                key = row[0]
                if key in wanted and (key not in found or row[-1] != Codec.DELTA):
                    found[key] = pack, row
        return found

    def _is_few(self, count: int) -> bool:
        """Return whether to look up each of so many costs less than to go past all that is here."""
        return sum(pack.index.count for pack in self.all().values()) > _CHEAPER * count

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
