"""The last snapshot of a work tree: the same files, seen again, need no new one.

A file counts as the same while size, times, inode and mode are. One that was changed within the
tick of the clock in which it was read may change once more and look the same: then nothing is kept.
"""

import os
import time
from collections.abc import Sequence
from stat import S_ISDIR

from blake3 import blake3

from mlops_cli.core import canonical, git_snapshot
from mlops_cli.core.files import write_whole
from mlops_cli.core.git_snapshot import Change, Made, Standing
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError

_HEADER = b"mlo code 1"
_TICK_NS = 20_000_000


class Seen:
    """What a work tree looks like now, and the snapshot of it if it looked like that before."""

    def __init__(
        self, repo: Repository, standing: Standing, take: Sequence[Change], undo: Sequence[Change]
    ) -> None:
        self._file = repo.layout.mlo / "code"
        self._aside = repo.layout.tmp
        self._standing = standing
        self._young = self._moving = False
        facts = [self._fact(change.path) for change in take]
        told = [standing.commit, facts, [change.path for change in undo]]
        self._key = blake3(canonical.encode(told)).hexdigest()

    def known(self) -> Made | None:
        """Return the snapshot, if there is one and git still has it."""
        try:
            header, _, rest = self._file.read_bytes().partition(b"\n")
        except OSError:
            return None
        line, _, bundle = rest.partition(b"\n")
        key, _, commit = line.decode("ascii", "replace").partition(" ")
        if header != _HEADER or key != self._key or self._moving:
            return None
        return Made(commit, bundle) if git_snapshot.is_kept(self._standing.top, commit) else None

    def keep(self, made: Made) -> None:
        """Note the snapshot of it."""
        if not self._young:
            line = f"{self._key} {made.commit}".encode()
            try:
                data = b"\n".join((_HEADER, line, made.bundle))
                write_whole(self._file, data, durable=False, aside=self._aside)
            except ExternalError:
                return  # it only saves time

    def _fact(self, path: str) -> list[object]:
        try:
            found = os.lstat(self._standing.top / path)
        except OSError:
            return [os.fsencode(path).hex()]
        if S_ISDIR(found.st_mode):  # a submodule: its commit may move and its folder look the same
            self._moving = self._young = True
        self._young |= max(found.st_mtime_ns, found.st_ctime_ns) > time.time_ns() - _TICK_NS
        times = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return [os.fsencode(path).hex(), *times, found.st_ino, found.st_mode]
