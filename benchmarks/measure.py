"""Timing commands, and rows of ratios."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MLO = str(Path(sys.executable).with_name("mlo"))
"""The `mlo` beside the Python that runs this."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing against its limit.

    `ours` and `theirs` are medians in `unit`; the row holds when `ours <= limit * theirs`.
    """

    what: str
    ours: float
    against: str
    theirs: float
    limit: float
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """How many times `theirs` is `ours`."""
        return self.ours / self.theirs

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its limit."""
        return self.ratio <= self.limit


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took: seconds of wall time, and its greatest resident size in MiB."""

    seconds: float
    peak_mib: float


def once(command: Sequence[str], *, cwd: Path | None = None) -> Cost:
    """Run a command to its end and return what it took.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_environment()
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {errors.decode(errors='replace')}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def medians(
    commands: Mapping[str, Sequence[str]],
    *,
    times: int,
    cwd: Path | None = None,
    before: Callable[[], None] = lambda: None,
) -> dict[str, Cost]:
    """Return the median cost of each command, run in turn so that noise falls on all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for command in commands.values():
        before()
        once(command, cwd=cwd)
    for _ in range(times):
        for name, command in commands.items():
            before()
            costs[name].append(once(command, cwd=cwd))
    return {
        name: Cost(
            statistics.median(cost.seconds for cost in found),
            max(cost.peak_mib for cost in found),
        )
        for name, found in costs.items()
    }


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "NO_COLOR": "1"}
