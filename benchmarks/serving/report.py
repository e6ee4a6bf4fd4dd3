"""The rows of serving, and what has to be known to read them."""

import math
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import page
from benchmarks.machine import machine
from benchmarks.measure import MLO, Row, medians
from benchmarks.serving import models, tools, wrk
from benchmarks.serving.models import Model
from benchmarks.serving.tools import BARE, FLOOR, NATIVE, OURS, PEERS, Tool
from benchmarks.serving.wrk import Load
from benchmarks.storage.system import have
from benchmarks.table import table
from benchmarks.tracking.tools import begin

CLIENTS = (1, 8, 64)
_CPU_US, _START_S = 80.0, 1.5
_OFF = "serving:\n  metrics: false\n  log:\n    sample: 0\n"
_NOTES = """\
Every server answers single rows of the same fitted models from one process that predicts, driven by
`wrk` on the same machine, each client waiting for its answer before it asks again; times are those
of the whole run for each answer, so `clients` of them are under way at once. `mlo` gives the
probabilities and an id with each prediction, and writes each to its log; the others give the
prediction alone. The constant is a bare ASGI application on uvicorn that reads the request and
answers with the same bytes each time. Off means without prediction log and metrics.

CPU is that of all processes of the server, and memory too, shared pages counted in part (PSS). A
start lasts to the first answer; that of the original is held against a script that does nothing but
import scikit-learn and skops and load the same file."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one server with one model."""

    loads: Mapping[int, Load]
    start_s: float
    pss_mib: float


@dataclass(frozen=True)
class Bench:
    """Where, how long and beside what is measured."""

    folder: Path
    off: Path
    """The same project with log and metrics off."""
    seconds: float = 4.0
    times: int = 3
    clients: Sequence[int] = CLIENTS
    peers: Sequence[Tool] = PEERS
    batch_rows: int = 200_000
    found: dict[tuple[str, str], Measured] = field(default_factory=dict)

    def measure(self, tool: Tool, model: Model) -> None:
        """Start a server and drive it; of several runs the median counts."""
        if tool.python is None:
            return
        folder = self.off if tool is BARE else self.folder
        print(f"  {tool.name}: {model.told}", file=sys.stderr)
        with tools.running(tool, folder, model) as server:
            loads = {count: self._driven(server, count) for count in self.clients}
            self.found[tool.name, model.name] = Measured(
                loads, server.start_s, wrk.pss_mib(server.pid)
            )

    def _driven(self, server: tools.Running, clients: int) -> Load:
        def once(seconds: float) -> Load:
            asked = server.asked
            return wrk.drive(
                server.url,
                asked.body,
                asked.headers,
                clients=clients,
                seconds=seconds,
                pid=server.pid,
                folder=self.folder,
            )

        once(1)
        runs = [once(self.seconds) for _ in range(self.times)]
        return sorted(runs, key=lambda one: one.rate)[len(runs) // 2]

    def best(self, model: Model, clients: int) -> tuple[str, Load] | None:
        """Return the peer that answers most, and what it did."""
        held = [
            (tool.name, self.found[tool.name, model.name].loads[clients])
            for tool in self.peers
            if (tool.name, model.name) in self.found
        ]
        return max(held, key=lambda one: one[1].rate, default=None)


def _us(load: Load) -> float:
    """Return the time of the run for each answer."""
    return 1e6 / load.rate if load.rate else math.inf


_LIMITS: Mapping[tuple[str, str, int], float] = {
    (OURS.name, "lr", 1): 1 / 4,
    (OURS.name, "lr", 8): 1 / 8,
    (OURS.name, "rf", 8): 1 / 20,
    (OURS.name, "mixed", 8): 1 / 20,
    (NATIVE.name, "rf", 8): 1 / 5,
    (NATIVE.name, "mixed", 8): 1 / 4,
}


def rows(bench: Bench, made: Sequence[Model]) -> list[Row]:
    """Measure every server with every model, and hold ours against the best."""
    for model in made:
        for tool in (OURS, NATIVE, BARE, *bench.peers):
            bench.measure(tool, model)
    bench.measure(FLOOR, made[0])
    return [
        *(row for model in made for row in _against_peers(bench, model)),
        *_against_ourselves(bench, made[0]),
        *_starting(bench, made),
        _batch(bench, made[-1]),
    ]


def _against_peers(bench: Bench, model: Model) -> list[Row]:
    found = []
    for tool in (OURS, NATIVE):
        for clients in bench.clients:
            ours = bench.found[tool.name, model.name].loads[clients]
            best = bench.best(model, clients)
            name, theirs = best if best else ("(nothing is installed)", None)
            told = f"{model.told}{'' if tool is OURS else ', native'}, {clients} clients"
            limit = _LIMITS.get((tool.name, model.name, clients))
            found.append(
                Row(told, _us(ours), name, None if theirs is None else _us(theirs), limit, "us")
            )
            if clients == 8:
                p99 = None if theirs is None else theirs.p99_us
                limit = 1.0 if tool is OURS else None
                found.append(Row(f"{told}, p99", ours.p99_us, name, p99, limit, "us"))
    return found


def _against_ourselves(bench: Bench, model: Model) -> list[Row]:
    """Hold the server against the floor, itself with everything off, and its budget of CPU."""
    clients = 8 if 8 in bench.clients else bench.clients[0]
    ours, bare, floor = (
        bench.found[tool.name, model.name].loads[clients] for tool in (OURS, BARE, FLOOR)
    )
    told = f"{model.told}, {clients} clients"
    return [
        Row(f"{told}, off", _us(bare), FLOOR.name, _us(floor), 1 / 0.3, "us"),
        Row(f"{told}, on", _us(ours), BARE.name, _us(bare), 1 / 0.85, "us"),
        Row(f"{told}, CPU", ours.cpu_us, f"{_CPU_US:.0f} us", _CPU_US, 1.0, "us"),
    ]


def _starting(bench: Bench, made: Sequence[Model]) -> list[Row]:
    """Hold starts against loading the model alone, and memory against BentoML's."""
    found = []
    for model in made:
        file = f"'{model.name}/model.skops'"
        trusted = f"trusted=skops.io.get_untrusted_types(file={file})"
        load = f"import skops.io; skops.io.load({file}, {trusted}).predict"
        alone = medians(
            {"load": [sys.executable, "-c", load]}, times=bench.times, cwd=bench.folder
        )["load"].seconds
        ours, native = (bench.found[tool.name, model.name] for tool in (OURS, NATIVE))
        found += [
            Row(f"start with {model.told}", ours.start_s, f"{_START_S} s", _START_S, 1.0),
            Row(f"start with {model.told}, native", native.start_s, "loading it", alone, 1.3),
        ]
        bento = bench.found.get(("BentoML", model.name))
        theirs = None if bento is None else bento.pss_mib
        told = f"memory with {model.told}"
        found.append(Row(told, ours.pss_mib, "BentoML", theirs, 1 / 2, "MB"))
    return found


def _batch(bench: Bench, model: Model) -> Row:
    """Hold `mlo predict` against reading, predicting and writing Parquet in one script."""
    source = bench.folder / "batch.parquet"
    grow = (
        "import pandas, sys\n"
        f"one = pandas.read_csv('{model.name}.csv')\n"
        f"many = pandas.concat([one] * ({bench.batch_rows} // len(one)), ignore_index=True)\n"
        f"many.to_parquet('{source}')"
    )
    bare = (
        "import joblib, pandas\n"
        f"rows = pandas.read_parquet('{source}')\n"
        f"model = joblib.load('{model.name}.joblib')\n"
        "rows['prediction'] = model.predict(rows)\n"
        "rows.to_parquet('bare.parquet')"
    )
    medians({"grow": [sys.executable, "-c", grow]}, times=1, cwd=bench.folder)
    predict = [MLO, "predict", f"{model.name}@v1", str(source), "ours.parquet", "--force"]
    cost = medians(
        {"ours": predict, "bare": [sys.executable, "-c", bare]},
        times=bench.times,
        cwd=bench.folder,
    )
    return Row(
        f"predict {bench.batch_rows:,} rows of Parquet",
        cost["ours"].seconds,
        "reading, predict, writing",
        cost["bare"].seconds,
        1 / 0.9,
    )


def every(bench: Bench, made: Sequence[Model]) -> str:
    """Return all that was measured as a Markdown table."""
    head = ["model", "server", *(f"{count} clients" for count in bench.clients)]
    lines = [head, ["---"] * len(head)]
    for model in made:
        for tool in (OURS, NATIVE, BARE, *bench.peers, FLOOR):
            held = bench.found.get((tool.name, model.name))
            if held is not None:
                cells = [_cell(held.loads[count]) for count in bench.clients]
                lines.append([model.told, tool.name, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(load: Load) -> str:
    refused = f", {load.refused} refused" if load.refused else ""
    return (
        f"{load.rate:,.0f}/s, p50 {load.p50_us / 1000:.2f} ms, p99 {load.p99_us / 1000:.2f} ms,"
        f" CPU {load.cpu_us:,.0f} us{refused}"
    )


def projects(folder: Path) -> tuple[Path, Path, list[Model]]:
    """Make the models, and two projects that have them registered: log and metrics on, and off."""
    on, off = folder / "on", folder / "off"
    for place in (on, off):
        place.mkdir()
        begin(place)
        made = models.make(place)
        models.register(place, made)
    with (off / ".mlops.yaml").open("a") as settings:
        settings.write(_OFF)
    return on, off, made


def measure(*, times: int, where: Path | None) -> tuple[list[Row], page.Section]:
    """Measure all, and return the rows and their section.

    Raises:
        RuntimeError: there is no `wrk`.
    """
    if not have("wrk", "wrk"):
        raise RuntimeError("wrk is missing: apt-get install wrk")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mlo-benchmark-", dir=where) as name:
        on, off, made = projects(Path(name))
        bench = Bench(on, off, times=times)
        found = rows(bench, made)
        told = every(bench, made)
    versions = ", ".join(f"{tool.name} {tool.version or '(not installed)'}" for tool in PEERS)
    return found, page.Section(
        f"Measured on {machine()}; load before the start {load:.1f}; medians of {times}. "
        f"{versions}.\n\n{table(found)}\n\n{told}\n\n{_NOTES}"
    )
