"""The rows of pipelines, and what has to be known to read them."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import page
from benchmarks.machine import machine
from benchmarks.measure import Cost, Row, median, once
from benchmarks.pipeline.tools import TOOLS, Dvc, Mlo, Tool, listed
from benchmarks.storage.peers.peer import Command, remove
from benchmarks.table import table

_NOTES = """\
The commands of the steps do next to nothing (`cat`, `echo`), so what is measured is the tool. Each
tool has a project of its own, made anew for each cold run; tools take turns. In the chain of five
steps each reads what the one before wrote; the parameter that changes is read by the third, so
three steps run again. The hundred steps all read one file, and are made from a list. DVC runs one
step at a time; Metaflow knows no steps that are up to date. make and Snakemake go by times; `mlo`
and DVC by content, and they also keep what steps wrote, and `mlo` a record of each run with code,
environment and log, on disk (fsync) when the command ends.

What `mlo` itself costs a step is its cold run with one job, less the same commands in a plain shell
loop, by the number of steps."""


@dataclass(frozen=True)
class Scale:
    """How many steps there are; tests take fewer."""

    chain: int = 5
    many: int = 100


@dataclass(frozen=True)
class Bench:
    """Where, how often and beside what is measured; a tool without a version is missing."""

    folder: Path
    versions: Mapping[str, str | None]
    times: int = 5
    scale: Scale = Scale()

    def tools(self, under: str, *names: str) -> dict[str, Tool]:
        """Return those of the named tools that are there, each with a home of its own."""
        return {
            kind.name: kind(self.folder / under / kind.name)
            for kind in TOOLS
            if kind.name in names and self.versions.get(kind.name)
        }

    def take(self, turns: "Mapping[str, Turn]") -> dict[str, Cost]:
        """Return the median cost of each turn, after one that does not count."""
        costs: dict[str, list[Cost]] = {name: [] for name in turns}
        for number in range(self.times + 1):
            for name, turn in turns.items():
                turn.before()
                command = turn.command()
                cost = once(command.argv, cwd=command.cwd, env=command.env)
                if number:
                    costs[name].append(cost)
        return {name: median(found) for name, found in costs.items()}

    def compare(
        self, what: str, costs: Mapping[str, Cost], limits: Mapping[str, float | None]
    ) -> list[Row]:
        """Return a row for each tool that `mlo` is held against, missing ones too."""
        ours = costs[Mlo.name].seconds
        return [
            Row(what, ours, name, costs[name].seconds, limit)
            if name in costs
            else Row(what, ours, f"{name} (not installed)", None, limit)
            for name, limit in limits.items()
        ]


@dataclass(frozen=True, slots=True)
class Turn:
    """A command to measure, and what is done before, unmeasured."""

    command: Callable[[], Command]
    before: Callable[[], None] = lambda: None


def rows(bench: Bench) -> list[Row]:
    """Measure all pipelines."""
    return [*_chain(bench), *_many(bench), *_anything(bench)]


def _chain(bench: Bench) -> list[Row]:
    """Measure a chain of steps: all of them, none, and those after a changed parameter."""
    steps = bench.scale.chain
    tools = bench.tools("chain", "mlo", "DVC", "Snakemake", "Metaflow", "make")
    cold = bench.take(_cold(tools, {name: tool.chain(steps) for name, tool in tools.items()}))
    for tool in tools.values():
        tool.record()
    tools.pop("Metaflow", None)
    nothing = bench.take({name: Turn(tool.run) for name, tool in tools.items()})
    values = count(1)
    changed = bench.take(
        {name: Turn(tool.run, partial(_change, tool, values)) for name, tool in tools.items()}
    )
    told = f"{steps} steps in a chain"
    unlimited: dict[str, float | None] = {"Snakemake": None, "make": None}
    return [
        *bench.compare(
            f"{told}, all to be run", cold, {"DVC": None, "Snakemake": None, "Metaflow": None}
        ),
        *bench.compare(f"{told}, nothing to do", nothing, {"DVC": 1 / 7, **unlimited}),
        *bench.compare(f"{told}, a parameter changed", changed, {"DVC": 1 / 6, **unlimited}),
    ]


def _many(bench: Bench) -> list[Row]:
    """Measure steps made from a list: all of them by two jobs, and none; and our cost of one."""
    steps = bench.scale.many
    tools = bench.tools("many", "mlo", "DVC", "Snakemake", "make")
    files = {name: tool.many(steps) for name, tool in tools.items()}
    cold = bench.take(_cold(tools, files, jobs=2))
    for tool in tools.values():
        tool.record()
    nothing = bench.take({name: Turn(partial(tool.run, 2)) for name, tool in tools.items()})
    told = f"{steps} steps from a list"
    return [
        *bench.compare(
            f"{told}, all to be run, two jobs",
            cold,
            {"DVC": 1 / 10, "Snakemake": 1 / 2, "make": None},
        ),
        *bench.compare(
            f"{told}, nothing to do", nothing, {"DVC": 1 / 8, "Snakemake": None, "make": None}
        ),
        _own(bench, tools["mlo"], files["mlo"]),
    ]


def _own(bench: Bench, ours: Tool, files: Mapping[str, str]) -> Row:
    """Return what a step costs beside its command."""
    steps = bench.scale.many
    folder = bench.folder / "loop"
    each = listed("$i")
    loop = f'for i in $(seq {steps}); do sh -c "{each}"; done'
    plain = Command(("sh", "-c", loop), folder)

    def anew() -> None:
        remove(folder)
        folder.mkdir()
        (folder / "data.txt").write_text("0\n")

    costs = bench.take(
        {
            "mlo": Turn(ours.run, partial(ours.begin, files)),
            "loop": Turn(lambda: plain, anew),
        }
    )
    own_ms = (costs["mlo"].seconds - costs["loop"].seconds) / steps * 1000
    return Row("what a step costs beside its command", own_ms, "10 ms", 10.0, 1.0, "ms")


def _anything(bench: Bench) -> list[Row]:
    """Measure a tracked command that does nothing."""
    ours, theirs = Mlo(bench.folder / "one" / "mlo"), Dvc(bench.folder / "one" / "DVC")
    ours.begin({"train.py": "print(1)\n"})
    turns = {"mlo": Turn(ours.anything)}
    if bench.versions.get("DVC"):
        theirs.begin(theirs.single())
        turns["DVC"] = Turn(theirs.anything)
    costs = bench.take(turns)
    found = {**costs, "dvc exp run": costs["DVC"]} if "DVC" in costs else costs
    return bench.compare("run -- true", found, {"dvc exp run": 1 / 10})


def _cold(
    tools: Mapping[str, Tool], files: Mapping[str, Mapping[str, str]], jobs: int = 1
) -> dict[str, Turn]:
    return {
        name: Turn(partial(tool.run, jobs), partial(tool.begin, files[name]))
        for name, tool in tools.items()
    }


def _change(tool: Tool, values: "count[int]") -> None:
    tool.change(next(values))


def measure(*, times: int, where: Path | None) -> tuple[list[Row], page.Section]:
    """Measure all, and return the rows and their section."""
    versions = {kind.name: kind.version() for kind in TOOLS}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mlo-benchmark-", dir=where) as folder:
        found = rows(Bench(Path(folder), versions, times))
    return found, _section(found, versions, load, times)


def _section(
    found: Sequence[Row], versions: Mapping[str, str | None], load: float, times: int
) -> page.Section:
    beside = ", ".join(
        f"{name} {version or '(not installed)'}" for name, version in versions.items()
    )
    return page.Section(
        f"Measured on {machine()}; load before the start {load:.1f}; medians of {times}. "
        f"{beside}.\n\n{table(found)}\n\n{_NOTES}"
    )
