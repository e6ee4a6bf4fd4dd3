"""A run that has not ended: a folder under `.mlo/open/` that its parts are written to.

Everything that the record needs is on disk from the start, so that whoever comes next can record
a run whose process was killed. The process that leads a run holds a kernel lock on it; a run
whose lock is free has lost its leader.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import journal
from mlops_cli.core.files import outside, remove_folder, write_whole
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import StateError
from mlops_cli.runs.metrics import Logged
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
LOG, BUNDLE, _HEAD, _GIVEN = "log", "bundle", "run.json", "params.json"
_NO_PARAMS = "no-params.json"
"""In `.mlo/`, for all runs without any: a file less for each."""
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
        self,
        folder: Path,
        head: Head,
        size: int,
        lock: int | None,
        *,
        tracking: "Tracking | None" = None,
    ) -> None:
        """`size` is that of the line with the head, after which comes how the run ended.

        `tracking` says what its leader notes of the machine while it goes on; None: nothing.
        """
        self.folder = folder
        self.head = head
        self._size = size
        self._lock = lock
        self._tracking = tracking
        self._sampler: Sampler | OwnSampler | None = None
        self._logged = Logged(f"{folder}/{METRICS}")
        self._end: End | None = None

    @property
    def log(self) -> Path:
        """The file that all output goes to."""
        return self.folder / LOG

    @property
    def _given(self) -> str:
        """The file of the run's parameters."""
        own = f"{self.folder}/{_GIVEN}"
        return own if os.path.exists(own) else f"{self.folder.parent.parent}/{_NO_PARAMS}"

    @property
    def bundle(self) -> Path:
        """The git bundle of the code; not there when it is that of a commit."""
        return self.folder / BUNDLE

    @property
    def files(self) -> Path:
        """The folder that the code writes to what it keeps in the record itself."""
        return self.folder / "files"

    def variables(self, root: Path, step: str | None = None) -> dict[str, str]:
        """Return the variables that tell a child process of this run."""
        return {
            FOLDER_VARIABLE: str(self.folder),
            PARAMS_VARIABLE: self._given,
            ROOT_VARIABLE: str(root),
            PARENT_VARIABLE: self.head.key,
            STEP_VARIABLE: step or "",
        }

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the records of one of the run's journals."""
        return list(journal.read(f"{self.folder}/{name}"))

    def note(self, name: str, record: Mapping[str, Any]) -> None:
        """Append a record to one of the run's journals."""
        journal.append(f"{self.folder}/{name}", dict(record))

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
        sampler = self._sampler = OwnSampler(f"{self.folder}/{SYSTEM}", _carbon(self._tracking))
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
            os.truncate(self._led(), self._size)
            os.pwrite(self._led(), data, self._size)
        except OSError as error:
            raise outside(error, self.folder / _HEAD) from error
        self._end = end

    def end(self) -> End | None:
        """Return what `note_end` put on disk; None when the run did not come to its end."""
        if self._end is None:
            try:
                lines = (self.folder / _HEAD).read_bytes()[self._size :].split(b"\n")
                self._end = End(**json.loads(lines[0]))
            except (FileNotFoundError, TypeError, ValueError):
                return None
        return self._end

    def note_recording(self) -> bool:
        """Note that the run is being recorded; return whether somebody began to before.

        Whoever comes after one that was killed at it looks whether the record is there.
        """
        try:
            size = os.fstat(self._led()).st_size
            length = len(_RECORDING)
            begun = size > length and os.pread(self._led(), length, size - length) == _RECORDING
            if not begun:
                os.pwrite(self._led(), _RECORDING, size)
        except OSError as error:
            raise outside(error, self.folder / _HEAD) from error
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
        gone = f"{self.folder.parent}/.gone-{self.head.key}"
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


def create(
    open_runs: Path,
    head: Head,
    *,
    params: Mapping[str, Any],
    bundle: bytes,
    tracking: "Tracking | None",
) -> OpenRun:
    """Make the folder of a run, whole or not at all, led by this process.

    Raises:
        ExternalError: the disk refuses.
    """
    folder, unborn = open_runs / head.key, f"{open_runs}/.new-{head.key}"
    line = _written(head)
    lock = -1
    try:
        os.makedirs(unborn)
        lock = _new_lock(f"{unborn}/{_HEAD}")
        os.write(lock, line)
        if bundle:
            _write(f"{unborn}/{BUNDLE}", bundle)
        if params:
            _write(f"{unborn}/{_GIVEN}", json.dumps(params).encode())
        elif not os.path.exists(f"{open_runs.parent}/{_NO_PARAMS}"):
            write_whole(open_runs.parent / _NO_PARAMS, b"{}", durable=False)
        os.rename(unborn, folder)
    except OSError as error:
        if lock >= 0:
            os.close(lock)
        raise outside(error, folder) from error
    return OpenRun(folder, head, len(line), lock, tracking=tracking)


def each(repo: Repository) -> Iterator[OpenRun]:
    """Yield the runs that have not ended, led by others or by nobody."""
    for folder in _folders(repo):
        head, size = _read_head(folder)
        if head is not None:
            yield OpenRun(folder, head, size, None)


def orphans(repo: Repository) -> Iterator[OpenRun]:
    """Yield each run that has lost its leader, and lead it."""
    for folder in _folders(repo):
        lock = _take_lock(folder)
        if lock is None:
            continue
        head, size = _read_head(folder)
        if head is None:
            os.close(lock)
        else:
            yield OpenRun(folder, head, size, lock)


def _folders(repo: Repository) -> list[Path]:
    try:
        names = sorted(os.listdir(repo.layout.open_runs))
    except FileNotFoundError:
        return []
    return [repo.layout.open_runs / name for name in names if not name.startswith(".")]


def _new_lock(path: str) -> int:
    """Make a file, and return a descriptor of it that holds the lock on it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _take_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock on a run's folder; None when somebody has it."""
    path = f"{folder}/{_HEAD}"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(path)):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _write(path: str, data: bytes) -> None:
    with open(path, "wb", buffering=0) as file:
        file.write(data)


def _written(head: Head) -> bytes:
    """Return the line that holds what was known of a run when it began."""
    held = {name: getattr(head, name) for name in Head.__slots__ if name != "environment"}
    ran_in = _environment(head.environment)  # most of it
    return json.dumps(held).encode()[:-1] + b',"environment":' + ran_in + b"}\n"


_last_environment: tuple[Mapping[str, Any], bytes] = {}, b"{}"
"""Runs that are begun one after the other share it."""


def _environment(held: Mapping[str, Any]) -> bytes:
    global _last_environment
    last, data = _last_environment
    if held is not last:
        data = json.dumps(held).encode()
        _last_environment = held, data
    return data


def _read_head(folder: Path) -> tuple[Head | None, int]:
    """Return what was known when a run began, None for a folder of another kind; and its size."""
    try:
        line = (folder / _HEAD).read_bytes().partition(b"\n")[0]
        held = json.loads(line)
        if isinstance(held["command"], list):
            held["command"] = tuple(held["command"])
        return Head(**{**held, "tags": tuple(held["tags"])}), len(line) + 1
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None, 0
