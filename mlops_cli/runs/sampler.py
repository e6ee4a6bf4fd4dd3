"""Samples of what a run takes of its machine, while it goes on, for less than 1 % of a processor.

Whoever leads a run of commands samples in a thread of its own. A script that leads its own run has
no such thread, which would be in the way when it forks: it samples as it logs.
"""

import os
import resource
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import journal
from mlops_cli.errors import MloError

if TYPE_CHECKING:
    from mlops_cli.runs.carbon import Carbon
    from mlops_cli.runs.system import Taken

FIRST_S, SLOWEST_S = 0.1, 30.0
_SHARE = 0.01
_PER_RUN = 200
"""The interval grows to this part of the time that has passed: a long run has few samples too."""


class Pace:
    """When to sample next: soon at first, ever later, and never for more than 1 % of the time."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self.due = begun + FIRST_S

    def took(self, cost_s: float) -> None:
        """Note what a sample that has just been taken has cost."""
        now = time.monotonic()
        wanted = max((now - self._begun) / _PER_RUN, FIRST_S)
        self.due = now + max(min(wanted, SLOWEST_S), cost_s / _SHARE)


class Writer:
    """Turns what was taken so far into lines of a journal."""

    def __init__(self, file: str | Path) -> None:
        self._file = file
        self._last: tuple[float, Taken] | None = None

    def write(self, taken: "Taken", gpus: Iterable[Mapping[str, float]] = ()) -> None:
        """Append a sample; one that the disk refuses is lost."""
        now = time.monotonic()
        before, last = self._last or (now, taken)
        self._last = now, taken
        line: dict[str, Any] = {
            "time": round(time.time(), 3),
            "cpu": round(max(taken.cpu_s - last.cpu_s, 0.0) / (now - before), 3)
            if now > before
            else None,
            "cpu_s": round(taken.cpu_s, 3),
            "memory": taken.memory_bytes,
            "read": taken.read_bytes,
            "written": taken.written_bytes,
            "processes": taken.processes,
            "threads": taken.threads,
        }
        if found := [dict(one) for one in gpus]:
            line["gpus"] = found
        try:
            os.makedirs(os.path.dirname(self._file), exist_ok=True)
            journal.append(self._file, line)
        except (MloError, OSError):
            return


class Sampler:
    """Samples process groups in a thread until it is told to stop."""

    def __init__(self, file: Path, carbon: "Carbon | None" = None) -> None:
        self._carbon = carbon
        self._writer = Writer(file)
        self._groups: list[int] = []
        self._end = threading.Event()
        self._before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._thread = threading.Thread(target=self._work, name="mlo sampler", daemon=True)
        self._thread.start()

    def add(self, group: int) -> None:
        """Sample one more process group."""
        self._groups.append(group)

    def stop(self) -> dict[str, float]:
        """End the thread, and return what the system says of all children that have ended."""
        self._end.set()
        self._thread.join()
        found = spent(self._before, resource.getrusage(resource.RUSAGE_CHILDREN))
        return found if self._carbon is None else {**found, **self._carbon.stop()}

    def _work(self) -> None:
        pace = Pace(time.monotonic())
        if self._end.wait(FIRST_S):
            return  # most commands are shorter, and none of the rest is needed
        from mlops_cli.runs.gpu import Gpus
        from mlops_cli.runs.system import Watched

        watched, gpus = Watched(), Gpus()
        while not self._end.wait(max(pace.due - time.monotonic(), 0.0)):
            begun = time.thread_time()
            while self._groups:
                watched.add(self._groups.pop())
            taken = watched.look()
            if taken.processes:
                self._writer.write(taken, gpus.look())
            pace.took(time.thread_time() - begun)
        gpus.close()


class OwnSampler:
    """Samples this process whenever it is asked and a sample is due."""

    def __init__(self, file: str | Path, carbon: "Carbon | None" = None) -> None:
        self._carbon = carbon
        self._writer = Writer(file)
        self._pace = Pace(time.monotonic())
        self._pid = os.getpid()
        self._before = resource.getrusage(resource.RUSAGE_SELF)

    def look(self) -> None:
        """Take a sample if one is due, and this is not a fork of the process that began."""
        if time.monotonic() >= self._pace.due and os.getpid() == self._pid:
            from mlops_cli.runs.system import own

            begun = time.thread_time()
            self._writer.write(own())
            self._pace.took(time.thread_time() - begun)

    def stop(self) -> dict[str, float]:
        """Return what the system says of this process since it began to sample."""
        found = spent(self._before, resource.getrusage(resource.RUSAGE_SELF))
        return found if self._carbon is None else {**found, **self._carbon.stop()}


def spent(before: resource.struct_rusage, after: resource.struct_rusage) -> dict[str, float]:
    """Return processor time between two moments, and the peak of memory if it rose meanwhile."""
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {"cpu_s": round(cpu_s, 6)}
    if after.ru_maxrss > before.ru_maxrss:
        found["memory_peak_bytes"] = after.ru_maxrss * 1024
    return found


def summary(file: Path | None, *, seconds: float, known: Mapping[str, float]) -> dict[str, float]:
    """Return what a run took in all, from its samples and from what is `known` beside them.

    Empty when there is neither. `cpu_mean` is how many processors were busy on average.
    """
    found: dict[str, float] = dict(known)
    memory = gpu = count = 0.0
    for line in () if file is None else _lines(file):
        count += 1
        memory += line["memory"]
        if "cpu_s" not in known:
            found["cpu_s"] = max(found.get("cpu_s", 0.0), line["cpu_s"])
        _raise(found, "memory_peak_bytes", line["memory"])
        _raise(found, "read_bytes", line["read"])
        _raise(found, "written_bytes", line["written"])
        for one in line.get("gpus", ()):
            gpu += one.get("use", 0.0)
        held = sum(one.get("memory", 0.0) for one in line.get("gpus", ()))
        if held:
            _raise(found, "gpu_memory_peak_bytes", held)
    if count:
        found["memory_mean_bytes"] = round(memory / count)
        if "gpu_memory_peak_bytes" in found:
            found["gpu_mean"] = round(gpu / count, 4)
    if seconds > 0 and "cpu_s" in found:
        found["cpu_mean"] = round(found["cpu_s"] / seconds, 3)
    return dict(sorted(found.items()))


def _raise(found: dict[str, float], name: str, value: float) -> None:
    found[name] = max(found.get(name, 0), value)


def _lines(file: Path) -> Iterable[dict[str, Any]]:
    wanted = ("memory", "cpu_s", "read", "written")
    for line in journal.read(file):
        if all(isinstance(line.get(name), int | float) for name in wanted):
            yield line
