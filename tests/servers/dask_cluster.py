"""A Dask cluster as people start one: `dask scheduler` and `dask worker`, on this machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).parents[2]
_PATIENCE_S = 60


@dataclass
class DaskCluster:
    """Processes of a cluster, in a folder of their own that knows nothing of any project."""

    folder: Path
    allowed_failures: int
    url: str = ""
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self, workers: int) -> None:
        """Start the scheduler and its workers, and return once they know each other."""
        where = self.folder / "scheduler.json"
        where.unlink(missing_ok=True)
        words = ("--port", "0", "--scheduler-file", str(where), "--no-show", "--no-dashboard")
        self.scheduler = self._run("scheduler", *words)
        address = json.loads(_when_there(where, self.scheduler))["address"]
        self.url = address.replace("tcp://", "dask://")
        for number in range(workers):
            local = str(self.folder / f"worker-{number}")
            options = ("--nthreads", "1", "--no-dashboard", "--local-directory", local)
            self.workers.append(self._run("worker", address, *options))
        self._wait_for_workers(address, workers)

    def kill_worker(self, number: int) -> None:
        """Kill a worker and the nanny that would start it again, with no warning."""
        import psutil

        nanny = psutil.Process(self.workers[number].pid)
        for process in (nanny, *nanny.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.workers.pop(number).wait()

    def kill_scheduler(self) -> None:
        """Kill the scheduler with no warning."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def stop(self) -> None:
        """End all processes, the workers while they can still take their leave."""
        _end(self.workers)
        _end([] if self.scheduler is None else [self.scheduler])
        self.workers.clear()

    def _run(self, *words: str) -> "subprocess.Popen[bytes]":
        environ = {
            **os.environ,
            "PYTHONPATH": str(TOP),
            "TMPDIR": str(self.folder),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self.allowed_failures),
        }
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            line = [str(Path(sys.executable).parent / "dask"), *words, "--host", "127.0.0.1"]
            return subprocess.Popen(line, cwd=self.folder, env=environ, stdout=log, stderr=log)

    def _wait_for_workers(self, address: str, count: int) -> None:
        from distributed import Client

        with Client(address, timeout=_PATIENCE_S, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=_PATIENCE_S)


@contextmanager
def dask_cluster(
    folder: Path, *, workers: int = 2, allowed_failures: int = 1
) -> Iterator[DaskCluster]:
    """Give a cluster for a `with` block, that tries a task again after so many deaths at most."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = DaskCluster(folder, allowed_failures)
    try:
        cluster.start(workers)
        yield cluster
    finally:
        cluster.stop()


def _when_there(path: Path, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        if path.exists() and (text := path.read_text()).rstrip().endswith("}"):
            return text
        time.sleep(0.02)
    raise AssertionError("the Dask scheduler did not start")


def _end(processes: "list[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
