"""What a version keeps of its training data as a table, so that the data is not read again."""

from __future__ import annotations

from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.sources import estimated, moments, texts
from mlops_cli.registry.profile import ColumnProfile, Profile
from mlops_cli.registry.quantiles import rank_error

_POINTS = 8192
"""Between its quantiles a column is taken to be spread evenly, over so many values."""


class Kept:
    """The columns of a profile. Infinite values are counted in it, not placed: they are left out
    of the values, and of the rows.
    """

    def __init__(self, profile: Profile) -> None:
        self.names: tuple[str, ...] = tuple(one.name for one in profile.columns)
        self.rows = profile.rows
        self._columns = {one.name: one for one in profile.columns}

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        one = self._columns[name]
        if not one.count:
            return Distribution("empty", one.nulls, one.nulls)
        return _texts(one) if one.kind == "category" else _numbers(one)


def of_profile(profile: Profile) -> Kept:
    """Return the columns of a training table that is known by its profile."""
    return Kept(profile)


def _numbers(one: ColumnProfile) -> Distribution:
    import numpy as np

    finite = one.count - one.infinite
    if one.values is None and one.quantiles:
        known = len(one.quantiles)
        ranks = np.linspace(0, known - 1, max(known, _POINTS))
        return estimated.of_quantiles(
            one.kind,
            np.interp(ranks, np.arange(known), one.quantiles),
            rows=finite + one.nulls,
            nulls=one.nulls,
            infinite=0,
            distinct=one.distinct,
            error=rank_error(finite) + 1 / (known - 1) + 1 / _POINTS if known > 1 else 0.0,
        )
    values, counts = one.weighted()
    if not len(values):
        return Distribution("empty", one.nulls, one.nulls)
    return Distribution(
        one.kind,
        finite + one.nulls,
        one.nulls,
        values=values,
        counts=counts.astype(np.int64),
        distinct=one.distinct,
    )


def _texts(one: ColumnProfile) -> Distribution:
    counts = {str(value): rows for value, rows in one.values or ()}
    left = one.count - sum(counts.values())
    if not left:
        found = moments.counted(counts)
        if found is not None:
            values, rows = found
            return Distribution(
                "datetime",
                one.count + one.nulls,
                one.nulls,
                values=values,
                counts=rows,
                distinct=len(values),
            )
        return texts.summed(one.count + one.nulls, counts)
    return Distribution(  # how long the texts are that were left out is not known
        "category",
        one.count + one.nulls,
        one.nulls,
        categories=counts,
        others=left,
        distinct=one.distinct,
    )
