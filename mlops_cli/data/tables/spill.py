"""Lists of values in many parts, in memory while they are few, else in one temporary file."""

import marshal
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from mlops_cli.core.files import outside


class Spill:
    """Texts with counts, in `parts` parts by a key, so that a key's texts are all in one part."""

    def __init__(self, folder: Path, *, parts: int, memory_bytes: int, salt: int = 0) -> None:
        self._file = Temporary(folder)
        self._memory = memory_bytes
        self._salt = salt
        self._held = 0
        self._lists: list[list[Any]] = [[] for _ in range(parts)]
        self._places: list[list[int]] = [[] for _ in range(parts)]
        self.sizes = [0] * parts
        """How much each part holds, in characters."""

    def add(self, key: str, text: str, count: int) -> None:
        """Add a text to the part of its key."""
        part = crc32(key.encode("utf-8", "surrogatepass"), self._salt) % len(self._lists)
        self._lists[part] += (text, count)
        self.sizes[part] += len(text)
        self._held += len(text) + 100
        if self._held > self._memory:
            self._write()

    def _write(self) -> None:
        for part, values in enumerate(self._lists):
            if values:
                self._places[part].append(self._file.append(marshal.dumps(values)))
                values.clear()
        self._held = 0

    def part(self, number: int) -> Iterator[tuple[str, int]]:
        """Yield what a part holds: texts and their counts."""
        for place in self._places[number]:
            values = marshal.loads(self._file.read(place))  # noqa: S302  our own, just written
            yield from zip(values[::2], values[1::2], strict=True)
        values = self._lists[number]
        yield from zip(values[::2], values[1::2], strict=True)

    def close(self) -> None:
        """Let go of memory and disk."""
        self._lists, self._places = [], []
        self._file.close()


class Temporary:
    """A file without a name, made when it is first written to; the system drops it with us."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._lengths: dict[int, int] = {}
        self._end = 0

    def append(self, data: bytes) -> int:
        """Keep `data` and return its place.

        Raises:
            ExternalError: the disk is full, or refuses.
        """
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise outside(error, self._folder) from error
        place = self._end
        self._lengths[place] = len(data)
        self._end += len(data)
        return place

    def read(self, place: int) -> bytes:
        """Return what was kept at a place."""
        assert self._file is not None
        return os.pread(self._file.fileno(), self._lengths[place], place)

    def close(self) -> None:
        """Drop the file."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()
