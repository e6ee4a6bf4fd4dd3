"""What servers of this store tell of themselves while they run, for commands to show.

Each has a file in `.mlo/servers/`, locked for as long as one of its processes lives. It is written
in place about once a second, so its line begins with a checksum, and who reads half of it looks
again. A file that nobody has locked was left by a server that was killed, and goes.
"""

import fcntl
import os
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from mlops_cli.core.clock import now
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository

VERSION = 1
_EVERY_S = 1.0
_MOST_BYTES = 1 << 20
_SUM_BYTES = 9


@dataclass(frozen=True, slots=True)
class Counted:
    """Requests to one version in one role, and how many of them it failed on."""

    model: str
    version: int
    role: str
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class OnTrial:
    """A version that is compared with another one, by what both did since that began.

    `next_look` is how many requests the new one needs before it is judged again.
    """

    model: str
    role: str
    old: Counted
    new: Counted
    next_look: int


@dataclass(frozen=True, slots=True)
class Running:
    """What a server told last: counts since it began, and the trials that it judges."""

    url: str
    since: str
    counted: tuple[Counted, ...] = ()
    trials: tuple[OnTrial, ...] = ()

    def of(self, model: str) -> "Running":
        """Return what it told of one model."""
        return Running(
            self.url,
            self.since,
            tuple([one for one in self.counted if one.model == model]),
            tuple([one for one in self.trials if one.model == model]),
        )


class Account:
    """The file of one server. Where nothing can be written, nothing is told."""

    def __init__(self, folder: Path, url: str) -> None:
        self._path = folder / os.urandom(8).hex()
        self._url = url
        self._since = now()
        self._handle = -1
        self._due = 0.0
        self._told = b""
        self._width = 0

    def tell(self, counts: Callable[[], tuple[Sequence[Counted], Sequence[OnTrial]]]) -> None:
        """Write what `counts` gives, at most once a second, and only where it is new."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _EVERY_S
        counted, trials = counts()
        told = _encoded(Running(self._url, self._since, tuple(counted), tuple(trials)))
        if told != self._told:
            with suppress(OSError):
                self._write(told)

    def _write(self, told: bytes) -> None:
        if self._handle < 0:
            self._handle = _made(self._path)
        self._width = max(self._width, len(told))
        os.pwrite(self._handle, told.ljust(self._width), 0)
        self._told = told

    def close(self) -> None:
        """Remove the file: the server ends."""
        if self._handle >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1


def running(repo: Repository) -> list[Running]:
    """Return what the servers of this store told that run now, the oldest first."""
    folder = repo.layout.servers
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    told = [_read(path) for path in paths if not path.name.startswith(".")]
    return sorted((one for one in told if one is not None), key=lambda one: (one.since, one.url))


def _made(path: Path) -> int:
    """Make a file that is locked from its first moment on, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.rename(aside, path)
    except BaseException:
        os.close(handle)
        aside.unlink(missing_ok=True)
        raise
    return handle


def _encoded(told: Running) -> bytes:
    from dataclasses import asdict

    data = orjson.dumps({"v": VERSION, **asdict(told)})
    return b"%08x " % zlib.crc32(data) + data


def _read(path: Path) -> Running | None:
    """Return what a server told; None if it is gone, has told nothing yet, or is of a newer mlo."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            return None
        for _ in range(3):  # its server may be at it at this moment
            data = os.pread(handle, _MOST_BYTES, 0).rstrip()
            if data[:_SUM_BYTES] == b"%08x " % zlib.crc32(data[_SUM_BYTES:]):
                return _decoded(orjson.loads(data[_SUM_BYTES:]))
        return None
    finally:
        os.close(handle)


def _decoded(held: dict[str, Any]) -> Running | None:
    if held["v"] != VERSION:
        return None
    trials = [
        OnTrial(**{**one, "old": Counted(**one["old"]), "new": Counted(**one["new"])})
        for one in held["trials"]
    ]
    counted = [Counted(**one) for one in held["counted"]]
    return Running(held["url"], held["since"], tuple(counted), tuple(trials))
