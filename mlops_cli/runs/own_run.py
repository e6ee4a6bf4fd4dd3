"""Runs that training code opens itself: the one of a script, and those within it."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import INTERRUPTED, MloError
from mlops_cli.runs import code, environment, together
from mlops_cli.runs import sink as sinks
from mlops_cli.runs.begin import begin as begin_run
from mlops_cli.runs.begin import surroundings
from mlops_cli.runs.finish import finish, note_end
from mlops_cli.runs.head import End
from mlops_cli.runs.metrics import merge, not_finite
from mlops_cli.runs.open_run import OpenRun
from mlops_cli.runs.record import Number, Status
from mlops_cli.runs.sink import Sink

_SAME_S = 1.0
_REAP = (
    "import sys; from pathlib import Path; from mlops_cli.core.repository import open_repository; "
    "from mlops_cli.runs.finish import reap; reap(open_repository(Path(sys.argv[1])))"
)


class _Ground(threading.local):
    """What this thread's last run stood on, for another one at once after it."""

    repo: Repository | None = None
    state: code.State | None = None
    ran_in: tuple[Mapping[str, str], Mapping[str, Any]] | None = None
    """The variables that decide, and what they came to."""
    place: tuple[int, str | None, str] | None = None
    until: float = 0.0


_ground = _Ground()


def ground() -> Repository | None:
    """Return the project that the code works in; None where there is none, which is said once.

    Within a second it is the same object, and so is the state of its code: many short runs in a
    row ask git and the settings once a second.
    """
    place = (os.getpid(), os.environ.get(sinks.ROOT), os.getcwd())
    if _ground.repo is None or _ground.place != place or time.monotonic() > _ground.until:
        _ground.repo, _ground.state, _ground.ran_in = sinks.repository(), None, None
        _ground.place, _ground.until = place, time.monotonic() + _SAME_S
    return _ground.repo


def _state(repo: Repository) -> code.State:
    if repo is not _ground.repo:
        return code.state(repo)
    if _ground.state is None:
        _ground.state = code.state(repo)
    return _ground.state


def _ran_in(repo: Repository, environ: Mapping[str, str]) -> Mapping[str, Any]:
    if repo is not _ground.repo:
        return surroundings(repo, environ)
    deciding = environment.deciding(environ, repo.settings.tracking.env)
    if _ground.ran_in is None or _ground.ran_in[0] != deciding:
        _ground.ran_in = deciding, surroundings(repo, environ)
    return _ground.ran_in[1]


def begin(
    repo: Repository,
    *,
    params: Mapping[str, Any] | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> OpenRun:
    """Open a run of the program that this is, led by this process."""
    try:
        together.see_to(repo)
    except (MloError, OSError) as error:
        sinks.warn_once(f"mlo could not record earlier runs yet: {error}")
    given = repo.settings.params if params is None else params
    return begin_run(
        repo,
        tuple(sys.orig_argv),
        params=given,
        environ=environ,
        name=name,
        tags=tags,
        note=note,
        folder=Path.cwd(),
        state=_state(repo),
        ran_in=_ran_in(repo, environ),
        with_folder=False,
    )


def end_with_script(run: OpenRun, root: Path) -> None:
    """Have a run recorded as this process ends, the way it ended."""
    leader = os.getpid()
    failure: list[str] = []
    before = sys.excepthook

    def note(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        failure.append("interrupted" if kind is KeyboardInterrupt else f"{kind.__name__}: {error}")
        before(kind, error, trace)

    def end() -> None:
        if os.getpid() != leader:
            return
        try:
            repo = open_repository(root)
            if not failure:
                done = finish(repo, run, status="done", exit_code=0)
            elif failure[0] == "interrupted":
                done = finish(
                    repo, run, status="interrupted", exit_code=INTERRUPTED, error=failure[0]
                )
            else:
                done = finish(repo, run, status="failed", exit_code=1, error=failure[0])
            _tell(done.name, done.status, done.seconds, done.metrics)
        except RuntimeError as error:
            _record_elsewhere(run, root, error)
        except (MloError, OSError) as error:
            sinks.warn_once(f"mlo could not record this run yet: {error}")

    sys.excepthook = note
    atexit.register(end)


def _tell(name: str, status: Status, seconds: float, metrics: Mapping[str, Number]) -> None:
    """Say which run it was that nobody named, unless `MLO_QUIET` asks for silence."""
    if os.environ.get("MLO_QUIET"):
        return
    wrong = not_finite(metrics)
    more = f"; a metric is no finite number: {wrong}" if wrong else ""
    with suppress(AttributeError, OSError, ValueError):  # it may be closed by now, or be none
        sys.stderr.write(f"mlo: run {name} {status} in {seconds:.1f} s{more}\n")


def _record_elsewhere(run: OpenRun, root: Path, error: RuntimeError) -> None:
    """Have another process record a run that Python, on its way out, starts no threads for.

    Where it starts no process either, the next command does it.
    """
    import subprocess

    run.release()
    words = (sys.executable, "-c", _REAP, str(root))
    try:
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    except (OSError, RuntimeError, subprocess.SubprocessError):
        sinks.warn_once(f"mlo could not record this run yet: {error}")


class Inner:
    """A run that code has opened: for a `with` block, or until its `end` is called.

    What the thread that opened it logs goes to it; opened in the main thread, so does what other
    threads and processes started meanwhile log.
    """

    def __init__(self, repo: Repository, run: OpenRun) -> None:
        self._repo = repo
        self._run = run
        self._sink = Sink(run.folder, repo.root)
        self._sink.sample = run.sample_self()
        self._leader = os.getpid()
        self._main = threading.current_thread() is threading.main_thread()
        self._open = True
        if self._main:
            self._variables = sinks.enter(repo, run)
            self._before = sinks.swap(self._sink)
            sinks.tell_workers(run.folder, repo.root)
        else:
            sinks.in_thread(self._sink)
        atexit.register(self.end)

    @property
    def key(self) -> str:
        """The key of the run."""
        return self._run.head.key

    @property
    def name(self) -> str:
        """The name of the run."""
        return self._run.head.name

    def end(self, status: Status = "done", error: str | None = None) -> None:
        """End the run; a second call does nothing, nor does a fork of the process.

        It is recorded with others that end about now; see `together`.
        """
        if not self._open or os.getpid() != self._leader:
            return
        self._open = False
        atexit.unregister(self.end)
        if self._main:
            sinks.leave(self._variables)
            sinks.swap(self._before)
            if self._before is None:
                sinks.untell_workers()
            else:
                sinks.tell_workers(self._before.folder, self._before.root)
        else:
            sinks.in_thread(None)
        self._sink.close()
        code = {"done": 0, "interrupted": INTERRUPTED}.get(status, 1)
        run = self._run
        try:
            known = note_end(run, End(status, code, error))
            told = merge(run.logged().last)
            together.end(self._repo, run)
        except (MloError, OSError, RuntimeError) as problem:
            sinks.warn_once(f"mlo could not record this run yet: {problem}")
            return
        if run.head.parent is None:
            _tell(run.head.name, status, (known.ended_ns - run.head.started_ns) / 1e9, told)

    def __enter__(self) -> "Inner":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None or (isinstance(error, SystemExit) and not error.code):
            self.end()
        elif issubclass(kind, KeyboardInterrupt):
            self.end("interrupted", "interrupted")
        else:
            self.end("failed", f"{kind.__name__}: {error}")


class Nothing:
    """What stands for a run where nothing can be recorded, which was said."""

    key = ""
    name = ""

    def end(self, status: Status = "done", error: str | None = None) -> None:
        """Do nothing."""

    def __enter__(self) -> "Nothing":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None
