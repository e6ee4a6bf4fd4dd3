"""A pandas data frame as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import kinds
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.sources import numbers, texts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


class Frame:
    """The columns of a data frame; names that are no text are told as text."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.names: tuple[str, ...] = tuple(map(str, frame.columns))
        self.rows = len(frame)
        self._places = {name: place for place, name in enumerate(self.names)}
        self._frame = frame

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        return of_series(self._frame.iloc[:, self._places[name]])


def of_frame(frame: pd.DataFrame) -> Frame:
    """Return a data frame as a table.

    >>> import pandas as pd
    >>> of_frame(pd.DataFrame({"x": [1, 2, 2]})).column("x").counts.tolist()
    [1, 2]
    """
    return Frame(frame)


def of_series(values: pd.Series[Any]) -> Distribution:
    """Return a column of a data frame in sum."""
    kind = kinds.kind_of(values)
    rows = len(values)
    if kind == "empty":
        return Distribution("empty", rows, rows)
    present = values.dropna()
    if kind == "category":
        return texts.summed(rows, counted(present))
    if kind == "datetime":
        return numbers.summed(kind, rows, seconds(present))
    return numbers.summed(kind, rows, numbers_of(present, boolean=kind == "boolean"))


def numbers_of(present: pd.Series[Any], *, boolean: bool) -> NDArray[Any]:
    """Return the values of a column without missing ones, in an array of one's own."""
    import numpy as np

    if boolean:
        return np.array(present.to_numpy(dtype=np.bool_))
    held: Any = present.dtype
    plain = isinstance(held, np.dtype) and held.kind in "iuf"
    return np.array(present.to_numpy(dtype=held if plain else np.float64))


def seconds(present: pd.Series[Any]) -> NDArray[np.float64]:
    """Return moments in seconds since 1970; those that cannot be read are NaN."""
    import numpy as np
    import pandas as pd

    moments = pd.to_datetime(present, utc=True, errors="coerce")
    unit = str(getattr(moments.dtype, "unit", "ns"))
    found: NDArray[np.float64] = moments.astype("int64").to_numpy(np.float64) / _PER_SECOND[unit]
    found[moments.isna().to_numpy()] = np.nan
    return found


def counted(present: pd.Series[Any]) -> dict[str, int]:
    """Return how often each value is there, as text."""
    from pandas.api import types

    cells = present.astype(object)
    if types.infer_dtype(cells) != "string":
        cells = cells.map(str)
    return dict(cells.value_counts().items())
