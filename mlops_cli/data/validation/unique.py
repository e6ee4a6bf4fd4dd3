"""Which rows repeat the values of an earlier one, in memory that has bounds."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.data.tables.keys import Hashes, hashed, repeats
from mlops_cli.data.validation.cells import Cells

if TYPE_CHECKING:
    import numpy as np
    from pandas import Series

MOST = 100_000
"""Of so many different values that repeat, the first rows are looked for."""
_ODD = 0x9E3779B97F4A7C15


class Repeats:
    """Rows that repeat the values of some columns; one with a missing value repeats none."""

    def __init__(self, columns: tuple[str, ...], scratch: Path) -> None:
        self.columns = columns
        self._hashes = Hashes(scratch)
        self.asked = 0
        self.failing = 0
        self._again: np.ndarray[Any, Any] | None = None
        self._seen: dict[int, list[tuple[Any, ...]]] = {}

    def add(self, columns: Mapping[str, Cells]) -> None:
        """Take in a block of rows."""
        hashes, there = self._hashed(columns)
        self.asked += int(there.sum())
        self._hashes.add(hashes if there.all() else hashes[there])

    def settle(self) -> None:
        """Count the rows that repeat an earlier one, once all are taken in."""
        self.failing, self._again = repeats(self._hashes, MOST)

    def rows(self, columns: Mapping[str, Cells], most: int) -> list[int]:
        """Return places in a block of rows that repeat earlier ones; blocks come again in order.

        With more values that repeat than `MOST` they are some of those rows.
        """
        import numpy as np

        hashes, there = self._hashed(columns)
        assert self._again is not None
        found: list[int] = []
        for place in np.flatnonzero(np.isin(hashes, self._again) & there):
            row = tuple(str(columns[name].raw.iloc[place]) for name in self.columns)
            seen = self._seen.setdefault(int(hashes[place]), [])
            if seen:
                found.append(int(place))
            else:
                seen.append(row)
            if len(found) == most:
                break
        return found

    def _hashed(
        self, columns: Mapping[str, Cells]
    ) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        import numpy as np

        first, *others = (columns[name] for name in self.columns)
        found, there = _hashed(first), first.present
        for one in others:
            found = found * np.uint64(_ODD) + _hashed(one)
            there = there & one.present
        return found, there


def _hashed(one: Cells) -> "np.ndarray[Any, Any]":
    """Return a hash of each value; whole numbers have that of the equal float."""
    import numpy as np

    if one.kind == "text" or not one.fits.all():
        return _hashed_objects(one.raw)
    values = np.asarray(one.values)
    if values.dtype.kind not in "iu":
        return hashed([values.astype(np.float64) + 0.0])
    near = values.astype(np.float64)
    left = (values - near.astype(values.dtype)).astype(np.uint64)  # beyond 2**53 floats are coarse
    return np.asarray(hashed([near]) + left * np.uint64(_ODD))


def _hashed_objects(raw: "Series[Any]") -> "np.ndarray[Any, Any]":
    import numpy as np

    objects = raw.astype(object)
    try:
        return hashed([objects.to_numpy()])
    except (TypeError, ValueError):  # lists and the like
        texts = [None if gone else repr(one) for one, gone in zip(objects, raw.isna(), strict=True)]
        return hashed([np.array(texts, dtype=object)])
