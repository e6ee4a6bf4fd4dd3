"""Where the code of a run logs to: the journal of the run it is in, of one it opens, or nowhere.

Quick to import, as training code imports it. A worker process that was started before the script's
run began finds it by a note that is named in its environment.
"""

import atexit
import json
import math
import os
import sys
import threading
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import MloError, NotARepository, RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.runs.open_run import OpenRun

FOLDER, PARAMS, ROOT, STEP = "MLO_RUN_DIR", "MLO_PARAMS", "MLO_ROOT", "MLO_STEP"
_SCRIPT = "MLO_SCRIPT"
"""Names the script that a worker process belongs to."""
_OF_A_RUN = (FOLDER, PARAMS, ROOT, STEP, "MLO_PARENT")
_LINE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Sink:
    """Appends lines to the journal of one run."""

    def __init__(self, folder: Path, root: Path, *, step: str | None = None) -> None:
        self.folder = folder
        self.root = root
        self._journal = f"{folder}.jsonl"
        self._by = "" if step is None else f',"by":{_LINE(step)}'
        self._handle: int | None = None
        self._torn = False
        self._guard = threading.Lock()
        self.sample: Callable[[], None] | None = None

    def write(self, record: dict[str, Any]) -> None:
        """Append a record."""
        self.append(_LINE(record))

    def append(self, line: str) -> None:
        """Append a JSON object by one system call, so that lines of many writers never mix."""
        line = f"{line[:-1]}{self._by}}}\n"
        try:
            data = line.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a pair of surrogates, which is no text
            data = line.encode("utf-8", "replace")
        try:
            handle = self._handle
            if handle is None:
                handle = self._open()
            if self._torn:
                data = b"\n" + data
            self._torn = os.write(handle, data) < len(data)
            if self._torn:
                warn_once("mlo could not record: no space left on device")
        except OSError as error:
            warn_once(f"mlo could not record: {(error.strerror or str(error)).lower()}")
        if self.sample is not None:
            self.sample()

    def file(self, name: str) -> Path:
        """Return where a file of this name goes that is kept in the record itself.

        Raises:
            RequestError: the name is a path that leads elsewhere.
            OSError: the disk refuses, or the run was removed.
        """
        parts = name.split("/")
        if not name or "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise RequestError(
                f"'{name}' cannot name a file of the record", hint="use one like plots/roc.png"
            )
        os.stat(self._journal)
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _open(self) -> int:
        with self._guard:
            if self._handle is None:
                self._handle = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            return self._handle

    def close(self) -> None:
        """Let go of the journal; a line that comes later opens it again."""
        with self._guard:
            handle, self._handle = self._handle, None
            if handle is not None:
                os.close(handle)


_process: Sink | None = None
"""Where this process logs to."""
_here: ContextVar[Sink | None] = ContextVar("mlo_sink", default=None)
"""Where this thread does, when it opened a run of its own."""
_nowhere = False
"""Whether there is nothing to log to, which was said."""
_guard = threading.RLock()
_warned: set[str] = set()
_born = os.getpid()
_told = False
"""Whether workers were ever told of a run."""


class _Followed:
    """The run that the script of this worker process is in now, which may change while it works."""

    def __init__(self, note: Path) -> None:
        self._note = note
        self._seen: tuple[int, int] | None = None
        self._sink: Sink | None = None
        self._given = _given()

    def sink(self) -> Sink | None:
        """Return where the script logs to now; None while it has no run, which is said once."""
        try:
            found = os.stat(self._note)
            if (found.st_ino, found.st_mtime_ns) != self._seen:
                folder, _, root = os.fsdecode(self._note.read_bytes()).partition("\n")
                self._sink = Sink(Path(folder), Path(root))
                self._seen = found.st_ino, found.st_mtime_ns
        except OSError:
            self._sink, self._seen = self._given, None
        if self._sink is None:
            warn_once(
                "mlo records nothing in this worker process yet: the script has no run "
                "(log something before workers start, or start the script by mlo run)"
            )
        return self._sink


_followed: _Followed | None = None
"""In a worker process, the run of its script."""


def current() -> Sink | None:
    """Return where to log to; None outside of a project, which is said once."""
    here = _here.get()
    if here is not None:
        return here
    if _followed is not None:
        return _followed.sink()
    return _process or _find()


def opened() -> Sink | None:
    """Return where to log to if that is settled; opens no run."""
    if os.environ.get(FOLDER) or _process is not None or _here.get() is not None:
        return current()
    return None


def _find() -> Sink | None:
    global _process, _nowhere, _followed
    with _guard:
        if _process is None and not _nowhere:
            note = _note() if _is_worker() else None
            if note is not None:
                _followed = _Followed(note)
                return _followed.sink()
            _process = _given() or _begin()
            _nowhere = _process is None
        return _process


def _given() -> Sink | None:
    """Return the run that the environment names."""
    folder, root = os.environ.get(FOLDER), os.environ.get(ROOT)
    return (
        Sink(Path(folder), Path(root), step=os.environ.get(STEP) or None)
        if folder and root
        else None
    )


def _begin() -> Sink | None:
    """Open a run of this script's own, which ends with it."""
    from mlops_cli.runs import own_run

    repo = repository()
    if repo is None:
        return None
    try:
        run = own_run.begin(repo)
    except (MloError, OSError) as error:
        warn_once(f"mlo records nothing: {error}", about="beginning")
        return None
    enter(repo, run)
    tell_workers(run.folder, repo.root)
    own_run.end_with_script(run, repo.root)
    sink = Sink(run.folder, repo.root)
    sink.sample = run.sample_self()
    return sink


def repository() -> "Repository | None":
    """Return the project that the code works in; None where there is none, which is said once."""
    from mlops_cli.core.repository import open_repository

    try:
        return open_repository(Path(os.environ.get(ROOT) or Path.cwd()))
    except NotARepository:
        warn_once("mlo records nothing: this folder is in no project (make one: mlo init)")
    except (MloError, OSError) as error:
        warn_once(f"mlo records nothing: {error}")
    return None


def enter(repo: "Repository", run: "OpenRun") -> dict[str, str | None]:
    """Have processes that are started from now on log to a run; return what they had before."""
    before = {name: os.environ.get(name) for name in _OF_A_RUN}
    os.environ.pop(STEP, None)
    os.environ.update(run.variables(repo.root))
    return before


def leave(before: dict[str, str | None]) -> None:
    """Undo `enter`."""
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def swap(sink: Sink | None) -> Sink | None:
    """Log from this process to another run, and return the one before."""
    global _process
    with _guard:
        before, _process = _process, sink
        return before


def in_thread(sink: Sink | None) -> None:
    """Log from this thread only to another run; None undoes it."""
    _here.set(sink)


def name_script() -> None:
    """Give worker processes of this script something to find its run by, should it begin later."""
    if not _is_worker():
        os.environ[_SCRIPT] = f"{os.getpid()}-{os.urandom(6).hex()}"


def _is_worker() -> bool:
    """Return whether this process works for another: forked from it, or started by a pool."""
    if os.getpid() != _born:
        return True
    pools = sys.modules.get("multiprocessing.process")
    return pools is not None and pools.parent_process() is not None


def _has_workers() -> bool:
    """Return whether there may be processes that work for this one: forks, or pools' own."""
    return _forked or "multiprocessing.process" in sys.modules


def _note_fork() -> None:
    global _forked
    _forked = True


_forked = False
os.register_at_fork(after_in_parent=_note_fork)


def _note() -> Path | None:
    from mlops_cli.core import layout

    script = os.environ.get(_SCRIPT)
    if script is None:
        return None
    try:
        start = Path(os.environ.get(ROOT) or Path.cwd())
        return layout.find(start).open_runs / f".script-{script}"
    except NotARepository:
        return None


def tell_workers(folder: Path, root: Path) -> None:
    """Have workers of this script that are there already log to a run."""
    global _told
    note = _note() if _has_workers() else None
    if note is None:
        return
    _told = True
    try:
        if not note.exists():
            _forget_dead(note.parent)
            atexit.register(untell_workers, os.getpid())
        fresh = note.with_name(f"{note.name}.new")
        fresh.write_bytes(os.fsencode(f"{folder}\n{root}"))
        os.replace(fresh, note)
    except OSError as error:
        warn_once(f"mlo could not tell workers of this run: {error}")


def untell_workers(leader: int | None = None) -> None:
    """Undo `tell_workers`, unless this is a fork of the process `leader`."""
    note = _note() if _told and leader in (None, os.getpid()) else None
    if note is not None:
        note.unlink(missing_ok=True)


def _forget_dead(folder: Path) -> None:
    """Remove the notes of scripts that were killed."""
    for note in folder.glob(".script-*"):
        try:
            os.kill(int(note.name.split("-")[1]), 0)
        except (ProcessLookupError, ValueError):
            note.unlink(missing_ok=True)
        except PermissionError:
            continue


def number(name: str, value: Any) -> float | str:
    """Return a number as journals hold it: those that JSON has no form for are text.

    Raises:
        RequestError: it is none.
    """
    if isinstance(value, str):
        raise RequestError(f"the metric '{name}' is the text '{value[:40]}', not a number")
    if isinstance(value, int):
        return int(value)
    try:
        found = float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RequestError(f"the metric '{name}' is {kind(value)}, not a number") from error
    return found if math.isfinite(found) else repr(found)


def kind(value: Any) -> str:
    """Return what a value is, with its article.

    >>> kind(3), kind("x"), kind(None)
    ('an int', 'a text', 'None')
    """
    if value is None:
        return "None"
    word = "text" if isinstance(value, str) else type(value).__name__
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"


def warn_once(text: str, *, about: str | None = None) -> None:
    """Warn, and never again of the same: the same text, or whatever else it is `about`."""
    subject = about or text
    if subject not in _warned:
        _warned.add(subject)
        warnings.warn(text, RuntimeWarning, stacklevel=_user_level())


def _user_level() -> int:
    """Return how many calls above `warn_once` the user's own code is."""
    own = os.path.dirname(os.path.dirname(__file__)) + os.sep
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(own):
        frame = frame.f_back
        level += 1
    return level
