"""A table of 500 MB in 4 versions, each made from the one before."""

import shutil
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.measure import Cost, Row
from benchmarks.storage import data
from benchmarks.storage.bench import Bench, Step, follow
from benchmarks.storage.peers.peer import Peer, remove
from benchmarks.storage.turns import Turn

NAME = "edits"
_GROWTH, _STORED, _ADD = 0.005, 0.45, 1.5
_MB = 1e6


@dataclass(frozen=True, slots=True)
class _Version:
    """What adding and pushing one version took, and by how many bytes store and remote grew."""

    add: Cost
    stored: int
    sent: int


def rows(bench: Bench) -> list[Row]:
    """Measure how little an edited version adds."""
    found = follow(bench, [Step(NAME, lambda times: _Edits(bench).rows(times))])
    bench.place.trim()
    return found


class _Edits:
    """The same versions, one after the other, in a project of each tool."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.home = bench.place.folder / "edits"
        self.home.mkdir()
        data.apart(data.versions, self.home, bench.scale.table_rows)
        self.versions = [self.home / f"{number}.csv" for number in range(4)]
        self.size = self.versions[0].stat().st_size
        self.peers = bench.peers(self.home, "mlo", "DVC", "restic", "borg", data="data.csv")

    def rows(self, times: int) -> list[Row]:
        """Go through the versions `times` times, each time from an empty store."""
        found: dict[str, list[list[_Version]]] = {name: [] for name in self.peers}
        for _ in range(times):
            for name, versions in self._once().items():
                found[name].append(versions)
        remove(self.home)
        middle = {
            name: [_middle(list(same)) for same in zip(*rounds, strict=True)]
            for name, rounds in found.items()
        }
        return [*self._base(middle), *self._growth(middle)]

    def _once(self) -> dict[str, list[_Version]]:
        found: dict[str, list[_Version]] = {name: [] for name in self.peers}
        for peer in self.peers.values():
            remove(peer.path)
            peer.forget()
        for number in range(len(self.versions)):
            for name, peer in self.peers.items():
                found[name].append(self._version(peer, number))
        return found

    def _version(self, peer: Peer, number: int) -> _Version:
        stored, sent = peer.stored_bytes(), peer.sent_bytes()

        def put() -> None:
            remove(peer.path)
            shutil.copyfile(self.versions[number], peer.path)

        add = self.bench.take({peer.name: Turn(peer.add, put)}, 1)[peer.name]
        peer.record()
        push = peer.push()
        if push is not None:
            push.run()
        return _Version(add, peer.stored_bytes() - stored, peer.sent_bytes() - sent)

    def _base(self, found: dict[str, list[_Version]]) -> list[Row]:
        size = self.size / _MB
        first = {name: versions[0].add for name, versions in found.items()}
        limits = {"DVC": _ADD, "restic": None, "borg": None}
        what = f"add a CSV of {size:.0f} MB"
        stored = {name: versions[0].stored / _MB for name, versions in found.items()}
        held = f"{_STORED:.0%} of the file"
        return [
            *self.bench.compare(what, first, limits),
            *_sizes("bytes that it takes", stored, held, _STORED * size),
        ]

    def _growth(self, found: dict[str, list[_Version]]) -> list[Row]:
        allowed = _GROWTH * self.size / _MB
        held = f"{_GROWTH:.1%} of the file"
        rows: list[Row] = []
        for number, edit in enumerate(data.EDITS, start=1):
            at = {name: versions[number] for name, versions in found.items()}
            stored = {name: version.stored / _MB for name, version in at.items()}
            sent = {name: version.sent / _MB for name, version in at.items() if version.sent}
            add = {name: version.add for name, version in at.items()}
            rows += _sizes(f"growth of the store, 0.1 % {edit}", stored, held, allowed)
            rows += _sizes(f"growth of the remote, 0.1 % {edit}", sent, held, allowed)
            rows += self.bench.compare(f"add, 0.1 % {edit}", add, {"DVC": _ADD})
        return rows


def _sizes(what: str, sizes: Mapping[str, float], held: str, allowed: float) -> list[Row]:
    """Return rows of sizes in MB: one against what is allowed, one beside each other tool."""
    ours = sizes["mlo"]
    others = [
        Row(what, ours, name, size, None, "MB") for name, size in sizes.items() if name != "mlo"
    ]
    return [Row(what, ours, held, allowed, 1.0, "MB"), *others]


def _middle(same: list[_Version]) -> _Version:
    return _Version(
        Cost(
            statistics.median(one.add.seconds for one in same),
            max(one.add.peak_mib for one in same),
        ),
        int(statistics.median(one.stored for one in same)),
        int(statistics.median(one.sent for one in same)),
    )
