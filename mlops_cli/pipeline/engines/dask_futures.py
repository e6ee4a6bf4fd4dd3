"""A Dask cluster, by its futures: each task is one, and a worker that dies costs reruns only.

The scheduler gives a task to another worker when one dies, until it has lost as many as
`distributed.scheduler.allowed-failures` says; so it, not we, counts the deaths of a task.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any

from mlops_cli.core.records import dataclass
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.pipeline.engines.engine import Event, Task, Work
from mlops_cli.pipeline.engines.local import said

SCHEMES = {"dask://": "tcp://", "dask+tls://": "tls://"}
_PORT = 8786
_CONNECT_S = 10.0
_CLOSE_S = 5.0
_LOOK_S = 0.5
_ANY = 0
"""In place of the number of a try: any of them."""


@dataclass(slots=True)
class _Job:
    """A task, how often it was given to the scheduler, and its future there.

    `ended` is the last try whose end is known.
    """

    task: Task
    topic: str
    tries: int = 0
    future: Any = None
    ended: int = 0

    @property
    def name(self) -> str:
        """What the scheduler calls it."""
        return f"{self.topic}-{self.task.key}-{self.tries}"


class DaskEngine:
    """A cluster that is there already, by the address of its scheduler.

    Its workers need mlo of this version and whatever the tasks need, but none of our files; the
    scheduler needs neither.
    """

    def __init__(self, work: Work, *, url: str, jobs: int | None = None) -> None:
        self.name = url
        self._work = work
        self._jobs = jobs
        self._topic = f"mlo-{_random_name()}"
        self._held: dict[str, _Job] = {}
        self._suspects: list[_Job] = []
        """Tasks whose workers died, the first of them at work: never two at once, so that the one
        that kills them does not take the others along."""
        self._happened: SimpleQueue[tuple[int, Event]] = SimpleQueue()
        self._client = _connect(url)
        self._client.subscribe_topic(self._topic, self._hear)

    def width(self) -> int:
        """Return how many threads the workers have now, or `jobs` if that is less."""
        self._require_scheduler()
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        threads = sum(int(worker["nthreads"]) for worker in workers)
        return threads if self._jobs is None else min(threads, self._jobs)

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._require_scheduler()
        self._held[task.key] = job = _Job(task, self._topic)
        self._give(job)

    def events(self, wait_s: float) -> list[Event]:
        """Return what has happened; see `Engine`."""
        deadline = time.monotonic() + wait_s
        while True:
            wait = min(_LOOK_S, deadline - time.monotonic())
            taken = [self._news(tries, event) for tries, event in _taken(self._happened, wait)]
            found = [event for event in taken if event is not None]
            if any(event.kind == "dropped" for event in found):
                self._require_scheduler()
            if found or wait <= 0:
                return found
            self._require_scheduler()
            self._look()

    def stop(self, key: str) -> None:
        """Ask a task to end early."""
        job = self._held.get(key)
        if job is None or job.future is None:
            return
        where = [at for at, names in self._client.processing().items() if job.name in names]
        if where:
            asking = (_by_name(), _name_of(_ask_to_stop), job.name)
            self._client.run(*asking, workers=where, on_error="ignore")
        else:
            job.future.cancel()

    def close(self) -> None:
        """Give up what is not done; the cluster stays."""
        futures = [job.future for job in self._held.values() if job.future is not None]
        with suppress(Exception):  # the scheduler is gone, and all with it
            self._client.cancel(futures, force=True)
        with suppress(Exception):
            self._client.close(timeout=_CLOSE_S)

    def _give(self, job: _Job) -> None:
        job.tries += 1
        key, tries = job.task.key, job.tries
        told = (_name_of(self._work), dict(job.task.payload), self._topic, key, job.name)
        job.future = self._client.submit(_by_name(), _name_of(_do), *told, key=job.name)
        job.future.add_done_callback(lambda ended: self._happened.put((tries, _end(key, ended))))

    def _look(self) -> None:
        """Take up ends that nobody told of: a callback may be lost when workers die."""
        for job in self._held.values():
            if job.future is not None and job.ended != job.tries and job.future.done():
                self._happened.put((job.tries, _end(job.task.key, job.future)))

    def _news(self, tries: int, event: Event) -> Event | None:
        """Return an event that counts, or None: a task ends once, and says nothing after that."""
        job = self._held.get(event.key)
        if job is None or tries not in (job.tries, _ANY):
            return None
        if event.kind != "report":
            if job.ended == tries:
                return None
            job.ended = tries
        if event.kind == "lost" and job not in self._suspects:
            self._suspects.append(job)
            if job is self._suspects[0]:
                self._give(job)
            return Event("again", event.key, "its workers died")
        if event.final:
            del self._held[event.key]
            self._clear(job)
        return event

    def _clear(self, job: _Job) -> None:
        """Let the next suspect have its turn."""
        if job not in self._suspects:
            return
        first = self._suspects[0]
        self._suspects.remove(job)
        if first is job and self._suspects:
            self._give(self._suspects[0])

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        held = event[1]
        self._happened.put((_ANY, Event("report", str(held["key"]), held["message"])))

    def _require_scheduler(self) -> None:
        if self._client.status != "running":
            raise ExternalError(f"the Dask scheduler at '{self.name}' is gone")


def address(url: str) -> str:
    """Return the address of a scheduler as Dask writes it.

    Raises:
        RequestError: the text is no such URL.

    >>> address("dask://10.0.0.5:8786")
    'tcp://10.0.0.5:8786'
    """
    from urllib.parse import urlsplit

    scheme = next((one for one in SCHEMES if url.startswith(one)), None)
    hint = "write it as dask://HOST:PORT, the address of a Dask scheduler"
    if scheme is None:
        raise RequestError(f"'{url}' is no engine that is known", hint=hint)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError as error:
        raise RequestError(f"'{url}' has no port that can be", hint=hint) from error
    if not host or parts.path.strip("/") or parts.username:
        raise RequestError(f"'{url}' names no scheduler", hint=hint)
    return f"{SCHEMES[scheme]}[{host}]:{port}" if ":" in host else f"{SCHEMES[scheme]}{host}:{port}"


def _connect(url: str) -> Any:
    to = address(url)
    try:
        import distributed
    except ImportError as error:
        raise RequestError(
            f"'{url}' needs Dask, which is not installed", hint="pip install 'mlo[dask]'"
        ) from error
    for name in [one for one in logging.root.manager.loggerDict if one.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told by us
    try:
        client: Any = distributed.Client  # without types
        return client(to, timeout=_CONNECT_S, set_as_default=False, name="mlo")
    except (OSError, TimeoutError) as error:
        raise ExternalError(
            f"no Dask scheduler answers at '{url}'",
            hint="start one: dask scheduler, and dask worker HOST:PORT on each machine",
        ) from error


def _name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}:{function.__name__}"


def _by_name() -> Callable[..., Any]:
    """Return a function that calls another by its name.

    It travels as code, since it is none that can be imported: a scheduler reads what it passes on,
    and has no mlo.
    """

    def call(name: str, *arguments: Any) -> Any:
        from importlib import import_module

        module, _, function = name.partition(":")
        return getattr(import_module(module), function)(*arguments)

    return call


def _random_name() -> str:
    import os

    return os.urandom(6).hex()


def _taken(queue: "SimpleQueue[tuple[int, Event]]", wait_s: float) -> list[tuple[int, Event]]:
    """Return all there is, after waiting for the first."""
    found = []
    with suppress(Empty):
        found.append(queue.get(timeout=wait_s) if wait_s > 0 else queue.get_nowait())
        while True:
            found.append(queue.get_nowait())
    return found


def _end(key: str, future: Any) -> Event:
    """Return how a task has ended."""
    from distributed import KilledWorker

    if future.status == "cancelled":
        return Event("dropped", key)
    if future.status == "finished":
        answer, problem = future.result()
        return Event("done", key, answer) if problem is None else Event("failed", key, problem)
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Event("lost", key, "each worker that worked on it died")
    if isinstance(error, ModuleNotFoundError):
        return Event("failed", key, f"a worker has no {error.name}; install mlo there too")
    # what a task itself raises is in its answer: this is the cluster's, and worth another try
    return Event("lost", key, said(error or RuntimeError(future.status)))


# --- on a worker ------------------------------------------------------------------------------

_asked: set[str] = set()
_places: set[int] = set()
_guard = threading.Lock()


def _ask_to_stop(name: str) -> None:
    _asked.add(name)


def _do(
    work: str, payload: Mapping[str, Any], topic: str, key: str, name: str
) -> tuple[Any | None, str | None]:
    """Do a task in a thread of a worker; return its answer, or what went wrong."""
    module, _, function = work.partition(":")
    does: Work = getattr(import_module(module), function)
    with _guard:
        place = next(number for number in range(len(_places) + 1) if number not in _places)
        _places.add(place)
    try:
        return does(payload, place, _TopicLine(topic, key, name)), None
    except Exception as error:  # noqa: BLE001  whatever it is, only this task fails
        return None, said(error)
    finally:
        with _guard:
            _places.discard(place)
            _asked.discard(name)


class _TopicLine:
    """A line by the cluster's own events."""

    def __init__(self, topic: str, key: str, name: str) -> None:
        from distributed import get_worker

        self._worker = get_worker()
        self._topic = topic
        self._key = key
        self._name = name

    def report(self, message: Mapping[str, Any]) -> None:
        """Log an event, which the scheduler passes on."""
        self._worker.log_event(self._topic, {"key": self._key, "message": dict(message)})

    def stopped(self) -> bool:
        """Return whether we were asked to, or neither client nor scheduler waits any more."""
        task = self._worker.state.tasks.get(self._name)
        wanted = task is not None and task.state in ("executing", "long-running")
        return not wanted or self._name in _asked or self._worker.status.name != "running"
