"""One column of a table, told for people: what it holds, how it is spread, what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass, replace
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.profiling import oddities
from mlops_cli.monitor.statistics import histogram
from mlops_cli.monitor.statistics.binning import binned

if TYPE_CHECKING:
    from mlops_cli.monitor.distribution import Counts, Values

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Of the rows, those below each of the quantiles that are told."""
BINS = 24
_COMMONEST = 10


@dataclass(frozen=True, slots=True)
class Bins:
    """The share of the finite values in each of some equal bins.

    `starts` has the number that each begins at. The first and last also hold what lies beyond.
    """

    starts: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column.

    Attributes:
        kind: what the values are; moments are in seconds since 1970 below.
        missing: rows without a value.
        distinct: how many different values there are; estimated if there is an error.
        error: by how much shares and quantiles may be off, in 0..1; 0 when all is exact.
        low: and `high`, `mean`, `std`, of what is finite; of text those of its length in letters.
        quantiles: the values that `SHARES` of the rows are below; of text by its length.
        common: the commonest values with their rows, of text and of numbers that repeat; none of
            names.
        bins: how numbers and moments are spread.
        oddities: what should be looked at, in words.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    distinct: int
    infinite: int = 0
    error: float = 0.0
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    common: tuple[tuple[str | float, int], ...] = ()
    bins: Bins | None = None
    oddities: tuple[str, ...] = ()


def profile(name: str, column: Distribution) -> ColumnProfile:
    """Return what is to be said of a column."""
    values, counts = histogram.finite_part(column.values, column.counts)
    plain = ColumnProfile(
        name,
        column.kind,
        column.rows,
        column.nulls,
        min(column.distinct, column.present),
        infinite=column.infinite,
        error=column.error,
        common=tuple(_common(column)),
        oddities=tuple(oddities.of_column(column)),
    )
    if not len(values):
        return plain
    mean, std = _moments(values, counts)
    return replace(
        plain,
        low=float(values[0]),
        high=float(values[-1]),
        mean=mean,
        std=std,
        quantiles=tuple(histogram.quantiles(values, counts, SHARES)),
        bins=None if column.kind in ("boolean", "category") else _bins(values, counts),
    )


def _moments(values: Values, counts: Counts) -> tuple[float | None, float | None]:
    """Return mean and standard deviation; None where a float cannot hold it."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        rows = float(counts.sum())
        mean = float((values * (counts / rows)).sum())
        variance = float(((values - mean) ** 2 * (counts / rows)).sum())
    std = variance**0.5 if np.isfinite(variance) else None
    return (mean if np.isfinite(mean) else None), std


def _bins(values: Values, counts: Counts) -> Bins | None:
    """Return how values are spread: over all, or where some lie far out over most of them."""
    import numpy as np

    low, high = float(values[0]), float(values[-1])
    most, least = histogram.quantiles(values, counts, (0.99, 0.01))
    if high - low > _FAR * (most - least) > 0:
        low, high = least, most
    width = (high - low) / BINS
    if not (width and np.isfinite(width)):
        return None
    starts: Values = low + width * np.arange(BINS, dtype=np.float64)
    rows = binned(values, counts, starts[1:])
    return Bins(tuple(starts.tolist()), tuple((rows / rows.sum()).tolist()))


_FAR = 2.0


def _common(column: Distribution) -> Iterator[tuple[str | float, int]]:
    """Yield the commonest values, if any is there more than once."""
    if column.kind == "category":
        each: Sequence[tuple[str | float, int]] = sorted(
            column.categories.items(), key=lambda one: (-one[1], one[0])
        )
        yield from each[:_COMMONEST]
    elif column.kind in ("number", "boolean") and not column.error:
        yield from _repeated(column.values, column.counts)


def _repeated(values: Values, counts: Counts) -> Iterator[tuple[float, int]]:
    import numpy as np

    if not len(counts) or int(counts.max()) < 2:
        return
    order = np.argsort(-counts, kind="stable")[:_COMMONEST]
    for place in order:
        if counts[place] > 1:
            yield float(values[place]), int(counts[place])
