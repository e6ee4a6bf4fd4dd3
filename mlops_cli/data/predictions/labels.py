"""What turned out to be true of predictions, beside the segments that hold them.

`<segment>.labels` is appended to, a line of JSON for each label: a checksum, the number of the
prediction, the label, and when it was so, in microseconds. The last line of a number counts; a line
that is torn, or is not what its checksum says, does not, and is counted.
"""

import fcntl
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.records import replace
from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.rows import Rows
from mlops_cli.data.predictions.segment import Tally

SUFFIX = ".labels"
Said = tuple[Any, int]
"""A label, and the moment that it is of, in microseconds."""


class Labels:
    """The labels of one segment; `refresh` reads what was added since, by whoever."""

    def __init__(self, segment: Path) -> None:
        self.path = segment.with_suffix(SUFFIX)
        self.by_number: dict[int, Said] = {}
        self.damaged = 0
        """Lines that cannot be read: damaged, or torn by a kill."""
        self._seed = seed_of(segment)
        self._read = 0
        self._unended = False

    def refresh(self) -> "Labels":
        """Read what was added."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._read:
                    self._forget()
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            self._forget()
            return self
        end = data.rfind(b"\n") + 1
        self._read += end
        for line in data[:end].split(b"\n")[:-1]:
            try:
                number, said = read_line(line, self._seed)
                self.by_number[number] = said
            except (ValueError, TypeError):
                self.damaged += 1
        self._unended = _is_line(data[end:-1], self._seed)
        return self

    @property
    def unread(self) -> int:
        """How many labels that were kept cannot be read, or end in what is no end of a line."""
        return self.damaged + self._unended

    def _forget(self) -> None:
        self.by_number, self.damaged, self._read, self._unended = {}, 0, 0, False

    def add(self, said: Mapping[int, Said], *, durable: bool) -> tuple[int, int]:
        """Add labels, and return how many are new, and how many replace another.

        Those that say what is known are not written again, and stay of the moment they were.

        Raises:
            ExternalError: the disk refuses; then none was added.
        """
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                known = self.refresh().by_number
                news = {
                    n: one for n, one in said.items() if n not in known or known[n][0] != one[0]
                }
                replaced = sum(n in known for n in news)
                if news:
                    _append(handle, _lines(news, self._seed))
                    if durable:
                        os.fsync(handle)
                        sync_folder(self.path.parent)
                self.refresh()
            finally:
                os.close(handle)
        except OSError as error:
            raise outside(error, self.path) from error
        return len(news) - replaced, replaced

    def joined(self, rows: Rows) -> Rows:
        """Return rows with their labels."""
        import numpy as np

        found = [self.by_number.get(number) for number in rows.numbers.tolist()]
        values = np.empty(len(found), dtype=object)
        values[:] = [None if one is None else one[0] for one in found]
        gaps = np.fromiter((one is None for one in found), np.bool_, len(found))
        times = np.array([0 if one is None else one[1] for one in found], dtype=np.int64)
        return replace(rows, labels=Cells(values, gaps), labelled_us=times)


def of(segment: Path, tally: Tally) -> Labels:
    """Return the labels of a segment; lines that cannot be read are told to `tally`."""
    found = Labels(segment).refresh()
    for _ in range(found.unread):
        tally.add(found.path)
    return found


def seed_of(path: Path) -> int:
    """Return what checksums in the labels of a segment begin with: no line passes in another."""
    return zlib.crc32(path.stem.encode())


def read_line(line: bytes, seed: int) -> tuple[int, Said]:
    """Return the number of a prediction and what is said of it.

    Lines without a checksum, as older versions wrote them, are taken as they are.

    Raises:
        ValueError, TypeError: the line is damaged.

    >>> read_line(b'["78030645",3,"yes",1700000000000000]', 0)
    (3, ('yes', 1700000000000000))
    """
    found = orjson.loads(line)
    if type(found) is list and len(found) == _PARTS:
        if found[0] != f"{zlib.crc32(line[_SUMMED:], seed):08x}":
            raise ValueError("it is not what its checksum says")
        return found[1], (found[2], found[3])
    number, label, time_us = found
    if type(number) is not int or type(time_us) is not int:
        raise ValueError("its number or moment is none")
    return number, (label, time_us)


def _is_line(line: bytes, seed: int) -> bool:
    try:
        read_line(line, seed)
    except (ValueError, TypeError):
        return False
    return True


_SUMMED = len('["00000000",')
"""Where begins what a line's checksum is of."""
_PARTS = 4


def _lines(said: Mapping[int, Said], seed: int) -> bytes:
    lines = []
    for number, one in said.items():
        told = orjson.dumps((number, *one))[1:]
        lines.append(b'["%08x",%s\n' % (zlib.crc32(told, seed), told))
    return b"".join(lines)


def _append(handle: int, data: bytes) -> None:
    """Append all of `data`, after the line that a killed process may have torn, or nothing."""
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        data = b"\n" + data
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
    except OSError:
        os.ftruncate(handle, size)
        raise
