"""A segment of the prediction log as bytes: frames in a row, of which the first is the head.

A frame is 60 bytes that say what follows, and a payload. Both have their own checksum. Whoever
reads goes from frame to frame, and after a damaged one the search goes on to the next whole one,
and says so. The seal behind the head says whether the segment was closed, and how long it was then:
one that is shorter is damaged. Where it is open a torn end is no error, since the writer was killed
there. A file without a whole head, or with a torn first frame and nothing else, is damaged unless
it is being written: a segment appears with its head, so somebody cut it.
`docs/design/format.md` specifies the bytes.
"""

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from mlops_cli.core.clock import moment
from mlops_cli.core.records import dataclass, field
from mlops_cli.data.predictions import seal as seals
from mlops_cli.data.predictions.seal import OPEN, SEAL_BYTES, Seal
from mlops_cli.errors import IntegrityError

FORMAT = 3
_UNSEALED = 2
"""The format before this one, without a seal; it is read, and no longer written."""
SUFFIX = ".seg"
ROLES = ("answer", "shadow", "canary", "ab")

_MAGIC = b"MLOP"
_HEAD, _ROWS = 0, 1
_FIELDS = struct.Struct("<4sBBHIIIQQqqI")
_CHECK = struct.Struct("<I")
FRAME_BYTES = _FIELDS.size + _CHECK.size
_MOST_BYTES = 1 << 30
"""No frame claims more; what does is damaged."""
_LEVEL = 1
_PACK_FROM = 256
_WORTH = 15 / 16
_SEARCH_BYTES = 1 << 20


class DamagedHead(IntegrityError):
    """What a segment begins with is damaged or not there: nothing in it can be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who answers: a model version, the names of its columns, and its classes if it has any.

    `role` says what became of its answers: the client had them (`answer`, `canary` from a
    version on trial, or `ab` in an experiment), or nobody (`shadow`).
    """

    model: str
    version: int
    version_id: str
    columns: tuple[str, ...]
    classes: tuple[Any, ...] | None = None
    role: str = "answer"


@dataclass(frozen=True, slots=True)
class Head:
    """What the first frame says of a segment.

    Attributes:
        source: who answers; its columns are those of the model.
        columns: those of them that are in the segment.
        hashed: those of them of which there are only salted hashes.
        sample: the share of requests that are kept, in 0..1.
        seed: what the checksums of the other frames begin with, so that no value from outside can
            pass for a frame; it also decides which requests are kept.
    """

    segment: str
    source: Source
    columns: tuple[str, ...]
    hashed: tuple[str, ...] = ()
    sample: float = 1.0
    started_us: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of rows: where it is, and which numbers and moments are in it, ends included."""

    offset: int
    packed: bool
    stored: int
    length: int
    rows: int
    first: int
    last: int
    oldest_us: int
    newest_us: int
    crc: int

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.offset + FRAME_BYTES + self.stored


@dataclass(slots=True)
class Tally:
    """What could not be read: damaged places, and rows known to have been there."""

    blocks: int = 0
    rows: int = 0
    files: dict[str, int] = field(default_factory=dict)

    def add(self, path: Path, rows: int = 0) -> None:
        """Count a damaged place."""
        self.blocks += 1
        self.rows += rows
        self.files[str(path)] = self.files.get(str(path), 0) + 1

    def __str__(self) -> str:
        """Return what to say of it, in one line."""
        places = "a damaged place" if self.blocks == 1 else f"{self.blocks} damaged places"
        rows = f", with {self.rows:,} predictions or more" if self.rows else ""
        first = next(iter(self.files), "")
        more = len(self.files) - 1
        others = f" and {more} more file{'' if more == 1 else 's'}" if more > 0 else ""
        return f"the prediction log has {places}{rows}, skipped: '{first}'{others}"


def head_frame(head: Head, seal: Seal | None = OPEN) -> bytes:
    """Return what a segment begins with: the first frame, and the seal if it is to have one."""
    source = head.source
    record = {
        "v": _UNSEALED if seal is None else FORMAT,
        "segment": head.segment,
        "model": source.model,
        "version": source.version,
        "version_id": source.version_id,
        "role": source.role,
        "columns": source.columns,
        "kept": head.columns,
        "hashed": head.hashed,
        "classes": source.classes,
        "sample": head.sample,
        "seed": head.seed,
        "started": moment(head.started_us * 1000),
        "started_us": head.started_us,
    }
    frame = _frame(orjson.dumps(record), kind=_HEAD, seed=0)
    return frame if seal is None else frame + seal.encoded(head.seed)


def rows_frame(
    payload: bytes, *, seed: int, rows: int, numbers: tuple[int, int], times: tuple[int, int]
) -> bytes:
    """Return a frame of rows; `numbers` and `times` are their first and last."""
    return _frame(payload, kind=_ROWS, seed=seed, rows=rows, numbers=numbers, times=times)


def _frame(
    payload: bytes,
    *,
    kind: int,
    seed: int,
    rows: int = 0,
    numbers: tuple[int, int] = (0, 0),
    times: tuple[int, int] = (0, 0),
) -> bytes:
    stored, packed = payload, False
    if len(payload) >= _PACK_FROM and kind == _ROWS:
        smaller = _zstd().compress(payload)
        if len(smaller) < len(payload) * _WORTH:
            stored, packed = smaller, True
    fields = _FIELDS.pack(
        _MAGIC, kind, packed, 0, len(stored), len(payload), rows, *numbers, *times,
        zlib.crc32(stored),
    )  # fmt: skip
    return fields + _CHECK.pack(zlib.crc32(fields, seed)) + stored


def _zstd() -> Any:
    import zstandard

    return zstandard.ZstdCompressor(level=_LEVEL)


class Segment:
    """A segment that is read; `Segment.opened` gives None while its head is being written."""

    def __init__(
        self, path: Path, handle: int, head: Head, first: int, *, sealed: bool = False
    ) -> None:
        """`first` is where the head ends, and the seal begins if it is `sealed`."""
        self.path = path
        self.head = head
        self.handle = handle
        self.first = first + SEAL_BYTES * sealed
        """Where the frames of rows begin."""
        self.seal = _seal(handle, first, head.seed) if sealed else None
        """What is known of its end; None in format 2, or where the seal is damaged."""
        self.unsealed = sealed and self.seal is None
        """Whether the seal is damaged."""

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> "Iterator[Segment | None]":
        """Open a segment for a `with` block.

        Raises:
            DamagedHead: its head is damaged, or not there.
            IntegrityError: it is of a format that is not known here.
        """
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = _read_head(path, handle)
            if found is None:
                yield None
            else:
                head, first, sealed = found
                yield cls(path, handle, head, first, sealed=sealed)
        finally:
            os.close(handle)

    def frames(self, tally: Tally, *, start: int = 0) -> Iterator[Frame]:
        """Yield the frames of rows from the byte `start` on; damaged ones are told to `tally`.

        Payloads are not looked at. What a closed segment lacks, or its seal, is told too, where all
        of it is asked for.
        """
        blocks, rows, seen = tally.blocks, tally.rows, 0
        for frame in self.walk(tally, start=start):
            seen += frame.rows
            yield frame
        if start:
            return
        if self.unsealed:
            tally.add(self.path)
        missing = self.missing(seen + tally.rows - rows)
        if missing is not None and (self.is_cut or tally.blocks == blocks):
            tally.add(self.path, missing)
        elif missing:
            tally.rows += missing

    @property
    def is_cut(self) -> bool:
        """Whether it is shorter than it was when it was closed."""
        seal = self.seal
        return seal is not None and seal.closed and os.fstat(self.handle).st_size < seal.size

    def missing(self, seen: int) -> int | None:
        """Return how many predictions a closed segment lacks beside those seen; None if none."""
        seal = self.seal
        if seal is None or not seal.closed or (seal.rows <= seen and not self.is_cut):
            return None
        return max(seal.rows - seen, 0)

    def walk(self, tally: Tally, *, start: int = 0) -> Iterator[Frame]:
        """Yield what `frames` does, without a look at the seal.

        A torn end is left out, and no damage where whole frames come before it.
        """
        size = os.fstat(self.handle).st_size
        at = past = max(start, self.first)
        while at + FRAME_BYTES <= size:
            frame = self._frame_at(at)
            if frame is None:
                tally.add(self.path)
                found = self._search(past, size)
                if found is None:
                    return
                at = past = found
                continue
            if frame.end > size:
                found = self._search(at + 1, size)
                if found is None:
                    break
                tally.add(self.path, frame.rows)
                at = past = found
                continue
            yield frame
            past, at = at + 1, frame.end
        if at < size and at == self.first and not self.is_cut and not is_written(self.path):
            tally.add(self.path)

    def payload(self, frame: Frame) -> bytes | None:
        """Return what a frame holds, None if it is damaged."""
        stored = os.pread(self.handle, frame.stored, frame.offset + FRAME_BYTES)
        if len(stored) != frame.stored or zlib.crc32(stored) != frame.crc:
            return None
        if not frame.packed:
            return stored if frame.length == len(stored) else None
        import zstandard

        try:
            found = zstandard.ZstdDecompressor().decompress(stored, max_output_size=frame.length)
        except zstandard.ZstdError:
            return None
        return found if len(found) == frame.length else None

    def _frame_at(self, at: int) -> Frame | None:
        return _parsed(os.pread(self.handle, FRAME_BYTES, at), at, self.head.seed)

    def _search(self, start: int, size: int) -> int | None:
        """Return where the next whole frame head is, at or after the byte `start`."""
        at = start
        while at + FRAME_BYTES <= size:
            window = os.pread(self.handle, _SEARCH_BYTES, at)
            place = window.find(_MAGIC)
            while place >= 0:
                if self._frame_at(at + place) is not None:
                    return at + place
                place = window.find(_MAGIC, place + 1)
            at += max(len(window) - len(_MAGIC) + 1, 1)
        return None


def _parsed(data: bytes, at: int, seed: int, *, kind: int = _ROWS) -> Frame | None:
    """Return the frame whose first bytes are `data`, None if they are no such thing."""
    if len(data) < FRAME_BYTES:
        return None
    fields, check = data[: _FIELDS.size], data[_FIELDS.size :]
    magic, found, packed, _, stored, length, rows, first, last, oldest, newest, crc = (
        _FIELDS.unpack(fields)
    )
    if magic != _MAGIC or found != kind or _CHECK.unpack(check)[0] != zlib.crc32(fields, seed):
        return None
    if max(stored, length) > _MOST_BYTES or packed > 1:
        return None
    return Frame(at, bool(packed), stored, length, rows, first, last, oldest, newest, crc)


def _seal(handle: int, at: int, seed: int) -> Seal | None:
    for _ in range(2):  # its writer may be at it at this moment
        found = seals.parsed(os.pread(handle, SEAL_BYTES, at), seed)
        if found is not None:
            return found
    return None


def _read_head(path: Path, handle: int) -> tuple[Head, int, bool] | None:
    """Return the head, where it ends, and whether a seal follows; None while it is written."""
    size = os.fstat(handle).st_size
    frame = _parsed(os.pread(handle, FRAME_BYTES, 0), 0, 0, kind=_HEAD)
    cut = size < FRAME_BYTES if frame is None else frame.end > size
    if cut and is_written(path):
        return None
    if frame is not None and not cut:
        data = os.pread(handle, frame.stored, FRAME_BYTES)
        if zlib.crc32(data) == frame.crc:
            head, version = _head(path, data)
            return head, frame.end, version != _UNSEALED
    what = "is damaged" if size else "is not there, for the file is empty"
    raise DamagedHead(
        f"the head of '{path}' {what}, so its predictions cannot be read",
        hint="a copy of it in a backup may be whole; predictions in other files are read",
    )


def _head(path: Path, data: bytes) -> tuple[Head, int]:
    """Return what the first frame says, and the format of the segment."""
    record = orjson.loads(data)
    if record.get("v") not in (_UNSEALED, FORMAT):
        raise IntegrityError(
            f"'{path}' has format {record.get('v')} of the prediction log, unknown here",
            hint="use a newer mlo",
        )
    classes = record["classes"]
    source = Source(
        record["model"],
        record["version"],
        record["version_id"],
        tuple(record["columns"]),
        None if classes is None else tuple(classes),
        record["role"],
    )
    head = Head(
        record["segment"], source, tuple(record["kept"]), tuple(record["hashed"]),
        record["sample"], record["started_us"], record["seed"],
    )  # fmt: skip
    return head, record["v"]


def is_written(path: Path) -> bool:
    """Return whether somebody has a segment open to append to it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
