"""Predicting every row of a file, in parts, with a batch id that leads back to what answered."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.audit import chain
from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.ids import ObjectId, hash_threads
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.registry import rows as rows_of
from mlops_cli.registry.batch import reading
from mlops_cli.registry.batch.answering import Answering
from mlops_cli.registry.batch.answering import answering as answering_of
from mlops_cli.registry.batch.answers import Job, Kept
from mlops_cli.registry.batch.reading import Part
from mlops_cli.registry.batch.spread import Doer, Spread
from mlops_cli.registry.batch.writing import New, Output
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    from mlops_cli.registry.batch.asking import Both
    from mlops_cli.remotes.remote import Remote

PART_ROWS = 65_536
VERSION_COLUMN, BATCH_COLUMN, PREDICTION_COLUMN = "model_version", "batch_id", "prediction"
_WRITES = 2
"""So many parts may wait to be written."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was predicted. `id` stands in each row of the output, and `mlo trace` knows it.

    `resumed` are the rows that had been answered before a kill.
    """

    id: str
    model: str
    version: int
    version_id: str
    rows: int
    output: str
    resumed: int = 0


def predict(
    repo: Repository,
    version: Version,
    source: Path,
    target: Path,
    *,
    force: bool = False,
    resume: bool = False,
    runtime: str = "auto",
    doer: Doer | None = None,
    remote: "Remote | None" = None,
    progress: Progress = SILENT,
) -> Batch:
    """Write the rows of `source` to `target` with predictions, and return the batch.

    After the columns of the input come `prediction`, or `prediction_0` and so on of a model of
    several targets, `probability_CLASS` for each class of a classifier, `model_version` and
    `batch_id`. Values of the input stay as they are written.
    Memory is that of a few parts of up to 65,536 rows. `target` appears whole or not at all; the
    kinds of both files are told by their names. What was answered when the process is killed is
    kept beside `target`, and with `resume` it is not asked again. A `doer` asks in other
    processes; the order of rows is kept. If they are on machines that share no files with this
    one, they take the model from `remote`.

    Raises:
        RequestError: a file's kind is not known, `target` exists and not `force`, a column is
            missing, or the model refuses a value; the message names the rows.
        StateError: another process is writing `target` so.
        ExternalError: a file cannot be read or written.
    """
    _check(source, target, force=force)
    was = _stamp(source)
    batch = os.urandom(8).hex()
    job = Job(batch, version.model, version.id, str(source), _id_of(source), PART_ROWS, runtime)
    kept = Kept.begin(target, job, resume=resume)
    stays = False
    try:
        answering = answering_of(repo, version, runtime)
        work = _Work(version, kept, source, target, answering)
        if doer is not None:
            work.spread = Spread(doer, repo, version, runtime, kept.folder, remote)
        done = work.do(progress)
        if _stamp(source) != was:
            raise ExternalError(f"'{source}' was changed while it was read")
        _record(repo, version, kept.job, target, done.rows, written=work.beside)
        os.replace(work.beside, target)
        sync_folder(target.parent)
    except OSError as error:
        raise outside(error, target) from error
    except Exception:
        raise
    except BaseException:  # Ctrl-C and the like
        stays = True
        raise
    finally:
        kept.close(keep=stays)
    return done


class _Work:
    """One batch under way: parts are read, answered and written, each beside the others."""

    def __init__(
        self,
        version: Version,
        kept: Kept,
        source: Path,
        target: Path,
        answering: Answering,
    ) -> None:
        self.beside = kept.folder / f"output{target.suffix.lower()}"
        self._version = version
        self._kept = kept
        self._source = source
        self._target = target
        self._answering = answering
        self.spread: Spread | None = None
        self._known: dict[int, Both] = {}
        self._resumed = 0

    def do(self, progress: Progress) -> Batch:
        """Write all parts in order."""
        rows = 0
        self.beside.unlink(missing_ok=True)
        output = Output(
            self.beside,
            self._target,
            self._answering.signature,
            converts=_converts(self._source, self._target),
        )
        with progress.task(f"predicting {self._source.name}", None, "rows") as advance, output:
            for part in _beside(self._answered(), output):
                rows += part.rows
                advance(part.rows)
        version = self._version
        return Batch(
            self._kept.job.batch, version.model, version.number, version.id, rows,
            str(self._target), self._resumed,
        )  # fmt: skip

    def _answered(self) -> Iterator[tuple[Part, New]]:
        """Yield the parts in order with their new columns."""
        waiting: deque[tuple[int, Part]] = deque()
        for number, part in enumerate(self._parts()):
            self._begin(number, part)
            waiting.append((number, part))
            room = 1 if self.spread is None else self.spread.room()
            if len(waiting) >= room:
                yield self._end(*waiting.popleft())
        while waiting:
            yield self._end(*waiting.popleft())

    def _parts(self) -> Iterator[Part]:
        arrow = self._target.suffix.lower() == ".parquet"
        parts = reading.parts(
            self._source, self._answering.signature, most_rows=PART_ROWS, arrow=arrow
        )
        return _ahead(parts) if arrow else parts

    @property
    def _shares(self) -> list[str]:
        """The columns of probabilities."""
        return [f"probability_{label}" for label in self._answering.classes or ()]

    def _begin(self, number: int, part: Part) -> None:
        names = self._shares
        reading.check_double(part, [PREDICTION_COLUMN, *names, VERSION_COLUMN, BATCH_COLUMN])
        known = self._kept.find(number, part.rows)
        if known is not None:
            self._known[number] = known
            self._resumed += part.rows
        elif self.spread is not None and part.rows:
            self.spread.give(number, part)

    def _end(self, number: int, part: Part) -> tuple[Part, New]:
        found = self._known.pop(number, None)
        if found is None and self.spread is not None and part.rows:
            self.spread.wait(number)
            found = self._kept.find(number, part.rows)
            if found is None:
                raise ExternalError(f"the answers of part {number + 1} are not there")
        elif found is None:
            found = self._asked(part)
            self._kept.keep(number, found)
        new = self._new(found)
        if PREDICTION_COLUMN not in new:
            reading.check_double(part, list(new))
        return part, new

    def _asked(self, part: Part) -> "Both":
        """Return what the model says of a part; of none, nothing."""
        import numpy as np

        if not part.rows:
            reading.check_there(part, self._answering.signature)
            return np.empty(0), np.empty((0, len(self._shares)))
        try:
            return self._answering.ask(part.taken)
        except RequestError as error:
            span = f"rows {part.first + 1} to {part.first + part.rows}"
            raise RequestError(f"{error.message} ({span})", hint=error.hint) from error

    def _new(self, answers: "Both") -> dict[str, Any]:
        """Return the new columns of a part."""
        labels, shares = answers
        new: dict[str, Any] = {PREDICTION_COLUMN: labels}
        if labels.ndim > 1:  # a model of several targets
            flat = labels.reshape(len(labels), -1)
            new = {f"{PREDICTION_COLUMN}_{at}": flat[:, at] for at in range(flat.shape[1])}
        for place, name in enumerate(self._shares):
            new[name] = None if shares is None else shares[:, place]
        new[VERSION_COLUMN] = f"{self._version.model} v{self._version.number}"
        new[BATCH_COLUMN] = self._kept.job.batch
        return new


def _check(source: Path, target: Path, *, force: bool) -> None:
    for path in (source, target):
        rows_of.check_kind(path)
    if target.exists() and not force:
        raise RequestError(f"'{target}' exists already", hint="name another, or say --force")
    if target.exists() and source.exists() and target.samefile(source):
        raise RequestError("input and output are the same file", hint="name another output")
    if not target.parent.is_dir():
        raise RequestError(f"there is no folder '{target.parent}'", hint="mkdir -p it")


def _ahead(parts: Iterator[Part]) -> Iterator[Part]:
    """Yield parts of which the next is read, by Arrow and so beside the rest, meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        coming = pool.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = pool.submit(next, parts, None)
            yield part


def _beside(answered: Iterator[tuple[Part, New]], output: Output) -> Iterator[Part]:
    """Write parts beside the answering of the next, and yield each that is written."""
    with ThreadPoolExecutor(1, thread_name_prefix="write") as pool:
        writing: deque[tuple[Future[None], Part]] = deque()
        for part, new in answered:
            writing.append((pool.submit(output.write, part, new), part))
            while len(writing) > _WRITES:
                written, part_of = writing.popleft()
                written.result()
                yield part_of
        for written, part_of in writing:
            written.result()
            yield part_of


def _converts(source: Path, target: Path) -> bool:
    """Return whether the output has the model's columns by their kinds, not as they are written.

    So it is where the input knows only text and the output more, or the output needs one type.
    """
    before, after = source.suffix.lower(), target.suffix.lower()
    if before in rows_of.TEXT:
        return after not in rows_of.TEXT
    return after == ".parquet" != before


def _stamp(source: Path) -> tuple[int, int, int]:
    try:
        found = source.stat()
    except OSError:
        return 0, 0, 0  # reading it says what is wrong
    return found.st_ino, found.st_size, found.st_mtime_ns


def _record(
    repo: Repository, version: Version, job: Job, target: Path, rows: int, *, written: Path
) -> None:
    """Note a batch, whose output is not at its place yet: no row is ever without its record."""
    detail = {
        "model": version.model,
        "version": version.id,
        "rows": rows,
        "input": job.input,
        "input_id": job.input_id,
        "output": str(target),
        "output_id": _id_of(written),
    }
    chain.record(repo, "predict", job.batch, detail)


def _id_of(path: Path) -> ObjectId:
    from blake3 import blake3

    hasher = blake3(max_threads=hash_threads())
    try:
        hasher.update_mmap(path)
    except FileNotFoundError as error:
        raise RequestError(f"there is no file '{path}'") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{path}': {reason}") from error
    return ObjectId(hasher.hexdigest())
