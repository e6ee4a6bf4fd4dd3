"""The rows of storage, and what has to be known to read them."""

import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.measure import Row
from benchmarks.page import Section
from benchmarks.storage import edits, large, many, million, small
from benchmarks.storage.bench import PEERS, Bench, versions
from benchmarks.storage.place import place
from benchmarks.storage.system import have
from benchmarks.table import table

NAMES = (small.NAME, *many.NAMES, *large.NAMES, edits.NAME, million.NAME)
TOOLS = tuple(kind.name for kind in PEERS)
_NOTES = """\
Every tool works on its own copy of the same data, in turns; what was written in between is brought
to disk before each command. Every file system cache is warm. DVC is as `dvc init` leaves it, so it
links as it finds best (by reflink where it can, else it copies). Its remote, and that of `mlo`, is
a folder; those of git and git-lfs are a bare repository in a folder. restic compresses and
encrypts, borg compresses. git does not collect garbage meanwhile.

What `mlo` has added or pushed is on disk (fsync) when the command ends; restic and borg do this
too, DVC, git-lfs and `cp` leave it in memory. So 1 GiB is also held against DVC beside the time
that the fsync of a plain copy takes.

The 500 MB table is one of orders: ids, times, categories, prices, and four numbers in full
precision. Its versions are made in sequence: the first edit replaces 0.1 % of the rows in one block
in the middle and inserts as many; the second changes two numbers in 0.1 % of the rows, scattered;
the third appends 0.1 %. Memory is the greatest resident size of the largest process."""


_PARTS = {
    "Start": small,
    "Many small files": many,
    "One large file": large,
    "Edits of a table": edits,
    "A million small files": million,
}


def measure(
    *, times: int, only: Sequence[str], beside: Sequence[str], where: Path | None
) -> tuple[list[Row], Section]:
    """Measure what was asked for, and return the rows and their section, in groups."""
    tools = versions(beside)
    have("strace", "strace")
    rows: list[Row] = []
    groups: dict[str, str | None] = {}
    with place(where) as found:
        bench = Bench(found, tools, times, only)
        for heading, part in _PARTS.items():
            load = os.getloadavg()[0]
            measured = part.rows(bench)
            groups[heading] = _group(measured, bench, load) if measured else None
            rows += measured
    return rows, Section(_NOTES, groups)


def _group(rows: Sequence[Row], bench: Bench, load: float) -> str:
    against = {row.against for row in rows}
    told = {name: version or "(not installed)" for name, version in bench.versions.items()}
    tools = [
        f"{name} {version}"
        for name, version in told.items()
        if against & {name, f"{name} {version}"}
    ]
    beside = f" Beside {', '.join(tools)}." if tools else ""
    return (
        f"Measured on {machine()}; {bench.place.kind}; load before the start {load:.1f}; "
        f"medians of {bench.times}.{beside}\n\n{table(rows)}"
    )
