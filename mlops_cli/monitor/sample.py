"""Some rows of a table that is read block by block: every row, or every second, fourth, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Sample:
    """Takes data frames, one below the other, and keeps at most so many rows, evenly chosen.

    >>> import pandas as pd
    >>> sample = Sample(most=5)
    >>> for _ in range(2):
    ...     sample.add(pd.DataFrame({"x": range(6)}))
    >>> sample.frame()["x"].tolist(), sample.rows, sample.fewer
    ([0, 4, 2], 12, True)
    """

    def __init__(self, most: int) -> None:
        self.rows = 0
        self._most = most
        self._step = 1
        self._held: list[pd.DataFrame] = []
        self._kept = 0

    def add(self, frame: pd.DataFrame) -> None:
        """Take in some rows."""
        part = frame.iloc[-self.rows % self._step :: self._step]
        self._held.append(part)
        self.rows += len(frame)
        self._kept += len(part)
        while self._kept > self._most:
            self._step *= 2
            self._held = _every_other(self._held)
            self._kept = sum(map(len, self._held))

    @property
    def fewer(self) -> bool:
        """Whether some rows were left out."""
        return self._step > 1

    def __len__(self) -> int:
        return self._kept

    def frame(self) -> pd.DataFrame:
        """Return the rows that are kept, in order."""
        import pandas as pd

        return pd.concat(self._held, ignore_index=True) if self._held else pd.DataFrame()


def _every_other(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return every other row of frames that lie one below the other."""
    kept, before = [], 0
    for frame in frames:
        kept.append(frame.iloc[before % 2 :: 2])
        before += len(frame)
    return kept
