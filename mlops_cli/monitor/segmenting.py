"""Which segments a column has, known once all its values came by, and which one each row is in."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.sources.sums import MOST_TEXTS
from mlops_cli.registry.evaluation import slices

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_RANGES = 4
_MISSING = "(missing)"
_OTHER = "(other)"


class Segmenting:
    """Takes the values of a column of both sides, and cuts them as `slices.of_column` does.

    Numbers with more than `slices.MOST` values are cut at their quartiles; of other columns the
    rows beyond the commonest values are one segment. Missing values are one too. Of text so many
    values are counted as `MOST_TEXTS` says, so that memory has a bound; of numbers 8 bytes a row.
    """

    def __init__(self) -> None:
        self._numbers: list[NDArray[np.float64]] = []
        self._words: Counter[str] = Counter()
        self._late = False
        self._missing = False
        self._ends: NDArray[np.float64] | None = None
        self._place: dict[str, int] = {}
        self.names: tuple[str, ...] = ()
        self.values = 0

    @property
    def others(self) -> bool:
        """Whether the rarer values are one segment."""
        return _OTHER in self.names

    def add(self, values: pd.Series[Any]) -> None:
        """Take some values."""
        present = values.dropna()
        self._missing |= len(present) < len(values)
        if not len(present):
            return
        if _is_numeric(present):
            self._numbers.append(_floats(present))
        else:
            self._count(Counter(map(slices.word, present.tolist())))

    def _count(self, counts: Counter[str]) -> None:
        if len(self._words) < MOST_TEXTS:
            self._words.update(counts)
            return
        self._late |= not counts.keys() <= self._words.keys()
        self._words.update({word: n for word, n in counts.items() if word in self._words})

    def cut(self) -> None:
        """Say which segments there are: no more values come."""
        import numpy as np

        numbers = np.concatenate(self._numbers) if self._numbers else np.zeros(0)
        self._numbers = []
        found, counts = np.unique(numbers, return_counts=True)
        if len(found) > slices.MOST and not self._words:
            self._ranges(found, counts)
        else:
            words = map(slices.word, found.tolist())
            self._count(Counter(dict(zip(words, counts.tolist(), strict=True))))
            self._commonest()
        if self._missing:
            self.names = (*self.names, _MISSING)

    def _ranges(self, found: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        import numpy as np

        self.values = len(found)
        ranks = np.floor(np.linspace(0, 1, _RANGES + 1)[1:-1] * (counts.sum() - 1))
        ends = np.unique(found[np.searchsorted(np.cumsum(counts), ranks, side="right")])
        self._ends = ends[ends < found[-1]]
        said = [f"{end:g}" for end in self._ends]
        between = [f"{low} < . <= {high}" for low, high in pairwise(said)]
        self.names = (f". <= {said[0]}", *between, f". > {said[-1]}") if said else ("all",)

    def _commonest(self) -> None:
        self.values = len(self._words)
        ordered = sorted(self._words, key=lambda word: (-self._words[word], word))
        self.names = tuple(sorted(ordered[: slices.MOST]))
        self._place = {name: at for at, name in enumerate(self.names)}
        if len(ordered) > slices.MOST or self._late:
            self.names = (*self.names, _OTHER)

    def places(self, values: pd.Series[Any]) -> NDArray[np.int64]:
        """Return the segment of each row by its place among `names`."""
        import numpy as np

        known = values.notna().to_numpy()
        found = np.full(len(values), len(self.names) - 1, np.int64)
        if self._ends is not None:
            found[known] = np.searchsorted(self._ends, _floats(values[known]), side="left")
        else:
            rest = len(self._place)
            found[known] = [self._at(one, rest) for one in values[known].tolist()]
        return found

    def _at(self, value: Any, rest: int) -> int:
        return self._place.get(slices.word(value), rest if self.others else -1)


def _is_numeric(values: pd.Series[Any]) -> bool:
    from pandas.api import types

    return types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype)


def _floats(values: pd.Series[Any]) -> NDArray[np.float64]:
    import numpy as np

    found: NDArray[np.float64] = values.to_numpy(dtype=np.float64)
    return found
