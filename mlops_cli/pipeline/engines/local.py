"""Processes on this machine, by loky: each does one task at a time, and dies alone.

A pool of loky's is lost as a whole when one of its processes is killed, and cannot say which task
that one had. So each place at work is a pool of one process: a death costs just that task, which
is then done again in a new process, and a task that keeps killing its process is found out.
"""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from mlops_cli.core import journal
from mlops_cli.errors import MloError
from mlops_cli.pipeline.engines.engine import MAX_DEATHS, Event, Task, Work

if TYPE_CHECKING:
    from concurrent.futures import Future

_POLL_S = 0.05
_WATCH_S = 0.5


class LocalEngine:
    """At most `jobs` processes; each is started when first needed, and kept.

    What they say goes by files in a folder in `tmp`, by default the system's.
    """

    name = "local"

    def __init__(
        self, work: Work, *, jobs: int, tmp: Path | None = None, max_deaths: int = MAX_DEATHS
    ) -> None:
        self._work = work
        self._max_deaths = max_deaths
        self._folder = Path(tempfile.mkdtemp(prefix=f"engine-{os.getpid()}-", dir=tmp))
        self._places = [_Place(self._folder, number) for number in range(jobs)]
        self._free = deque(self._places)
        self._waiting: deque[_Job] = deque()
        self._running: dict[str, tuple[_Job, _Place]] = {}
        self._ended: SimpleQueue[tuple[str, Future[Any]]] = SimpleQueue()
        self._ready: list[Event] = []

    def width(self) -> int:
        """Return how many processes there may be."""
        return len(self._places)

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._waiting.append(_Job(task, self._folder))
        self._fill()

    def events(self, wait_s: float) -> list[Event]:
        """Return what has happened; see `Engine`."""
        deadline = time.monotonic() + wait_s
        while True:
            found, self._ready = self._ready, []
            for job, _ in self._running.values():
                found += job.reports()
            found += self._collect(0 if found else min(_POLL_S, wait_s))
            if found or time.monotonic() >= deadline:
                return found

    def stop(self, key: str) -> None:
        """Ask a task to end early."""
        if key in self._running:
            self._running[key][0].stop()
            return
        for job in [job for job in self._waiting if job.task.key == key]:
            self._waiting.remove(job)
            self._ready.append(Event("dropped", key))

    def close(self) -> None:
        """Stop all processes."""
        for job, _ in self._running.values():
            job.stop()
        for place in self._places:
            place.close(kill=bool(self._running))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fill(self) -> None:
        while self._waiting and self._free:
            job, place = self._waiting.popleft(), self._free.popleft()
            self._running[job.task.key] = (job, place)
            self._start(job, place)

    def _start(self, job: "_Job", place: "_Place") -> None:
        key = job.task.key
        future = place.submit(self._work, job)
        future.add_done_callback(lambda ended: self._ended.put((key, ended)))

    def _collect(self, wait_s: float) -> list[Event]:
        """Return the ends that there are, after waiting for the first."""
        found: list[Event] = []
        try:
            key, future = self._ended.get(timeout=wait_s) if wait_s else self._ended.get_nowait()
            while True:
                found += self._end(key, future)
                key, future = self._ended.get_nowait()
        except Empty:
            pass
        self._fill()
        return found

    def _end(self, key: str, future: "Future[Any]") -> list[Event]:
        job, place = self._running[key]
        error = future.exception()
        if error is not None and place.is_death(error):
            return self._bury(job, place)
        del self._running[key]
        self._free.append(place)
        reports = job.reports()
        job.clear()
        if error is not None:
            return [*reports, Event("failed", key, said(error))]
        return [*reports, Event("done", key, future.result())]

    def _bury(self, job: "_Job", place: "_Place") -> list[Event]:
        """Go on after the process of a task has died."""
        key = job.task.key
        job.deaths += 1
        place.renew()
        if job.deaths < self._max_deaths and not job.stopping:
            self._start(job, place)
            return [Event("again", key, "its process died")]
        del self._running[key]
        self._free.append(place)
        job.clear()
        times = "once" if job.deaths == 1 else f"{job.deaths} times"
        return [Event("lost", key, f"the process that worked on it died {times}")]


def said(error: BaseException) -> str:
    """Return in one line what went wrong."""
    message = getattr(error, "message", None)
    text = message if isinstance(message, str) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]


class _Job:
    """A task, and the two files by which it and its process speak with each other."""

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self.deaths = 0
        name = os.urandom(8).hex()
        self.said = folder / f"{name}.jsonl"
        self.asked = folder / f"{name}.stop"
        self.stopping = False
        self._read = 0

    def stop(self) -> None:
        self.stopping = True
        self.asked.touch()

    def reports(self) -> list[Event]:
        """Return the messages since the last time."""
        try:
            if self.said.stat().st_size <= self._read:
                return []
        except FileNotFoundError:
            return []
        with self.said.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return [Event("report", self.task.key, json.loads(line)) for line in whole.splitlines()]

    def clear(self) -> None:
        self.said.unlink(missing_ok=True)
        self.asked.unlink(missing_ok=True)


class _Place:
    """A pool of one process, made anew when it breaks."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._pool: Any = None

    def submit(self, work: Work, job: _Job) -> "Future[Any]":
        arguments = (work, dict(job.task.payload), self._number, str(job.said), str(job.asked))
        try:
            future: Future[Any] = self._opened().submit(_do, *arguments)
        except Exception as error:
            if not self.is_death(error):
                raise
            self.renew()  # it died while it had nothing to do
            future = self._opened().submit(_do, *arguments)
        return future

    def is_death(self, error: BaseException) -> bool:
        from concurrent.futures.process import BrokenProcessPool

        from joblib.externals.loky.process_executor import ShutdownExecutorError

        return isinstance(error, BrokenProcessPool | ShutdownExecutorError)

    def renew(self) -> None:
        self.close(kill=True)

    def close(self, *, kill: bool) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=kill)
            self._pool = None

    def _opened(self) -> Any:
        if self._pool is None:
            from joblib.externals.loky.process_executor import ProcessPoolExecutor

            self._pool = ProcessPoolExecutor(max_workers=1, initializer=_begin)
        return self._pool


def _begin() -> None:
    """Prepare a process: a Ctrl-C is for whoever gives out the tasks, who then stops them.

    What tasks print is theirs to keep: the terminal belongs to the same.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


_at_work = threading.Lock()


def _end_with_parent(parent: int) -> None:
    """End this process once nobody is there to give it a task; one at work sees that itself."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    with _at_work:
        os._exit(0)


def _do(work: Work, payload: Mapping[str, Any], place: int, told: str, asked: str) -> Any:
    with _at_work:
        return work(payload, place, _FileLine(Path(told), asked))


class _FileLine:
    """A line by two files."""

    def __init__(self, told: Path, asked: str) -> None:
        self._told = told
        self._asked = asked
        self._parent = os.getppid()

    def report(self, message: Mapping[str, Any]) -> None:
        """Append a message, unless nobody is there any more to read it."""
        with suppress(MloError):
            journal.append(self._told, dict(message))

    def stopped(self) -> bool:
        """Return whether the other file is there, or the parent is gone."""
        return os.getppid() != self._parent or os.path.exists(self._asked)
