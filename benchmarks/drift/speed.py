"""How long it takes to look for drift, with start and reading, and in how much memory."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks import page
from benchmarks.drift import logged, tables
from benchmarks.drift.peers import ALIBI_DETECT, EVIDENTLY, NANNYML, SCRIPTS, WHYLOGS, Peer
from benchmarks.machine import machine
from benchmarks.measure import MLO, Cost, Row, environment, median, once
from benchmarks.table import table

_SCRIPTS: Mapping[Peer, str] = {
    EVIDENTLY: "evidently_speed_script.py",
    NANNYML: "nannyml_speed_script.py",
    WHYLOGS: "whylogs_speed_script.py",
    ALIBI_DETECT: "alibi_speed_script.py",
}
_BEST_OTHER = 1 / 2
_EXACT_MIB, _APPROX_MIB, _LOG_MIB = 1.2 * 1024, 300.0, 1024.0
_LOGGED_ROWS = 10_000_000
_NOTES = """\
Each is a whole command: start, imports, reading two Parquet files with mixed columns (of ten, four
normal, one of whole numbers, one rounded, one with gaps, two of text and one true or false), and
all tests; of the others a script with their own Python and the shortest way that their pages tell
(Evidently's preset of data drift, NannyML's KS and chi-square, whylogs' profiles and drift scores,
alibi-detect's test of tables). `mlo` tells its distances and shapes too. Memory is the greatest
resident size. The prediction log has ten columns, and is held against the profile that the version
keeps: no training data is read."""


@dataclass(frozen=True, slots=True)
class Size:
    """A table, how much of Evidently's time may be taken, and how often each tool is run."""

    rows: int
    columns: int
    limit: float
    times: int

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.rows:,} x {self.columns}"


SIZES = (
    Size(10_000, 20, 1 / 6, 5),
    Size(100_000, 50, 1 / 15, 3),
    Size(1_000_000, 50, 1 / 40, 1),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where is measured, and beside which Pythons, by the tool they belong to."""

    folder: Path
    pythons: Mapping[Peer, Path]


def rows(
    bench: Bench, sizes: tuple[Size, ...] = SIZES, logged_rows: int = _LOGGED_ROWS
) -> list[Row]:
    """Measure tables of all sizes, and the prediction log."""
    _project(bench.folder / "project")
    found = [row for size in sizes for row in _of_size(bench, size)]
    return [*found, *_of_log(bench, logged_rows)]


def _project(folder: Path) -> None:
    folder.mkdir(parents=True)
    for command in (["git", "init", "--quiet"], [MLO, "init"]):
        subprocess.run(command, cwd=folder, env=environment({}), check=True, capture_output=True)


def _of_size(bench: Bench, size: Size) -> list[Row]:
    folder = bench.folder / f"{size.rows}"
    _elsewhere(tables.write, folder, size.rows, size.columns)
    parquet, text = (
        [f"{folder}/{side}.{kind}" for side in tables.SIDES] for kind in ("parquet", "csv")
    )
    commands = {
        peer.name: [str(python), str(SCRIPTS / _SCRIPTS[peer]), *parquet]
        for peer, python in bench.pythons.items()
    }
    largest = size is max(SIZES, key=lambda one: one.rows)
    commands |= {"mlo": _drift(*parquet), "csv": _drift(*text)}
    if largest:
        commands["approx"] = _drift(*parquet, "--approx")
    costs = _turns(commands, size.times, bench.folder / "project")
    made = _against_others(costs, size)
    what = f"{size.name}, CSV"
    made.append(Row(what, costs["csv"].seconds, "(for what it costs)", None, None))
    if largest:
        made += [
            Row(
                f"{size.name}, --approx", costs["approx"].seconds, "(for what it costs)", None, None
            ),
            _memory(f"memory of {size.name}", costs["mlo"], _EXACT_MIB),
            _memory(f"memory of {what}", costs["csv"], _EXACT_MIB),
            _memory(f"memory of {size.name}, --approx", costs["approx"], _APPROX_MIB),
        ]
        made += [
            Row(
                f"memory of {size.name}",
                costs["mlo"].peak_mib,
                name,
                costs[name].peak_mib,
                None,
                "MiB",
            )
            for name in (peer.name for peer in bench.pythons)
        ]
    shutil.rmtree(folder)
    return made


def _against_others(costs: Mapping[str, Cost], size: Size) -> list[Row]:
    """Return the rows of one size: beside Evidently, the best of the others, and each of these."""
    ours = costs["mlo"].seconds
    others = {peer.name: costs.get(peer.name) for peer in _SCRIPTS}
    there = {name: cost.seconds for name, cost in others.items() if cost and name != EVIDENTLY.name}
    best = min(there, key=lambda name: there[name], default=None)
    made = []
    for name, cost in others.items():
        limit = size.limit if name == EVIDENTLY.name else _BEST_OTHER if name == best else None
        if cost is None:
            made.append(Row(size.name, ours, f"{name} (not installed)", None, limit))
        else:
            made.append(Row(size.name, ours, name, cost.seconds, limit))
    return made


def _turns(commands: Mapping[str, list[str]], times: int, folder: Path) -> dict[str, Cost]:
    """Return what each command took, in turns; `mlo` is run three times in each."""
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            for _ in range(3 if command[0] == "sh" else 1):
                found[name].append(once(command, cwd=folder))
    return {name: median(each) for name, each in found.items()}


def _drift(*arguments: str) -> list[str]:
    """Return the command; that something has drifted is its answer, not a failure."""
    return ["sh", "-c", '"$@"; test $? -le 1', "sh", MLO, "drift", *arguments]


def _elsewhere(do: Callable[..., None], *arguments: object) -> None:
    """Do something in another process, so that this one stays small: see `measure.once`."""
    made = get_context("spawn").Process(target=do, args=arguments)
    made.start()
    made.join()
    if made.exitcode:
        raise RuntimeError(f"{do.__module__}.{do.__name__} failed")


def _memory(what: str, cost: Cost, most: float) -> Row:
    return Row(what, cost.peak_mib, f"{most:,.0f} MiB", most, 1.0, "MiB")


def _of_log(bench: Bench, count: int) -> list[Row]:
    folder = bench.folder / "log"
    _elsewhere(logged.write, folder, count)
    commands = {"exact": _drift("churn"), "approx": _drift("churn", "--approx")}
    costs = _turns(commands, 1, folder)
    shutil.rmtree(folder)
    what = f"{count:,} predictions x {logged.COLUMNS}"
    return [
        Row(what, costs["exact"].seconds, "(for what it costs)", None, None),
        _memory(f"memory of {what}", costs["exact"], _LOG_MIB),
        Row(f"{what}, --approx", costs["approx"].seconds, "(for what it costs)", None, None),
        _memory(f"memory of {what}, --approx", costs["approx"], _APPROX_MIB),
    ]


def measure(*, where: Path | None) -> tuple[list[Row], page.Section]:
    """Measure all, and return the rows and their section."""
    folders = {peer: peer.folder() for peer in _SCRIPTS}
    pythons = {peer: folder / "bin" / "python" for peer, folder in folders.items() if folder}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mlo-benchmark-", dir=where) as folder:
        found = rows(Bench(Path(folder), pythons))
    beside = ", ".join(
        f"{peer.name} {peer.version if peer in pythons else '(not installed)'}" for peer in _SCRIPTS
    )
    return found, page.Section(
        f"Measured on {machine()}; load before the start {load:.1f}; {beside}.\n\n"
        f"{table(found)}\n\n{_NOTES}"
    )
