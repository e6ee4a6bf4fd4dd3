"""50,000 files of 4 KiB in 500 folders, and 50 of them changed."""

import re
import shutil
import subprocess
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.measure import Row, environment
from benchmarks.storage import data
from benchmarks.storage.bench import Bench, Step, follow
from benchmarks.storage.peers.peer import Command, Peer, remove
from benchmarks.storage.turns import Turn

NAMES = (
    "many.add",
    "many.status",
    "many.push",
    "many.push-nothing",
    "many.pull",
    "many.checkout",
    "many.changed",
    "many.re-add",
    "many.push-changed",
)
_COPY = "cp -r"
_FIND = "find -printf '%s %T@'"
ADD_MIB, _STATUS_MIB = 200, 200
_OPENED = re.compile(r'\.bin"[^)]*\) = \d')


def rows(bench: Bench) -> list[Row]:
    """Measure every verb on many small files."""
    if not any(bench.wants(name) for name in NAMES):
        return []
    return _Many(bench).rows()


class _Many:
    """The same files in a project of each tool."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.home = bench.place.folder / "many"
        self.original = self.home / "original"
        data.apart(data.many, self.original, bench.scale.folders, bench.scale.files)
        self.peers = bench.peers(self.home, "mlo", "DVC", "git", "git-lfs", "restic", "borg")
        for peer in self.peers.values():
            copy(self.original, peer.path)
        self.seeds = count(100)
        self.files = f"{bench.scale.folders * bench.scale.files:,} files of 4 KiB"
        self.some = f"{bench.scale.changed} of them changed"

    def rows(self) -> list[Row]:
        """Go through the verbs in an order in which each finds what it needs."""
        verbs = (
            Step("many.add", self.add, lays=True),
            Step("many.status", self.status),
            Step("many.push", self.push, lays=True),
            Step("many.push-nothing", self.push_nothing),
            Step("many.pull", self.pull),
            Step("many.checkout", self.checkout),
            Step("many.changed", self.changed),
            Step("many.re-add", self.re_add, lays=True),
            Step("many.push-changed", self.push_changed),
        )
        found = follow(self.bench, verbs)
        remove(self.home)
        self.bench.place.trim()
        return found

    def add(self, times: int) -> list[Row]:
        """Add to an empty store."""
        turns = {name: Turn(peer.add, peer.forget) for name, peer in self.peers.items()}
        costs = self.bench.take({**turns, _COPY: self._copying()}, times)
        self._record()
        limits = {"DVC": 1 / 6, "git": 1 / 4, "restic": 1 / 2, "borg": 1 / 2}
        what = f"add {self.files}"
        return [
            *self.bench.compare(what, costs, {**limits, "git-lfs": None, _COPY: None}),
            memory("memory of that add", costs["mlo"].peak_mib, ADD_MIB),
        ]

    def status(self, times: int) -> list[Row]:
        """Find that nothing has changed."""
        turns = {name: Turn(peer.status) for name, peer in self.peers.items()}
        turns[_FIND] = Turn(self._find)
        self.bench.take(turns, 1)
        costs = self.bench.take(turns, 2 * times)
        limits = {"DVC": 1 / 7, _FIND: 2.0, "git": 4.0, "git-lfs": None}
        return [
            *self.bench.compare("status, nothing changed", costs, limits),
            memory("memory of that status", costs["mlo"].peak_mib, _STATUS_MIB),
        ]

    def push(self, times: int) -> list[Row]:
        """Push to an empty remote."""
        turns = {name: Turn(peer.push, peer.unpush) for name, peer in self.peers.items()}
        costs = self.bench.take(turns, times)
        return self.bench.compare("push", costs, {"DVC": 1 / 10, "git": None, "git-lfs": None})

    def push_nothing(self, times: int) -> list[Row]:
        """Push what is there already."""
        costs = self.bench.take({n: Turn(peer.push) for n, peer in self.peers.items()}, times)
        limits = {"DVC": 1 / 15, "git": None, "git-lfs": None}
        return self.bench.compare("push of nothing", costs, limits)

    def pull(self, times: int) -> list[Row]:
        """Pull into a fresh clone."""
        turns = {n: Turn(peer.pull, peer.make_clone) for n, peer in self.peers.items()}
        costs = self.bench.take(turns, times)
        for peer in self.peers.values():
            remove(peer.clone)
        limits = {"DVC": 1 / 6, "git": None, "git-lfs": None}
        return self.bench.compare("pull into a fresh clone", costs, limits)

    def checkout(self, times: int) -> list[Row]:
        """Bring a deleted work tree back."""
        turns = {
            name: Turn(peer.checkout, partial(remove, peer.path))
            for name, peer in self.peers.items()
        }
        costs = self.bench.take({**turns, _COPY: self._copying()}, times)
        limits = {"DVC": 1 / 4, "git": 1.3, "git-lfs": None, "restic": None, "borg": None}
        return self.bench.compare("checkout of a deleted work tree", costs, {**limits, _COPY: None})

    def changed(self, times: int) -> list[Row]:
        """Find that some files have changed, reading no others."""
        turns = {n: Turn(p.status, partial(self._change, p)) for n, p in self.peers.items()}
        turns[_FIND] = Turn(self._find)
        costs = self.bench.take(turns, times)
        limits = {"DVC": 1 / 7, _FIND: 2.0, "git": 4.0, "git-lfs": None}
        return [
            *self.bench.compare(f"status, {self.some}", costs, limits),
            self._opened(),
        ]

    def re_add(self, times: int) -> list[Row]:
        """Add again after some files have changed."""
        turns = {n: Turn(p.add, partial(self._change, p)) for n, p in self.peers.items()}
        costs = self.bench.take(turns, times)
        self._record()
        limits = {"DVC": 1 / 8, "git": None, "git-lfs": None, "restic": None, "borg": None}
        return self.bench.compare(f"add again, {self.some}", costs, limits)

    def push_changed(self, times: int) -> list[Row]:
        """Push a version in which some files have changed."""
        pushing = {name: peer for name, peer in self.peers.items() if peer.push()}
        self.bench.take({name: Turn(peer.push) for name, peer in pushing.items()}, 1)
        turns = {n: Turn(p.push, partial(self._new_version, p)) for n, p in pushing.items()}
        costs = self.bench.take(turns, times)
        limits = {"DVC": 1 / 15, "git": None, "git-lfs": None}
        return self.bench.compare(f"push, {self.some}", costs, limits)

    def _copying(self) -> Turn:
        there = self.home / "copy"
        copying = Command(("cp", "-r", str(self.original), str(there)), self.home)
        return Turn(lambda: copying, partial(remove, there))

    def _find(self) -> Command:
        path = self.peers["mlo"].path
        return Command(("find", str(path), "-printf", "%s %T@\n"), self.home)

    def _record(self) -> None:
        for peer in self.peers.values():
            peer.record()

    def _change(self, peer: Peer) -> None:
        scale, seed = self.bench.scale, next(self.seeds)
        data.change(peer.path, scale.folders, scale.files, count=scale.changed, seed=seed)

    def _new_version(self, peer: Peer) -> None:
        self._change(peer)
        peer.add().run()
        peer.record()

    def _opened(self) -> Row:
        """Count which of the files `mlo status` opens, by the calls that it makes."""
        what = "files that it opens"
        self._change(self.peers["mlo"])
        calls = self._traced(self.peers["mlo"].status())
        if calls is None:
            return Row(what, float("nan"), "strace (does not work here)", None, None, "files")
        opened = len(_OPENED.findall(calls))
        return Row(what, opened, "the changed ones", self.bench.scale.changed, 1.0, "files")

    def _traced(self, command: Command | None) -> str | None:
        """Return the calls by which a command opens files, None if that cannot be told."""
        if command is None or not shutil.which("strace"):
            return None
        log = self.home / "strace"
        trace = ("strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(log))
        done = subprocess.run(
            (*trace, *command.argv),
            cwd=command.cwd,
            env=environment(command.env),
            check=False,
            capture_output=True,
        )
        return None if done.returncode else log.read_text()


def copy(source: Path, target: Path) -> None:
    """Copy a file or folder, sharing its blocks where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-r", "--reflink=auto", source, target], check=True)


def memory(what: str, mib: float, limit_mib: float) -> Row:
    """Return a row that holds a size against a limit."""
    return Row(what, mib, f"{limit_mib:.0f} MiB", limit_mib, 1.0, "MiB")
