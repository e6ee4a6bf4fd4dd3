"""The rows of tracking, and what has to be known to read them."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.machine import machine
from benchmarks.measure import MLO, Row, medians
from benchmarks.measure import environment as surroundings
from benchmarks.table import table
from benchmarks.tracking import tools
from benchmarks.tracking.tools import LOGGERS, MLFLOW_FILES, MLFLOW_SQLITE, OURS, Logger

_CALL_US, _IMPORT_MS, _TRIAL_MS = 10.0, 20.0, 10.0
_NOTES = """\
A metric call is one number with a step, from one thread, timed from inside a script, over many
calls. A short run has two parameters and three values of a metric; both tools make 60 in one
process, after one that does not count. `mlo` has them on disk as they end, and is timed until all
are recorded in its store, which it does with many at once. The search is that for the 20
best of all runs by a metric: MLflow from inside a script, after one that does not count, `mlo` as
a whole command. The runs were written by SQL into MLflow's database, ten parameters and six metrics
each, and taken over by `mlo import-mlflow`.

What a sweep costs a trial is the difference between sweeps of many and of few trials at random,
less as many starts of the same command by a plain loop."""


@dataclass(frozen=True)
class Scale:
    """How much is logged and searched; tests take less."""

    calls: int = 20_000
    calls_of_others: int = 500
    short_runs: int = 60
    runs: int = 10_000
    few_trials: int = 5
    many_trials: int = 55


@dataclass(frozen=True)
class Bench:
    """Where, how often and beside what is measured; a tool without a version is missing."""

    folder: Path
    versions: Mapping[str, str | None]
    times: int = 3
    scale: Scale = Scale()

    def has(self, tool: Logger) -> bool:
        """Return whether a tool is there."""
        return bool(self.versions.get(tool.name))


def rows(bench: Bench) -> list[Row]:
    """Measure all that logs and looks."""
    return [*_logging(bench), _importing(bench), *_searching(bench), _sweeping(bench)]


def _logging(bench: Bench) -> list[Row]:
    """Measure a metric call, and a short run."""
    found = {tool.name: _timed(bench, tool) for tool in LOGGERS if bench.has(tool)}
    ours = found[OURS.name]
    what = "a metric call"
    made = [Row(what, ours["call_us"], f"{_CALL_US:.0f} us", _CALL_US, 1.0, "us")]
    for tool in LOGGERS[1:]:
        theirs = found.get(tool.name, {}).get("call_us")
        made.append(Row(what, ours["call_us"], _told(tool, theirs), theirs, None, "us"))
    theirs = found.get(MLFLOW_FILES.name, {}).get("run_ms")
    told = _told(MLFLOW_FILES, theirs)
    return [*made, Row("a short run", ours["run_ms"], told, theirs, 1 / 15, "ms")]


def _told(tool: Logger, theirs: float | None) -> str:
    return tool.name if theirs is not None else f"{tool.name} (not installed)"


def _timed(bench: Bench, tool: Logger) -> dict[str, float]:
    scale = bench.scale
    calls = scale.calls if tool is OURS else scale.calls_of_others
    found = [
        tool.time(bench.folder / "log" / str(number), calls, scale.short_runs)
        for number in range(bench.times)
    ]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def _importing(bench: Bench) -> Row:
    """Measure what `import mlops_cli.api` adds to the start of Python."""
    cost = medians(
        {
            "api": [sys.executable, "-c", "import mlops_cli.api"],
            "none": [sys.executable, "-c", "pass"],
        },
        times=5 * bench.times,
        cwd=bench.folder,
    )
    ms = (cost["api"].seconds - cost["none"].seconds) * 1000
    return Row("import mlops_cli.api", ms, f"{_IMPORT_MS:.0f} ms", _IMPORT_MS, 1.0, "ms")


def _searching(bench: Bench) -> list[Row]:
    """Measure taking runs over from MLflow, and finding the best of them."""
    what = f"{bench.scale.runs:,} runs"
    if not bench.has(MLFLOW_SQLITE):
        nan, missing = float("nan"), f"{MLFLOW_SQLITE.name} (not installed)"
        return [Row(f"runs list, the best of {what}", nan, missing, None, 1 / 20)]
    theirs, ours = bench.folder / "search", bench.folder / "ours"
    theirs.mkdir()
    ours.mkdir()
    tools.run(MLFLOW_SQLITE, "mlflow_search_script.py", theirs, "fill", bench.scale.runs)
    tools.begin(ours)
    taken_s = _seconds([MLO, "import-mlflow", str(theirs / "mlflow.db"), "--json"], ours)
    held = [
        tools.run(MLFLOW_SQLITE, "mlflow_search_script.py", theirs, "search", bench.scale.runs)
        for _ in range(bench.times)
    ]
    some_s = statistics.median(one["some"] for one in held)
    lists = medians(
        {"list": [MLO, "runs", "list", "--sort", "m0"]}, times=2 * bench.times, cwd=ours
    )["list"].seconds
    return [
        Row(f"runs list, the best of {what}", lists, MLFLOW_SQLITE.name, some_s, 1 / 20),
        Row(f"import-mlflow of {what}", taken_s, "(nothing does the same)", None, None),
    ]


def _sweeping(bench: Bench) -> Row:
    """Measure what a trial of a sweep costs beside its command."""
    project = bench.folder / "sweep"
    project.mkdir()
    step = {
        "cmd": "echo '{\"loss\": '${x}'}' > m.json",
        "params": ["x"],
        "metrics": ["m.json"],
    }
    settings = {"params": {"x": 0.5}, "steps": {"try": step}}
    tools.begin(project)
    (project / ".mlops.yaml").write_text(json.dumps(settings))

    def sweep(trials: int) -> float:
        search = ("--set", "x=uniform(0, 1)", "--metric", "loss", "--sampler", "random")
        return _seconds([MLO, "sweep", "try", *search, "--trials", str(trials), "--json"], project)

    scale = bench.scale
    more = scale.many_trials - scale.few_trials
    costs = [sweep(scale.many_trials) - sweep(scale.few_trials) for _ in range(bench.times)]
    loop = f"for i in $(seq {more}); do sh -c \"echo '{{}}' > m.json\"; done"
    plain = medians({"loop": ["sh", "-c", loop]}, times=bench.times, cwd=project)["loop"].seconds
    ms = (statistics.median(costs) - plain) / more * 1000
    return Row("what a trial costs beside its command", ms, "10 ms", _TRIAL_MS, 1.0, "ms")


def _seconds(command: Sequence[str], folder: Path) -> float:
    """Return how long a command took.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=surroundings({}), check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    return time.perf_counter() - started


def measure(*, times: int, where: Path | None) -> tuple[list[Row], page.Section]:
    """Measure all, and return the rows and their section."""
    versions: dict[str, Any] = {tool.name: tool.version for tool in LOGGERS}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mlo-benchmark-", dir=where) as folder:
        found = rows(Bench(Path(folder), versions, times))
    beside = ", ".join(
        f"{name} {version or '(not installed)'}" for name, version in versions.items()
    )
    return found, page.Section(
        f"Measured on {machine()}; load before the start {load:.1f}; medians of {times}. "
        f"{beside}.\n\n{table(found)}\n\n{_NOTES}"
    )
