"""A run that has not ended: a journal under `.mlo/open/`, and a folder for what is no line of it.

Everything that the record needs is on disk from the start, so that whoever comes next can record
a run whose process was killed. The process that leads a run holds a kernel lock on the journal; a
run whose lock is free has lost its leader.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import journal
from mlops_cli.core.files import outside, remove_folder, write_whole
from mlops_cli.core.repository import Repository
from mlops_cli.errors import StateError
from mlops_cli.runs import head as heads
from mlops_cli.runs.head import END, End, Head, last_end
from mlops_cli.runs.metrics import Logged
from mlops_cli.runs.open_journal import SUFFIX, Journal, begin_journal, lead
from mlops_cli.runs.record import StepRun, plain_step, read_step

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

STEPS, CHILDREN, SYSTEM = "steps.jsonl", "children.jsonl", "system.jsonl"
LOG, BUNDLE, _GIVEN = "log", "bundle", "params.json"
_NO_PARAMS = "no-params.json"
"""In `.mlo/`, for all runs without any: a file less for each."""
_RECORDING = "recording"
_TAIL = 64 * 1024


class OpenRun:
    """The journal and the folder of one run, and the lock when this process leads the run."""

    def __init__(
        self,
        folder: Path,
        head: Head,
        size: int,
        lock: int | None,
        *,
        tracking: "Tracking | None" = None,
    ) -> None:
        """`size` is that of the journal's first line, which says the head.

        `tracking` says what its leader notes of the machine while it goes on; None: nothing.
        """
        self.folder = folder
        self.head = head
        self.journal = Journal(journal_of(folder), size)
        self._lock = lock
        self._tracking = tracking
        self._sampler: Sampler | OwnSampler | None = None

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
        """Return the records in one of the files of the run's folder."""
        return list(journal.read(f"{self.folder}/{name}"))

    def note(self, name: str, record: Mapping[str, Any]) -> None:
        """Append a record to one of the files of the run's folder."""
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
        self.journal.read()
        return self.journal.metrics

    def note_step(self, step: StepRun, inputs: Iterable[Mapping[str, Any]]) -> None:
        """Note what became of a step; its outputs must be in the store."""
        self.note(STEPS, {**plain_step(step), "inputs": list(inputs)})

    def steps(self) -> list[tuple[StepRun, list[dict[str, Any]]]]:
        """Return the steps so far, each with the inputs that no step made."""
        return [(read_step(line), line["inputs"]) for line in self.lines(STEPS)]

    def say(self, line: Mapping[str, Any]) -> None:
        """Append a line to the journal of a run that this process leads.

        Raises:
            ExternalError: the disk refuses.
        """
        try:
            journal.append_to(self._led(), line)
        except OSError as error:
            raise outside(error, self.journal.path) from error

    def note_end(self, end: End) -> None:
        """Put on disk how the run ended, for whoever records it.

        Raises:
            ExternalError: the disk refuses.
        """
        self.say({END: {name: getattr(end, name) for name in End.__slots__}})

    def end(self) -> End | None:
        """Return what `note_end` put on disk; None when the run did not come to its end."""
        self.journal.read()
        return last_end(self.journal.said)

    def seems_ended(self) -> bool:
        """Return whether the last lines of the journal say how the run ended."""
        return last_end(journal.tail(self.journal.path, _TAIL)) is not None

    def note_recording(self) -> bool:
        """Note that the run is being recorded; return whether somebody began to before.

        Whoever comes after one that was killed at it looks whether the record is there.
        """
        self.journal.read()
        begun = self.journal.says(_RECORDING)
        if not begun:
            self.say({_RECORDING: True})
        return begun

    def _led(self) -> int:
        """Return the open file whose lock this process holds as the leader of the run."""
        if self._lock is None:
            raise StateError(f"run {self.head.name} is led by somebody else")
        return self._lock

    def lead(self) -> bool:
        """Lead a run that was let go of; return whether nobody else does or did."""
        self._lock = lead(self.journal.path)
        return self._lock is not None

    def stop_orphans(self) -> None:
        """Stop what its children left running; only when the run has lost its leader."""
        from mlops_cli.runs.stopping import birth, stop_group, stop_started_with

        for line in self.lines(CHILDREN):
            if line["birth"] is not None and birth(line["pid"]) == line["birth"]:
                stop_group(line["pid"])
        stop_started_with(f"{FOLDER_VARIABLE}={self.folder}")

    def close(self) -> None:
        """Remove the run's folder, then its journal, and let go of it."""
        self.stop_sampling()
        _remove(self.folder)
        self.release()

    def release(self) -> None:
        """Let go of the run; all of it stays for whoever leads it next."""
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


def journal_of(folder: Path | str) -> str:
    """Return the path of a run's journal, which lies beside its folder."""
    return f"{folder}{SUFFIX}"


def create(
    open_runs: Path,
    head: Head,
    *,
    params: Mapping[str, Any],
    bundle: bytes,
    tracking: "Tracking | None",
    with_folder: bool = True,
) -> OpenRun:
    """Begin the journal of a run, whole or not at all, led by this process.

    Its folder is made where something is to be written there now, or `with_folder`.

    Raises:
        ExternalError: the disk refuses.
    """
    folder = f"{open_runs}/{head.key}"
    line = heads.written(head)
    lock = -1
    try:
        lock = begin_journal(journal_of(folder))
        if with_folder or bundle or params:
            os.mkdir(folder)
        if bundle:
            _write(f"{folder}/{BUNDLE}", bundle)
        if params:
            _write(f"{folder}/{_GIVEN}", json.dumps(params).encode())
        elif not os.path.exists(f"{open_runs.parent}/{_NO_PARAMS}"):
            write_whole(open_runs.parent / _NO_PARAMS, b"{}", durable=False)
        journal.write_line(lock, line)
    except OSError as error:
        if lock >= 0:
            with suppress(OSError):
                _remove(folder)
            os.close(lock)
        raise outside(error, folder) from error
    return OpenRun(Path(folder), head, len(line), lock, tracking=tracking)


def each(repo: Repository) -> Iterator[OpenRun]:
    """Yield the runs that have not ended, led by others or by nobody."""
    for folder in _folders(repo):
        try:
            with open(journal_of(folder), "rb") as file:
                head, size = heads.read(file)
        except OSError:
            continue
        if head is not None:
            yield OpenRun(folder, head, size, None)


def orphans(repo: Repository) -> Iterator[OpenRun]:
    """Yield each run that has lost its leader, and lead it; those that never began are removed."""
    for folder in _folders(repo):
        lock = lead(journal_of(folder))
        if lock is None:
            continue
        with open(lock, "rb", closefd=False) as file:
            head, size = heads.read(file)
        if head is not None:
            yield OpenRun(folder, head, size, lock)
            continue
        if not size:
            _remove(folder)
        os.close(lock)


def _folders(repo: Repository) -> list[Path]:
    """Return the folders of the runs with a journal, whether or not there is one."""
    try:
        names = sorted(os.listdir(repo.layout.open_runs))
    except FileNotFoundError:
        return []
    ends = len(SUFFIX)
    return [
        repo.layout.open_runs / name[:-ends]
        for name in names
        if name.endswith(SUFFIX) and not name.startswith(".")
    ]


def _remove(folder: Path | str) -> None:
    """Remove a run: the journal last, so that what a kill leaves is found again."""
    if os.path.exists(folder):
        remove_folder(folder)
    with suppress(FileNotFoundError):
        os.unlink(journal_of(folder))


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
