"""Rows that are distributed as a profile says, where the table itself was not kept."""

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.profile import ColumnProfile, Profile

if TYPE_CHECKING:
    import pandas as pd

_US = 1_000_000


def rows(profile: Profile) -> "pd.DataFrame":
    """Return a table whose columns are, each by itself, like those of the table it was made of.

    What columns have to do with each other is not in a profile. Values that were counted come as
    often as they were there; of the others a number is off by at most the spacing of the quantiles.
    Infinite numbers are left out. Texts that were not kept are made up, each as rare as it was.
    """
    import pandas as pd

    return pd.DataFrame({one.name: _column(one, profile.rows) for one in profile.columns})


def _column(one: ColumnProfile, rows: int) -> "pd.Series[Any]":
    import pandas as pd

    if one.kind == "category":
        return _padded(pd.Series(_texts(one), dtype=object), rows)
    values = pd.Series(_numbers(one))
    if one.kind == "boolean":
        return _padded(values.astype(bool), rows)
    if one.kind == "datetime":
        return _padded(pd.to_datetime((values * _US).round(), unit="us"), rows)
    return _padded(values, rows)


def _padded(values: "pd.Series[Any]", rows: int) -> "pd.Series[Any]":
    """Return values with missing ones after them, so that there is one for each row."""
    if len(values) >= rows:
        return values.head(rows)
    if values.dtype == bool:
        values = values.astype(object)
    return values.reindex(range(rows))


def _numbers(one: ColumnProfile) -> Any:
    import numpy as np

    if one.values is not None:
        values, counts = one.weighted()
        return np.repeat(values, counts.astype(np.int64))
    if not one.quantiles:
        return np.zeros(0)
    ranks = np.linspace(0, 1, one.count - one.infinite)
    return np.interp(ranks, np.linspace(0, 1, len(one.quantiles)), one.quantiles)


def _texts(one: ColumnProfile) -> list[str]:
    known = one.values or ()
    told = chain.from_iterable(repeat(str(value), count) for value, count in known)
    left = one.others if one.values is not None else one.count
    kinds = max(1, one.distinct - len(known))
    return [*told, *(f"(not kept {number % kinds})" for number in range(left))]
