"""The rows of a table dealt out to its parts, windows or segments, each of which is summed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from mlops_cli.monitor.sources.blocks import Columns


def add(frame: pd.DataFrame, places: NDArray[np.int64], parts: Sequence[Columns]) -> None:
    """Add each row to the part whose place it has; those of -1 to none."""
    import numpy as np

    there = np.unique(places).tolist()
    if len(there) == 1 and there[0] >= 0:
        parts[there[0]].add(frame)
        return
    order = np.argsort(places, kind="stable")
    ends = np.searchsorted(places[order], there, side="right").tolist()
    frame = frame.take(order)
    for place, start, end in zip(there, [0, *ends], ends, strict=False):
        if place >= 0:
            parts[place].add(frame.iloc[start:end])
