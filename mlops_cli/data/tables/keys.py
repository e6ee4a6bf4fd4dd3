"""Whether the cells of a column, or of some together, are each there just once."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.data.tables.spill import Temporary

if TYPE_CHECKING:
    import numpy as np

_PARTS = 64
_HELD = 512 * 1024
"""So many hashes are held before they are written."""


class Hashes:
    """64-bit hashes, in memory while they are few, else in a temporary file."""

    def __init__(self, folder: Path) -> None:
        self._file = Temporary(folder)
        self._held: list[np.ndarray[Any, Any]] = []
        self._count = 0
        self._runs: list[list[int]] = []
        self.missing = 0
        """Rows without a value, which the caller counts."""

    def add(self, hashes: "np.ndarray[Any, Any]") -> None:
        """Add an array of unsigned 64-bit hashes."""
        self._held.append(hashes)
        self._count += len(hashes)
        if self._count >= _HELD:
            self._write()

    def _write(self) -> None:
        import numpy as np

        run = np.sort(np.concatenate(self._held))
        edges = np.arange(1, _PARTS, dtype=np.uint64) << np.uint64(58)
        ends = [0, *np.searchsorted(run, edges).tolist(), len(run)]
        parts = (run[ends[part] : ends[part + 1]] for part in range(_PARTS))
        self._runs.append([self._file.append(part.tobytes()) for part in parts])
        self._held, self._count = [], 0

    def part(self, number: int) -> "list[np.ndarray[Any, Any]]":
        """Return the hashes whose first six bits are `number`."""
        import numpy as np

        written = [
            np.frombuffer(self._file.read(places[number]), dtype=np.uint64) for places in self._runs
        ]
        return written + [one[one >> np.uint64(58) == number] for one in self._held]


def repeated(*hashes: Hashes) -> int:
    """Return how many values are there more than once in all these together.

    Two values of the same hash count as one repeated; of a hundred million values that happens
    once in some thousand tables.
    """
    import numpy as np

    total = 0
    for part in range(_PARTS):
        arrays = [array for one in hashes for array in one.part(part)]
        if arrays:
            counts = np.unique(np.concatenate(arrays), return_counts=True)[1]
            total += int((counts > 1).sum())
    return total


def repeats(hashes: Hashes, most: int) -> "tuple[int, np.ndarray[Any, Any]]":
    """Return how many values repeat another, and up to `most` of the hashes that do, sorted."""
    import numpy as np

    total, kept = 0, [np.zeros(0, dtype=np.uint64)]
    for part in range(_PARTS):
        arrays = hashes.part(part)
        if not arrays:
            continue
        values, counts = np.unique(np.concatenate(arrays), return_counts=True)
        total += int(counts.sum()) - len(values)
        kept.append(values[counts > 1][: max(most - sum(map(len, kept)), 0)])
    return total, np.concatenate(kept)


def hashed(columns: "list[np.ndarray[Any, Any]]") -> "np.ndarray[Any, Any]":
    """Return a hash of each row of some columns of text, in which None and NaN may be."""
    import numpy as np

    found = _hashed(columns[0])
    for column in columns[1:]:
        found = found * np.uint64(0x9E3779B97F4A7C15) + _hashed(column)
    return found


def _hashed(column: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    import numpy as np
    import pandas as pd

    try:
        return np.asarray(pd.util.hash_array(column, categorize=False), dtype=np.uint64)
    except UnicodeEncodeError:  # what was not UTF-8 is in it as lone surrogates
        raw = [
            cell.encode("utf-8", "surrogateescape") if isinstance(cell, str) else cell
            for cell in column
        ]
        return np.asarray(
            pd.util.hash_array(np.array(raw, dtype=object), categorize=False), dtype=np.uint64
        )
