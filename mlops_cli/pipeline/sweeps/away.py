"""A worker's side of a sweep on a cluster: a project made from the remote, in a folder of its own.

The folder is kept while the process lives, so that only the first trial pays for it; it holds a
store, git with the one commit that is needed, and a work tree for each trial at work at once.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mlops_cli import __version__
from mlops_cli.core import git, git_shallow
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.engines.engine import Line
from mlops_cli.pipeline.sweeps.conduct import Order, trial
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote, remote_at
from mlops_cli.runs import record
from mlops_cli.runs.record import Run
from mlops_cli.runs.worktree import worktree

_PREFIX = "mlo-sweep-"
_ALIVE = "alive"


def there(payload: Mapping[str, Any], place: int, line: Line) -> dict[str, Any]:
    """Do a trial on a machine that has nothing of the project; push what it made."""
    if payload["mlo"] != __version__:
        raise RequestError(f"a worker has mlo {__version__}, and the sweep needs {payload['mlo']}")
    with _site(payload) as site:
        repo = site.room(place)
        answer = trial(repo, Order(**payload["order"]), line, bring=site.bring)
        if answer.oid is not None:
            site.send(Run.read(repo, ObjectId(answer.oid)))
    return answer.plain()


def look(remote: Remote) -> None:
    """Bring up to date what is known of a remote."""
    remote.catalogue.refresh(remote.transport, remote.read().state.packs)


def said_by(run: Run) -> list[ObjectId]:
    """Return the objects that a run's record is told with: environment, log, history, code."""
    named = (run.environment, run.log, run.history, run.code.bundle)
    return [oid for oid in named if oid is not None]


class _Site:
    """The project of one sweep on this machine, for this process."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.users = 0
        self._told = told
        self._guard = threading.Lock()
        self._stack = ExitStack()
        self._rooms: dict[int, Repository] = {}
        folder = self._stack.enter_context(_own_folder())
        top = folder / "project"
        self._base = create(top / told["prefix"])
        self._remote = remote_at(self._base, "sweep", told["remote"])
        self._remote.readers = {Kind.RUN: lambda _, data: record.decode(data)}
        try:
            self.bring([told["code"], *told["data"]])
            git_shallow.lay_out(top, told["commit"], self._base.objects.get(told["code"]))
            for name, value in told["who"].items():
                git.run(top, "config", f"user.{name}", value, literal=False)
        except BaseException:
            self._stack.close()
            raise

    def room(self, place: int) -> Repository:
        """Return the work tree of a place, which one trial at a time uses."""
        with self._guard:
            if place not in self._rooms:
                aside = worktree(self._base, self._told["commit"])
                repo = self._stack.enter_context(aside)
                if self._told["lock"]:
                    repo.layout.lockfile.write_text(self._told["lock"])
                self._rooms[place] = repo
            return self._rooms[place]

    def bring(self, oids: Sequence[ObjectId]) -> None:
        """Bring content from the remote."""
        with self._guard:
            look(self._remote)
            fetch.content(self._base, self._remote, oids)

    def send(self, run: Run) -> None:
        """Push a run's record with all that it names."""
        outputs = [out.oid for out in run.outputs if self._base.objects.has(out.oid)]
        with self._guard:
            push(self._base, self._remote, only=[run.id, *said_by(run), *outputs])

    def close(self) -> None:
        """Remove it all."""
        self._stack.close()


_sites: dict[str, _Site] = {}
_sites_guard = threading.Lock()


@contextmanager
def _site(told: Mapping[str, Any]) -> Iterator[_Site]:
    """Give the project of a sweep for a `with` block; those that nobody uses any more go."""
    key = told["sweep"]
    with _sites_guard:
        if key not in _sites:
            for idle in [one for one, site in _sites.items() if not site.users]:
                _sites.pop(idle).close()
            _sites[key] = _Site(told)
        site = _sites[key]
        site.users += 1
    try:
        yield site
    finally:
        with _sites_guard:
            site.users -= 1


@atexit.register
def _close_all() -> None:
    while _sites:
        _sites.popitem()[1].close()


@contextmanager
def _own_folder() -> Iterator[Path]:
    """Give a folder that goes away at the end; those of processes that were killed go first."""
    parent = Path(tempfile.gettempdir())
    for other in parent.glob(f"{_PREFIX}*"):
        _remove_if_left(other)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    handle = os.open(folder / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove_if_left(folder: Path) -> None:
    try:
        handle = os.open(folder / _ALIVE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return  # another's, or not ready yet
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)
