"""Compare-and-swap where there are only files, folders and an atomic rename: on SFTP, on a disk.

Who wants to swap puts the new bytes beside, as a candidate, then removes every other candidate,
then compares, then renames its own candidate over the file. A candidate that somebody removed
cannot be renamed, so its owner has lost and begins again. Of two clients, the one whose candidate
came later sees the other's: either that one is removed, and can never win, or it was renamed
before, and the comparison sees what it wrote. This holds however slow a client is; a dead one
leaves a candidate, which the next client removes.

So that two do not remove each other's for ever, each has a rank: a candidate of lower rank is
removed at once, one of higher rank is given some time to end.
"""

import os
import time
from collections.abc import Callable
from typing import Protocol

from mlops_cli.errors import Conflict

_TRIES = 50
_PATIENCE_S = 5.0
_POLL_S = 0.05


class Files(Protocol):
    """The files that a swap works on."""

    url: str

    def create(self, name: str, data: bytes) -> None:
        """Put a new candidate there, durably."""

    def candidates(self) -> list[str]:
        """Return the candidates that are there."""

    def discard(self, name: str) -> None:
        """Remove a candidate, if it is there."""

    def current(self, key: str) -> bytes | None:
        """Return what is under a key, None for nothing."""

    def install(self, name: str, key: str) -> bool:
        """Rename a candidate over a key, durably; False when the candidate is gone."""


def swap(
    files: Files,
    key: str,
    old: bytes | None,
    new: bytes,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Replace `old` (None: nothing there) by `new`; of any number at once, one wins.

    Raises:
        Conflict: the key does not hold `old`; nothing was changed.
    """
    group = key.replace("/", "-") + "+"
    rank = os.urandom(8).hex()
    for attempt in range(_TRIES):
        mine = f"{group}{rank}.{attempt}"
        files.create(mine, new)
        _remove_others(files, group, mine, sleep)
        if files.current(key) != old:
            files.discard(mine)
            raise Conflict(f"'{key}' on the remote '{files.url}' was changed by somebody else")
        if files.install(mine, key):
            return
    raise Conflict(f"'{key}' on the remote '{files.url}' is being changed all the time")


def _remove_others(files: Files, group: str, mine: str, sleep: Callable[[float], None]) -> None:
    """Return once none of the other candidates that are there now can be renamed any more."""
    others = {name for name in files.candidates() if name.startswith(group) and name != mine}
    for name in [name for name in others if name > mine]:
        files.discard(name)
    before = {name for name in others if name < mine}
    for _ in range(round(_PATIENCE_S / _POLL_S)):
        if not before:
            return
        sleep(_POLL_S)
        there = set(files.candidates())
        if mine not in there:
            return
        before &= there
    for name in before:
        files.discard(name)
