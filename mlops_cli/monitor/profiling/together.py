"""What is told of whole rows: which are there twice, and which columns go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass
from mlops_cli.monitor.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MOST_HASHES = 20_000_000
"""Rows of a longer table are not looked at twice: 8 bytes each are held."""
_SAMPLE = 10_000
_COLUMNS = 100
_PAIRS = 20
_LEAST = 0.5
_FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns of numbers, and Spearman's correlation of their values, in -1..1."""

    first: str
    second: str
    correlation: float


class Rows:
    """Takes the rows of a table block by block, and keeps a hash of each and some of them."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.uint64]] = []
        self._rows = 0
        self._sample = Sample(_SAMPLE)

    def add(self, block: pd.DataFrame) -> None:
        """Take in some rows."""
        if not (len(block) and block.shape[1]):
            return
        hashes = _hashed(block)
        self._rows += len(block)
        if self._rows <= MOST_HASHES:
            self._hashes.append(hashes)
        else:
            self._hashes = []
        self._sample.add(_numbers(block))

    def repeated(self) -> int | None:
        """Return how many rows are like one before them; None of none, or of too many to tell."""
        import numpy as np

        if self._rows > MOST_HASHES or not self._rows:
            return None
        return self._rows - len(np.unique(np.concatenate(self._hashes)))

    @property
    def sampled(self) -> int:
        """How many rows were kept for the correlations."""
        return len(self._sample)

    def pairs(self) -> tuple[Pair, ...]:
        """Return the columns of numbers that go together, the closest first."""
        import numpy as np

        if self.sampled < _FEWEST_ROWS:
            return ()
        ranks = self._sample.frame().iloc[:, :_COLUMNS].rank()
        with np.errstate(all="ignore"):
            found = ranks.corr(min_periods=_FEWEST_ROWS).to_numpy()
        names = [str(name) for name in ranks.columns]
        pairs = [
            Pair(names[i], names[j], float(round(found[i, j], 6)))
            for i in range(len(names))
            for j in range(i + 1, len(names))
            if abs(found[i, j]) >= _LEAST
        ]
        pairs.sort(key=lambda one: (-abs(one.correlation), one.first, one.second))
        return tuple(pairs[:_PAIRS])


def _numbers(block: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    from pandas.api import types

    chosen = [
        place
        for place, kind in enumerate(block.dtypes)
        if types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind)
    ]
    return block.iloc[:, chosen].astype(np.float64)


def _as_floats(block: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of whole numbers as floats, as they are in a block that misses some."""
    found = {}
    for name in block.columns[[kind.kind in "iu" for kind in block.dtypes]]:
        if abs(block[name].max()) < _EXACT and abs(block[name].min()) < _EXACT:
            found[name] = block[name].astype("float64")
    return found


_EXACT = 2**53


def _hashed(block: pd.DataFrame) -> NDArray[np.uint64]:
    """Return a hash of each row; values that pandas cannot hash count by their text."""
    import pandas as pd

    block = block.assign(**_as_floats(block)) if block.columns.is_unique else block
    try:
        found: Any = pd.util.hash_pandas_object(block, index=False)
    except TypeError:
        found = pd.util.hash_pandas_object(block.astype(str), index=False)
    hashes: NDArray[np.uint64] = found.to_numpy()
    return hashes
