"""One file of 1 GiB that cannot be compressed."""

from functools import partial

from benchmarks.measure import Cost, Row
from benchmarks.storage import data
from benchmarks.storage.bench import Bench, Step, follow
from benchmarks.storage.many import ADD_MIB, copy, memory
from benchmarks.storage.peers.peer import Command, remove
from benchmarks.storage.turns import Turn

NAMES = ("large.add", "large.push", "large.checkout")
_FSYNC = "fsync of a copy"


def rows(bench: Bench) -> list[Row]:
    """Measure `add`, `push` and `checkout` of one large file."""
    if not any(bench.wants(name) for name in NAMES):
        return []
    return _Large(bench).rows()


class _Large:
    """The same file in a project of each tool."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.home = bench.place.folder / "large"
        self.home.mkdir()
        self.original = self.home / "original.bin"
        self.copy = self.home / "copy.bin"
        data.apart(data.large, self.original, bench.scale.large_bytes)
        self.peers = bench.peers(
            self.home, "mlo", "DVC", "git-lfs", "restic", "borg", data="data.bin"
        )
        for peer in self.peers.values():
            copy(self.original, peer.path)
        self.file = f"{bench.scale.large_bytes / data.MIB:.0f} MiB"

    def rows(self) -> list[Row]:
        """Go through the verbs."""
        steps = [
            Step(name, measure, lays=measure == self.add)
            for name, measure in zip(NAMES, (self.add, self.push, self.checkout), strict=True)
        ]
        found = follow(self.bench, steps)
        remove(self.home)
        self.bench.place.trim()
        return found

    def add(self, times: int) -> list[Row]:
        """Add to an empty store; `mlo` alone waits until it is on disk."""
        turns = {name: Turn(peer.add, peer.forget) for name, peer in self.peers.items()}
        turns["cp"] = Turn(self._copying, lambda: remove(self.copy))
        turns[_FSYNC] = Turn(
            lambda: Command(("sync", str(self.copy)), self.home), self._copy_anew, dirty=True
        )
        costs = self.bench.take(turns, times)
        remove(self.copy)
        for peer in self.peers.values():
            peer.record()
        what = f"add {self.file}"
        limits = ("DVC", "git-lfs", "restic", "borg", "cp", _FSYNC)
        ours = costs["mlo"]
        beside = {**costs, "mlo": Cost(ours.seconds - costs[_FSYNC].seconds, ours.peak_mib)}
        return [
            *self.bench.compare(f"{what}, beside the fsync", beside, {"DVC": 0.8}),
            *self.bench.compare(what, costs, dict.fromkeys(limits)),
            memory("memory of that add", ours.peak_mib, ADD_MIB),
        ]

    def push(self, times: int) -> list[Row]:
        """Push to an empty remote."""
        turns = {
            name: Turn(peer.push, peer.unpush)
            for name, peer in self.peers.items()
            if name in ("mlo", "DVC")
        }
        turns["cp"] = Turn(self._copying, lambda: remove(self.copy))
        costs = self.bench.take(turns, times)
        remove(self.copy)
        return self.bench.compare(f"push of {self.file}", costs, {"DVC": 1.2, "cp": None})

    def checkout(self, times: int) -> list[Row]:
        """Bring the deleted file back."""
        turns = {
            name: Turn(peer.checkout, partial(remove, peer.path))
            for name, peer in self.peers.items()
        }
        turns["cp"] = Turn(self._copying, lambda: remove(self.copy))
        costs = self.bench.take(turns, times)
        remove(self.copy)
        limits = {"DVC": 1.0, "git-lfs": None, "restic": None, "borg": None, "cp": None}
        return self.bench.compare(f"checkout of {self.file}, deleted", costs, limits)

    def _copying(self) -> Command:
        copying = ("cp", "--reflink=never", str(self.original), str(self.copy))
        return Command(copying, self.home)

    def _copy_anew(self) -> None:
        remove(self.copy)
        self._copying().run()
