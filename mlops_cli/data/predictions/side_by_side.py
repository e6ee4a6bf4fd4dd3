"""Many blocks of predictions as data frames, of bounded size where that is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from numpy.typing import NDArray

    from mlops_cli.data.prediction_log import Window


class Gathering:
    """Takes rows, and keeps the `last` of them, or `most` of them chosen evenly."""

    def __init__(self, *, last: int | None, most: int | None) -> None:
        self._last = last
        self._most = most
        self._parts: list[Rows] = []
        self._rows = 0
        self._share_bits = 0
        self._from_us = 0

    def __len__(self) -> int:
        return self._rows

    def has_newer(self, path: Path) -> bool:
        """Return whether all that a file holds is older than the last rows, which are known."""
        return path.stat().st_mtime_ns // 1000 < self._from_us

    def add(self, part: Rows) -> None:
        """Take rows of one segment, in the order of their times."""
        if self._share_bits:
            part = part.take(even(part.numbers, self._share_bits))
        if not len(part):
            return
        self._parts.append(part)
        self._rows += len(part)
        if self._last is not None and self._rows > 2 * self._last + 10_000:
            self._drop_older(self._last)
        while self._most is not None and self._rows > self._most:
            self._share_bits += 1
            parts = [one.take(even(one.numbers, self._share_bits)) for one in self._parts]
            self._parts = [one for one in parts if len(one)]
            self._rows = sum(map(len, self._parts))

    def _drop_older(self, last: int) -> None:
        import numpy as np

        times = np.concatenate([part.times_us for part in self._parts])
        self._from_us = int(np.partition(times, len(times) - last)[len(times) - last])
        parts = [part.between(self._from_us, 2**63 - 1) for part in self._parts]
        self._parts = [part for part in parts if len(part)]
        self._rows = sum(map(len, self._parts))

    def window(self) -> "Window":
        """Return all that was kept, oldest first."""
        import numpy as np
        import pandas

        from mlops_cli.data.prediction_log import Window

        parts = self._parts
        if not parts:
            empty = pandas.DataFrame()
            none = pandas.Series(dtype=object)
            return Window(empty, none, empty, pandas.Series(dtype="datetime64[us, UTC]"), none)
        times = np.concatenate([part.times_us for part in parts])
        names = tuple(dict.fromkeys(part.segment for part in parts))
        codes = {name: code for code, name in enumerate(names)}
        segments = np.repeat([codes[part.segment] for part in parts], list(map(len, parts)))
        numbers = np.concatenate([part.numbers for part in parts])
        order: Any = np.lexsort((numbers, segments, times))
        if self._last is not None:
            order = order[max(len(order) - self._last, 0) :]
        if len(order) == len(times) and bool((order[1:] > order[:-1]).all()):
            order = slice(None)
        versions = [part.source.version_id for part in parts]
        known = pandas.Categorical(versions).categories
        of_version = np.repeat(known.get_indexer(versions), list(map(len, parts)))
        return Window(
            features=_frame([part.columns for part in parts], parts, order),
            predictions=_series([part.predictions for part in parts], order),
            probabilities=_probabilities(parts, order),
            times=pandas.Series(pandas.to_datetime(times[order], unit="us", utc=True)),
            versions=pandas.Series(pandas.Categorical.from_codes(of_version[order], known)),
            segments=names,
            places=(segments[order], numbers[order]),
            sampled=self._share_bits > 0,
            hidden=tuple(dict.fromkeys(name for part in parts for name in _hidden(part))),
        )


def _hidden(part: Rows) -> list[str]:
    """Return the columns of which the log does not have the values."""
    return [name for name in part.source.columns if name not in part.columns or name in part.hashed]


def even(numbers: "NDArray[np.int64]", bits: int) -> "NDArray[np.bool_]":
    """Return a mask of one of 2^`bits` rows, which has those of one bit more within it."""
    import numpy as np

    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    chosen: NDArray[np.bool_] = (mixed >> np.uint64(64 - bits)) == 0
    return chosen


def _frame(columns: list[dict[str, Cells]], parts: list[Rows], order: Any) -> "pandas.DataFrame":
    import numpy as np
    import pandas

    names = list(dict.fromkeys(name for one in columns for name in one))
    made = {}
    for name in names:
        cells = []
        for held, part in zip(columns, parts, strict=True):
            absent = np.empty(len(part), dtype=object), np.ones(len(part), dtype=np.bool_)
            cells.append(held.get(name) or Cells(*absent))
        made[name] = _series(cells, order)
    return pandas.DataFrame(made, columns=names, copy=False)


def _series(cells: list[Cells], order: Any) -> "pandas.Series[Any]":
    import pandas

    values = _joined(cells)[order]
    return pandas.Series(values, dtype=values.dtype, copy=False)


def _joined(cells: list[Cells]) -> "NDArray[Any]":
    """Return the values of many blocks in one array: null is NaN among numbers, None elsewhere.

    A block in which all is null takes the type of the others.
    """
    import numpy as np

    kinds = {one.values.dtype.kind for one in cells if one.gaps is None or not one.gaps.all()}
    gaps = any(one.gaps is not None and one.gaps.any() for one in cells)
    if kinds <= {"i", "f"} and kinds:
        if kinds == {"i"} and not gaps:
            return np.concatenate([one.values for one in cells])
        return np.concatenate([_floats(one) for one in cells])
    if kinds == {"b"} and not gaps:
        return np.concatenate([one.values for one in cells])
    found = []
    for one in cells:
        values = one.values.astype(object)
        if one.gaps is not None:
            values[one.gaps] = None
        found.append(values)
    return np.concatenate(found)


def _floats(cells: Cells) -> "NDArray[np.float64]":
    import numpy as np

    if cells.gaps is None:
        return cells.values.astype(np.float64, copy=False)
    found = np.full(len(cells), np.nan)
    there = ~cells.gaps
    found[there] = cells.values[there].astype(np.float64)
    return found


def _probabilities(parts: list[Rows], order: Any) -> "pandas.DataFrame":
    import numpy as np
    import pandas

    names = list(
        dict.fromkeys(
            str(name)
            for part in parts
            if part.shares is not None
            for name in part.source.classes or ()
        )
    )
    rows = sum(map(len, parts))
    found = np.full((rows, len(names)), np.nan)
    at = 0
    for part in parts:
        if part.shares is not None and part.source.classes:
            places = [names.index(str(name)) for name in part.source.classes]
            found[at : at + len(part), places] = part.shares
        at += len(part)
    return pandas.DataFrame(found[order], columns=names, copy=False)
