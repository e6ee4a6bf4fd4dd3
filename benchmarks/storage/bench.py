"""What a run of the benchmark shares: the place, the tools, what was asked for."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, Row
from benchmarks.storage.peers.borg import Borg
from benchmarks.storage.peers.dvc import Dvc
from benchmarks.storage.peers.git import Git
from benchmarks.storage.peers.git_lfs import GitLfs
from benchmarks.storage.peers.ours import Mlo
from benchmarks.storage.peers.peer import Peer
from benchmarks.storage.peers.restic import Restic
from benchmarks.storage.place import Place
from benchmarks.storage.turns import Turn, take
from benchmarks.table import table

PEERS: tuple[type[Peer], ...] = (Mlo, Dvc, Git, GitLfs, Restic, Borg)


def versions(beside: Sequence[str]) -> dict[str, str | None]:
    """Return the versions of `mlo` and of the tools named, or of all if none is."""
    return {
        kind.name: kind.version()
        for kind in PEERS
        if not beside or kind.name in (Mlo.name, *beside)
    }


@dataclass(frozen=True)
class Scale:
    """How much data there is. The defaults are those of the table; tests take less."""

    large_bytes: int = 1 << 30
    folders: int = 500
    files: int = 100
    changed: int = 50
    table_rows: int = 3_400_000
    times_more: int = 20


@dataclass(frozen=True)
class Bench:
    """Where, how often and what is measured.

    `versions` tells the version of each tool, None for one that is missing and cannot be
    installed. `only` holds names of rows, or their first parts; empty means all.
    """

    place: Place
    versions: Mapping[str, str | None]
    times: int = 3
    only: Sequence[str] = ()
    scale: Scale = Scale()

    def peers(self, under: Path, *names: str, data: str = "data") -> dict[str, Peer]:
        """Return those of the named tools that are there, each with a home of its own."""
        chosen = [kind for kind in PEERS if kind.name in names and self.versions.get(kind.name)]
        return {kind.name: kind(under / kind.name, data) for kind in chosen}

    def wants(self, name: str) -> bool:
        """Return whether rows of this name were asked for."""
        return not self.only or name in self.only or name.partition(".")[0] in self.only

    def take(self, turns: Mapping[str, Turn], times: int) -> dict[str, Cost]:
        """Return the median cost of each turn."""
        return take(turns, times=times, place=self.place)

    def compare(
        self,
        what: str,
        costs: Mapping[str, Cost],
        limits: Mapping[str, float | None],
    ) -> list[Row]:
        """Return a row for each that `mlo` is held against, telling which tools are missing.

        Tools that were not asked for have none.
        """
        seconds = costs[Mlo.name].seconds
        rows: list[Row] = []
        for name, limit in limits.items():
            if name in costs:
                rows.append(Row(what, seconds, name, costs[name].seconds, limit))
            elif self.versions.get(name, "") is None:
                rows.append(Row(what, seconds, f"{name} (not installed)", None, limit))
        return rows


@dataclass(frozen=True, slots=True)
class Step:
    """Some rows, and whether later steps build on what measuring them leaves."""

    name: str
    measure: Callable[[int], list[Row]]
    lays: bool = False


def follow(bench: Bench, steps: Sequence[Step]) -> list[Row]:
    """Measure what was asked for, and do once what that builds on."""
    rows: list[Row] = []
    for number, step in enumerate(steps):
        if bench.wants(step.name):
            print(f"measuring {step.name} ...", file=sys.stderr)
            found = step.measure(bench.times)
            print(table(found), file=sys.stderr)
            rows += found
        elif step.lays and any(bench.wants(later.name) for later in steps[number + 1 :]):
            step.measure(1)
    return rows
