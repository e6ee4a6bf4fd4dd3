"""One column of one table in sum: all that a comparison needs to know of it, and not its rows.

What makes them is in `sources`; a table is whatever gives one for each of its columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mlops_cli.monitor.kinds import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.monitor.words import Words

    Values = NDArray[np.float64]
    Counts = NDArray[Any]

MOST_DISTINCT = 0.5
"""A column of texts of which a larger share is distinct holds names, not categories."""


def _none() -> Any:
    import numpy as np

    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """How the values of one column are distributed.

    Attributes:
        kind: what the values are; `empty` when there is none.
        rows: of the table, those without a value included.
        nulls: rows without a value. NaN is none; infinity is one.
        infinite: how many values are infinite.
        values: the distinct values, rising: numbers, booleans as 0 and 1, moments in seconds since
            1970, of categories the lengths of the texts; shape (k,).
        counts: how many rows each of `values` stands for, shape (k,), > 0; whole numbers, but
            floats where `values` are estimated. Not to be written to.
        categories: how often each text is there; empty of names (see `MOST_DISTINCT`).
        others: how many rows have a text that is not among `categories`.
        distinct: how many different values there are.
        error: by how much a distribution function made of `values`, or the share of a category,
            may be off; 0 when all is exact.
        words: of names the words they have, where the texts themselves were at hand; else None.
    """

    kind: Kind
    rows: int
    nulls: int = 0
    infinite: int = 0
    values: Values = field(default_factory=_none)
    counts: Counts = field(default_factory=_none)
    categories: Mapping[str, int] = field(default_factory=dict)
    others: int = 0
    distinct: int = 0
    error: float = 0.0
    words: Words | None = None

    @property
    def present(self) -> int:
        """How many rows have a value."""
        return self.rows - self.nulls

    @property
    def names(self) -> bool:
        """Whether the values are texts of which most are distinct."""
        return self.kind == "category" and self.distinct > MOST_DISTINCT * self.present


class Table(Protocol):
    """Columns side by side. One is summed when it is asked for, and not kept.

    `names` are in order, and may repeat: then it is not for `column` to say which is meant.
    `column` may be called by several threads at once, and raises what reading the table raises.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The values of two columns together, rising, and how often each column has each.

    All have the shape (k,). A count may be 0 on one side, not on both.
    """

    values: Values
    first: Counts
    second: Counts


def counted(rising: Values) -> tuple[Values, Counts]:
    """Return the distinct values of a sample in rising order, and how often each is there.

    >>> import numpy as np
    >>> [each.tolist() for each in counted(np.array([1.0, 1.0, 3.0]))]
    [[1.0, 3.0], [2, 1]]
    """
    import numpy as np

    steps = rising[1:] != rising[:-1]
    if steps.all():
        return rising, np.broadcast_to(np.int64(1), rising.shape)
    starts = np.flatnonzero(np.append(True, steps))
    return rising[starts], np.diff(np.append(starts, len(rising)))


def places(counts: Counts, ranks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return at which of some values the rows of these ranks are, the first row having rank 0.

    >>> import numpy as np
    >>> places(np.array([2, 1]), np.array([0.0, 1.0, 2.0])).tolist()
    [0, 0, 1]
    """
    import numpy as np

    if counts.strides == (0,) and len(counts):  # all stand for equally many: no need to add them
        found = (ranks / counts[0]).astype(np.int64)
    else:
        found = np.searchsorted(np.cumsum(counts), ranks.astype(counts.dtype), side="right")
    at: NDArray[np.int64] = np.minimum(found, len(counts) - 1)
    return at


def rows_before(counts: Counts, places: NDArray[np.int64]) -> Counts:
    """Return how many rows have a value that is before some places, each of 0 up to len(counts).

    >>> import numpy as np
    >>> rows_before(np.array([2, 1]), np.array([0, 1, 2])).tolist()
    [0, 2, 3]
    """
    import numpy as np

    if counts.strides == (0,) and len(counts):
        return np.asarray(places * counts[0])
    return np.asarray(np.append(counts[:0].sum(), np.cumsum(counts))[places])


def pair(first: Distribution, second: Distribution) -> Pair:
    """Return the values of two columns of numbers together.

    >>> import numpy as np
    >>> a = Distribution("number", 3, values=np.array([1.0, 3.0]), counts=np.array([2, 1]))
    >>> b = Distribution("number", 1, values=np.array([3.0]), counts=np.array([1]))
    >>> both = pair(a, b)
    >>> both.values.tolist(), both.first.tolist(), both.second.tolist()
    ([1.0, 3.0], [2, 1], [0, 1])
    """
    import numpy as np

    values = np.concatenate((first.values, second.values))
    order = np.argsort(values, kind="stable")  # of two rising runs: one merge
    values = values[order]
    of_first = order < len(first.values)
    steps = values[1:] != values[:-1]
    place = np.arange(len(values)) if steps.all() else np.cumsum(np.append(False, steps))
    if not steps.all():
        values = values[np.append(True, steps)]
    return Pair(
        values,
        _placed(first.counts, place[of_first], len(values)),
        _placed(second.counts, place[~of_first], len(values)),
    )


def _placed(counts: Counts, place: NDArray[np.int64], size: int) -> Counts:
    import numpy as np

    found = np.zeros(size, counts.dtype)
    found[place] = counts
    return found


def categories(
    first: Distribution, second: Distribution
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return the categories of two columns, and how often each column has each.

    Commonest of both together first, then by name. Where a column does not tell all of its
    categories, those that it does not tell are one, `OTHERS`, on both sides, and come last.
    """
    import numpy as np

    names = set(first.categories) | set(second.categories)
    for one in (first, second):
        if one.others:
            names &= set(one.categories)
    each = [(name, first.categories.get(name, 0), second.categories.get(name, 0)) for name in names]
    each.sort(key=lambda one: (-one[1] - one[2], one[0]))
    if first.others or second.others:
        each.append((OTHERS, _left(first, names), _left(second, names)))
    counts = np.array([one[1:] for one in each], np.int64).reshape(-1, 2)
    return [one[0] for one in each], counts[:, 0], counts[:, 1]


OTHERS = "(others)"
"""What all categories that a column does not tell are called."""


def _left(one: Distribution, names: set[str]) -> int:
    return one.others + sum(n for name, n in one.categories.items() if name not in names)


def repeated(names: Sequence[str]) -> str | None:
    """Return the first name that is there twice, None when each is there once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
