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
    """One measured thing beside what it is held against.

    `ours` and `theirs` are medians in `unit`; the row holds when `ours <= limit * theirs`. Without
    a limit it only tells. Without `theirs`, `against` says why there is nothing to compare with.
    """

    what: str
    ours: float
    against: str
    theirs: float | None
    limit: float | None
    unit: str = "s"

    @property
    def ratio(self) -> float | None:
        """How many times `theirs` is `ours`."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its limit, if there are both."""
        return self.ratio is None or self.limit is None or self.ratio <= self.limit


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took: seconds of wall time, and the greatest resident size in MiB.

    The size is that of the largest process among the command and those it started and waited for.
    """

    seconds: float
    peak_mib: float


def once(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Cost:
    """Run a command to its end and return what it took.

    A command starts out with the resident size of this very process as its greatest, so whoever
    measures has to stay small.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(env or {}),
    )
    assert process.stderr is not None
    try:
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        process.stderr.close()
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {errors.decode(errors='replace')}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of the times, and the greatest of the sizes."""
    return Cost(
        statistics.median(cost.seconds for cost in costs), max(cost.peak_mib for cost in costs)
    )


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
    return {name: median(found) for name, found in costs.items()}


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of what is measured: this one, but with compiled modules kept."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "NO_COLOR": "1", **more}
