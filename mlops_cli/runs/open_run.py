"""A run that has not ended: a folder under `.mlo/open/` that its parts are written to.

Everything that the record needs is on disk from the start, so that whoever comes next can record
a run whose process was killed. The process that leads a run holds a kernel lock on it; a run
whose lock is free has lost its leader.
"""

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import journal
from mlops_cli.core.clock import now
from mlops_cli.core.files import outside, remove_folder
from mlops_cli.core.layout import Layout
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import StateError
from mlops_cli.runs import code, environment, secrets
from mlops_cli.runs.metrics import Logged
from mlops_cli.runs.names import check_name, check_tag, name_of
from mlops_cli.runs.params import flatten
from mlops_cli.runs.record import Status, StepRun, plain_step, read_step

if TYPE_CHECKING:
    from mlops_cli.core.config_tracking import Tracking
    from mlops_cli.runs.carbon import Carbon
    from mlops_cli.runs.sampler import OwnSampler, Sampler

FOLDER_VARIABLE = "MLO_RUN_DIR"
PARAMS_VARIABLE = "MLO_PARAMS"
ROOT_VARIABLE = "MLO_ROOT"
STEP_VARIABLE = "MLO_STEP"
PARENT_VARIABLE = "MLO_PARENT"
"""The key of the run that a run begun in this environment is a part of."""

METRICS, PARAMS, ARTIFACTS, STEPS, CHILDREN, SYSTEM, MARKS = (
    f"{name}.jsonl"
    for name in ("metrics", "params", "artifacts", "steps", "children", "system", "marks")
)
_HEAD, _ALIVE, _LOG, _BUNDLE, _GIVEN = "run.json", "alive", "log", "bundle", "params.json"
_RECORDING = b"\nrecording\n"
"""What the file with the lock ends in once somebody has begun to record the run."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was known of a run when it began; see `record.Run`."""

    key: str
    name: str
    command: str | tuple[str, ...]
    started: str
    started_ns: int
    pid: int
    who: Mapping[str, str]
    host: str
    code: Mapping[str, Any]
    """Of `record.Code` all but the bundle, which is in a file of its own."""
    params: Mapping[str, Any]
    environment: Mapping[str, Any]
    parent: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    engine: str | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended.

    Attributes:
        taken: what is known of its use of the machine, beside the samples.
    """

    status: Status
    exit_code: int | None
    error: str | None = None
    ended_ns: int = 0
    taken: Mapping[str, float] = field(default_factory=dict)


class OpenRun:
    """The folder of one run, and the lock on it when this process leads the run."""

    def __init__(
        self, folder: Path, head: Head, lock: int | None, *, tracking: "Tracking | None" = None
    ) -> None:
        """`tracking` says what its leader notes of the machine while it goes on; None: nothing."""
        self.folder = folder
        self.head = head
        self._lock = lock
        self._tracking = tracking
        self._sampler: Sampler | OwnSampler | None = None
        self._logged = Logged(folder / METRICS)
        self._end: End | None = None

    @property
    def log(self) -> Path:
        """The file that all output goes to."""
        return self.folder / _LOG

    @property
    def bundle(self) -> Path:
        """The git bundle of the code; not there when it is that of a commit."""
        return self.folder / _BUNDLE

    @property
    def files(self) -> Path:
        """The folder that the code writes to what it keeps in the record itself."""
        return self.folder / "files"

    def variables(self, root: Path, step: str | None = None) -> dict[str, str]:
        """Return the variables that tell a child process of this run."""
        return {
            FOLDER_VARIABLE: str(self.folder),
            PARAMS_VARIABLE: str(self.folder / _GIVEN),
            ROOT_VARIABLE: str(root),
            PARENT_VARIABLE: self.head.key,
            STEP_VARIABLE: step or "",
        }

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the records of one of the run's journals."""
        return list(journal.read(self.folder / name))

    def note(self, name: str, record: Mapping[str, Any]) -> None:
        """Append a record to one of the run's journals."""
        journal.append(self.folder / name, dict(record))

    def note_child(self, pid: int, outs: Sequence[str]) -> None:
        """Note the process group that works for this run now, and where it writes."""
        from mlops_cli.runs.stopping import birth

        self.note(CHILDREN, {"pid": pid, "birth": birth(pid), "outs": list(outs)})
        if self._tracking is not None and self._tracking.system:
            self._sample(pid, self._tracking)

    def _sample(self, group: int, tracking: "Tracking") -> None:
        from mlops_cli.runs.sampler import Sampler

        if self._sampler is None:
            self._sampler = Sampler(self.folder / SYSTEM, _carbon(tracking))
        if isinstance(self._sampler, Sampler):
            self._sampler.add(group)

    def sample_self(self) -> Callable[[], None]:
        """Return what to call now and then for this process to be sampled."""
        from mlops_cli.runs.sampler import OwnSampler

        if self._tracking is None or not self._tracking.system:
            return lambda: None
        sampler = self._sampler = OwnSampler(self.folder / SYSTEM, _carbon(self._tracking))
        return sampler.look

    def stop_sampling(self) -> dict[str, float]:
        """Return what is known of all that the run took, beside the samples."""
        sampler, self._sampler = self._sampler, None
        return {} if sampler is None else sampler.stop()

    def logged(self) -> Logged:
        """Return what the code has logged of metrics so far; only what is new is read."""
        self._logged.read()
        return self._logged

    def note_step(self, step: StepRun, inputs: Iterable[Mapping[str, Any]]) -> None:
        """Note what became of a step; its outputs must be in the store."""
        self.note(STEPS, {**plain_step(step), "inputs": list(inputs)})

    def steps(self) -> list[tuple[StepRun, list[dict[str, Any]]]]:
        """Return the steps so far, each with the inputs that no step made."""
        return [(read_step(line), line["inputs"]) for line in self.lines(STEPS)]

    def note_end(self, end: End) -> None:
        """Put on disk how the run ended, for whoever records it.

        Raises:
            ExternalError: the disk refuses, or the folder was removed while the run went on.
        """
        held = {name: getattr(end, name) for name in End.__slots__}
        try:
            data = json.dumps(held).encode() + b"\n"
            os.truncate(self._led(), 0)
            os.pwrite(self._led(), data, 0)
        except OSError as error:
            raise outside(error, self.folder / _ALIVE) from error
        self._end = end

    def end(self) -> End | None:
        """Return what `note_end` put on disk; None when the run did not come to its end."""
        if self._end is None:
            try:
                self._end = End(**json.loads((self.folder / _ALIVE).read_bytes().split(b"\n")[0]))
            except (FileNotFoundError, TypeError, ValueError):
                return None
        return self._end

    def note_recording(self) -> bool:
        """Note that the run is being recorded; return whether somebody began to before.

        Whoever comes after one that was killed at it looks whether the record is there.
        """
        try:
            size = os.fstat(self._led()).st_size
            begun = os.pread(self._led(), size, 0).endswith(_RECORDING)
            if not begun:
                os.pwrite(self._led(), _RECORDING, size)
        except OSError as error:
            raise outside(error, self.folder / _ALIVE) from error
        return begun

    def _led(self) -> int:
        """Return the open file whose lock this process holds as the leader of the run."""
        if self._lock is None:
            raise StateError(f"run {self.head.name} is led by somebody else")
        return self._lock

    def lead(self) -> bool:
        """Lead a run that was let go of; return whether nobody else does or did."""
        self._lock = _take_lock(self.folder)
        return self._lock is not None

    def stop_orphans(self) -> None:
        """Stop what its children left running; only when the run has lost its leader."""
        from mlops_cli.runs.stopping import birth, stop_group, stop_started_with

        for line in self.lines(CHILDREN):
            if line["birth"] is not None and birth(line["pid"]) == line["birth"]:
                stop_group(line["pid"])
        stop_started_with(f"{FOLDER_VARIABLE}={self.folder}")

    def close(self) -> None:
        """Remove the folder, and let go of the run."""
        self.stop_sampling()
        gone = self.folder.with_name(f".gone-{self.head.key}")
        os.rename(self.folder, gone)
        remove_folder(gone)
        self.release()

    def release(self) -> None:
        """Let go of the run; its folder stays for whoever leads it next."""
        self.stop_sampling()
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)  # closed alone, forks of this process keep it
            os.close(self._lock)
            self._lock = None


def _carbon(tracking: "Tracking") -> "Carbon | None":
    if not tracking.carbon:
        return None
    from mlops_cli.runs.carbon import Carbon

    return Carbon(tracking.country)


def begin(
    repo: Repository,
    command: str | tuple[str, ...],
    *,
    params: Mapping[str, Any],
    environ: Mapping[str, str],
    name: str | None = None,
    parent: str | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
    engine: str | None = None,
    folder: Path | None = None,
    state: code.State | None = None,
    ran_in: Mapping[str, Any] | None = None,
) -> OpenRun:
    """Open a run of `command` with nested `params`, led by this process.

    A `name` takes the place of the two words that a run has else. Without a `parent`, a run that
    is begun in the environment of another of this store is part of that one. Who begins many
    runs of one code in one environment gives its `state`, and what it is `ran_in` (see
    `surroundings`).

    Raises:
        RequestError: the name or a tag could be taken for something else, or the settings ask for
            what is not installed.
        ExternalError: the disk refuses.
    """
    if name is not None:
        check_name(name)
    for tag in tags:
        check_tag(tag)
    if repo.settings.tracking.carbon:
        from mlops_cli.runs import carbon

        carbon.require()
    state = state or code.ask(repo)()
    key = os.urandom(6).hex()
    head = replace(
        _head(
            repo,
            key,
            name or name_of(key),
            command,
            params,
            surroundings(repo, environ) if ran_in is None else ran_in,
            state,
        ),
        parent=parent or _around(repo, environ),
        tags=tuple(dict.fromkeys(secrets.masked_text(tag) for tag in tags)),
        note=None if note is None else secrets.masked_text(note),
        engine=engine,
        folder="" if folder is None else _within(repo.root, folder),
    )
    folder = repo.layout.open_runs / key
    unborn = folder.with_name(f".new-{key}")
    try:
        unborn.mkdir(parents=True)
        lock = _take_lock(unborn)
        if state.bundle:
            (unborn / _BUNDLE).write_bytes(state.bundle)
        (unborn / _GIVEN).write_text(json.dumps(params))
        (unborn / _HEAD).write_bytes(_written(head))
        os.rename(unborn, folder)
    except OSError as error:
        raise outside(error, folder) from error
    return OpenRun(folder, head, lock, tracking=repo.settings.tracking)


def _within(root: Path, folder: Path) -> str:
    """Return a folder of the project relative to it; empty for the project's own, or none of it."""
    if folder == root:
        return ""
    path = os.path.relpath(os.path.realpath(folder), os.path.realpath(root))
    return "" if path == "." or path.startswith("..") else path.replace(os.sep, "/")


def _around(repo: Repository, environ: Mapping[str, str]) -> str | None:
    """Return the key of the run that an environment is part of, if that is in the same store."""
    root = environ.get(ROOT_VARIABLE)
    if root is None or Layout(Path(root)).store != repo.layout.store:
        return None
    return environ.get(PARENT_VARIABLE)


def each(repo: Repository) -> Iterator[OpenRun]:
    """Yield the runs that have not ended, led by others or by nobody."""
    for folder in _folders(repo):
        head = _read_head(folder)
        if head is not None:
            yield OpenRun(folder, head, None)


def orphans(repo: Repository) -> Iterator[OpenRun]:
    """Yield each run that has lost its leader, and lead it."""
    for folder in _folders(repo):
        lock = _take_lock(folder)
        if lock is None:
            continue
        head = _read_head(folder)
        if head is None:
            os.close(lock)
        else:
            yield OpenRun(folder, head, lock)


def _folders(repo: Repository) -> list[Path]:
    try:
        names = sorted(os.listdir(repo.layout.open_runs))
    except FileNotFoundError:
        return []
    return [repo.layout.open_runs / name for name in names if not name.startswith(".")]


def _take_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock on a run's folder; None when somebody has it."""
    path = folder / _ALIVE
    create = os.O_CREAT if folder.name.startswith(".") else 0
    try:
        handle = os.open(path, os.O_RDWR | create | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(path)):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _head(
    repo: Repository,
    key: str,
    name: str,
    command: str | tuple[str, ...],
    params: Mapping[str, Any],
    ran_in: Mapping[str, Any],
    state: code.State,
) -> Head:
    import time

    who = repo.identity
    return Head(
        key=key,
        name=name,
        command=secrets.masked_command(command),
        started=now(),
        started_ns=time.time_ns(),
        pid=os.getpid(),
        who={"name": who.name, "email": who.email},
        host=os.uname().nodename,
        code={
            "commit": state.commit,
            "branch": state.branch,
            "dirty": state.dirty,
            "snapshot": state.snapshot,
            "left_out": dict(state.left_out),
            "problem": state.problem,
        },
        params=secrets.masked(flatten(params)),
        environment=ran_in,
    )


def surroundings(repo: Repository, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what a command runs in that is started with these variables."""
    return environment.collect(
        environ,
        environ.get("PATH", os.defpath),
        root=repo.root,
        chosen=repo.settings.tracking.env,
        cache=repo.layout.store / "packages",
    )


def _written(head: Head) -> bytes:
    """Return the file that holds what was known of a run when it began."""
    held = {name: getattr(head, name) for name in Head.__slots__ if name != "environment"}
    ran_in = _plain_json(head.environment)  # most of it
    return json.dumps(held).encode()[:-1] + b',"environment":' + ran_in + b"}"


def _plain_json(value: Mapping[str, Any]) -> bytes:
    """Return JSON; by orjson, ten times as quick, if it is there, for loading it takes 3 ms."""
    orjson = sys.modules.get("orjson")
    if orjson is not None:
        try:
            return bytes(orjson.dumps(value))
        except TypeError:  # a text that is not Unicode
            pass
    return json.dumps(value).encode()


def _read_head(folder: Path) -> Head | None:
    try:
        held = json.loads((folder / _HEAD).read_bytes())
        if isinstance(held["command"], list):
            held["command"] = tuple(held["command"])
        return Head(**{**held, "tags": tuple(held["tags"])})
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None
