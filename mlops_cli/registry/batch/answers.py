"""What a model answered of the parts of a file, kept beside the output until that is whole.

Whoever goes on after a kill takes the parts that are done from here. Each is a file of its own,
which says its length and ends with a checksum: a torn or damaged one is done again.
"""

import fcntl
import json
import math
import os
import shutil
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.errors import RequestError, StateError

if TYPE_CHECKING:
    from mlops_cli.registry.batch.asking import Both

_JOB = "job.json"
_MAGIC = b"MLOA"
_LENGTH = struct.Struct("<I")
_CHECK_BYTES = 32


@dataclass(frozen=True, slots=True)
class Job:
    """What is being done: parts of another job are of no use to this one."""

    batch: str
    model: str
    version: ObjectId
    input: str
    input_id: ObjectId
    part_rows: int
    runtime: str = "auto"


class Kept:
    """The answers of one job, in a folder beside its output, which is locked meanwhile."""

    def __init__(self, folder: Path, handle: int, job: Job) -> None:
        self.job = job
        self.folder = folder
        self._handle = handle

    @classmethod
    def begin(cls, target: Path, job: Job, *, resume: bool) -> "Kept":
        """Return the answers that there are of `job`, with its batch id; none unless `resume`.

        Raises:
            StateError: another process is at it.
            RequestError: what was begun is another job.
            ExternalError: the disk refuses.
        """
        folder = beside(target)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise outside(error, target) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            before = _read_job(folder)
            if before is not None and resume:
                _check_same(before, job, target)
                return cls(folder, handle, before)
            for path in folder.iterdir():
                path.unlink()
            write_whole(folder / _JOB, orjson.dumps(asdict(job)))
        except BlockingIOError as error:
            os.close(handle)
            raise StateError(f"another mlo predict is writing '{target}'") from error
        except BaseException:
            os.close(handle)
            raise
        return cls(folder, handle, job)

    def keep(self, number: int, answers: "Both") -> None:
        """Keep what was answered of a part.

        Raises:
            ExternalError: the disk refuses.
        """
        keep(self.folder, number, answers)

    def find(self, number: int, rows: int) -> "Both | None":
        """Return what was answered of a part of so many rows, None if that is not known."""
        try:
            data = _file(self.folder, number).read_bytes()
        except FileNotFoundError:
            return None
        found = _decoded(data)
        return found if found is not None and len(found[0]) == rows else None

    def close(self, *, keep: bool) -> None:
        """End, and remove what was kept unless somebody is to go on with it."""
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._handle)


def beside(target: Path) -> Path:
    """Return the folder of the parts of an output."""
    return target.with_name(f".{target.name}.mlo-parts")


def keep(folder: Path, number: int, answers: "Both") -> None:
    """Keep what was answered of a part, in the folder of its job."""
    keep_coded(folder, number, coded(answers))


def keep_coded(folder: Path, number: int, data: bytes) -> None:
    """Keep a part as `coded` gave it."""
    write_whole(_file(folder, number), data, durable=False)


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}"


def _read_job(folder: Path) -> Job | None:
    try:
        return Job(**json.loads((folder / _JOB).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _check_same(before: Job, job: Job, target: Path) -> None:
    ways = {
        "by another version": before.version != job.version,
        "of another input": before.input_id != job.input_id,
        "in parts of another size": before.part_rows != job.part_rows,
        "by another runtime": before.runtime != job.runtime,
    }
    for how, differs in ways.items():
        if differs:
            raise RequestError(
                f"what was begun of '{target}' is {how}, so there is nothing to go on with",
                hint="leave out --resume to begin anew",
            )


def coded(answers: "Both") -> bytes:
    """Return what was answered of a part as the bytes of its file."""
    from blake3 import blake3

    labels, shares = answers
    plain = labels.dtype.kind in "biuf"
    texts = b"" if plain else json.dumps(labels.tolist(), default=str).encode()
    head = {
        "rows": len(labels),
        "labels": labels.dtype.newbyteorder("<").str if plain else len(texts),
        "form": labels.shape[1:],
        "shares": None if shares is None else shares.shape[1],
    }
    said = orjson.dumps(head)
    body = b"".join(
        [
            _MAGIC,
            _LENGTH.pack(len(said)),
            said,
            labels.astype(labels.dtype.newbyteorder("<")).tobytes() if plain else texts,
            b"" if shares is None else shares.astype("<f8").tobytes(),
        ]
    )
    return body + blake3(body).digest()


def _decoded(data: bytes) -> "Both | None":
    import numpy as np
    from blake3 import blake3

    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    if body[:4] != _MAGIC or blake3(body).digest() != check:
        return None
    (length,) = _LENGTH.unpack_from(body, 4)
    at = 8 + length
    head = orjson.loads(body[8:at])
    rows, kind = head["rows"], head["labels"]
    labels: np.ndarray[Any, Any]
    if isinstance(kind, str):
        form = (rows, *head.get("form", ()))
        labels = np.frombuffer(body, kind, math.prod(form), at).reshape(form)
        at += labels.nbytes
    else:
        labels = np.array(json.loads(body[at : at + kind]), dtype=object)
        at += kind
    if head["shares"] is None:
        return labels, None
    shares = np.frombuffer(body, "<f8", rows * head["shares"], at).reshape(rows, head["shares"])
    return labels, shares
