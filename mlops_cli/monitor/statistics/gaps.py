"""What lies between two columns of numbers, found in one walk along both.

Two columns of a million rows have two million values together. Whoever makes arrays of these, as
`distribution.pair` does, waits for memory more than for sums; block by block, in the processor's
cache, all that the decision needs is had in a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor.distribution import Distribution, pair
from mlops_cli.monitor.statistics import anderson_darling
from mlops_cli.monitor.statistics.anderson_darling import AndersonDarling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class Gaps:
    """What lies between two columns of numbers.

    Attributes:
        distance: the largest gap between the two distribution functions, in 0..1.
        test: the Anderson-Darling test.
        area: between the two distribution functions, in the unit of the column; of infinite values
            it says nothing, and of the largest that there are it may be infinite.
    """

    distance: float
    test: AndersonDarling
    area: float


def between(first: Distribution, second: Distribution) -> Gaps:
    """Return what lies between two columns, each with a value, and with two together.

    >>> import numpy as np
    >>> a = Distribution("number", 4, values=np.array([1.0, 3.0]), counts=np.array([2, 2]))
    >>> b = Distribution("number", 4, values=np.array([3.0]), counts=np.array([4]))
    >>> found = between(a, b)
    >>> found.distance, found.area
    (0.5, 1.0)
    """
    import numpy as np

    if len(second.values) > len(first.values):
        first, second = second, first  # all that is found here is the same from either side
    rows, others = float(first.counts.sum()), float(second.counts.sum())
    walk = _Walk(rows, others)
    with np.errstate(over="ignore", invalid="ignore"):  # the area of infinite values
        for block in _blocks(first, second):
            walk.on(*block)
    squared = anderson_darling.of_sum(walk.squares, rows, others)
    both = None if anderson_darling.hardly_tied(walk.most, rows + others) else pair(first, second)
    tied = None if both is None else both.first + both.second
    test = anderson_darling.of_squared(squared, rows, others, tied)
    return Gaps(walk.distance, test, walk.area)


class _Walk:
    """Sums over the values of two columns so far."""

    def __init__(self, rows: float, others: float) -> None:
        self.rows, self.others = rows, others
        self.squares = self.distance = self.area = self.most = 0.0
        self._below = self._upto = self._apart = 0.0
        self._value: float | None = None

    def on(self, values: Floats, here: Floats, tied: Floats) -> None:
        """Go on over rising values, of which the first column has `here`, and both `tied`."""
        import numpy as np

        below, upto = np.cumsum(here), np.cumsum(tied)
        below += self._below
        upto += self._upto
        total = self.rows + self.others
        self.squares += anderson_darling.squares(below, upto, here, tied, self.rows, total)
        apart = np.abs(below / self.rows - (upto - below) / self.others)
        self.distance = max(self.distance, float(apart.max()))
        self.area += float((apart[:-1] * np.diff(values)).sum())  # `@` would begin threads of BLAS
        if self._value is not None:
            self.area += self._apart * float(values[0] - self._value)
        self.most = max(self.most, float(tied.max()))
        self._below, self._upto = float(below[-1]), float(upto[-1])
        self._value, self._apart = float(values[-1]), float(apart[-1])


def _blocks(first: Distribution, second: Distribution) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield the values of both, rising, a block at a time, with the counts of the first and both.

    `first` has as many values as `second`, or more.
    """
    import numpy as np

    starts = range(0, len(first.values), _BLOCK)
    inner = np.searchsorted(second.values, first.values[_BLOCK::_BLOCK]).tolist()
    cuts = [0, *inner, len(second.values)]
    for number, start in enumerate(starts):
        one, other = slice(start, start + _BLOCK), slice(cuts[number], cuts[number + 1])
        yield _merged(
            first.values[one], first.counts[one], second.values[other], second.counts[other]
        )


def _merged(
    first: Floats, first_counts: NDArray[Any], second: Floats, second_counts: NDArray[Any]
) -> tuple[Floats, Floats, Floats]:
    import numpy as np

    values = np.concatenate((first, second))
    here: Floats
    there: Floats
    order = np.argsort(values, kind="stable")  # of two rising runs: one merge
    values = values[order]
    of_first = order < len(first)
    steps = values[1:] != values[:-1]
    if not steps.all():
        place = np.cumsum(np.append(False, steps))
        values = values[np.append(True, steps)]
        here, there = np.zeros(len(values)), np.zeros(len(values))
        here[place[of_first]] = first_counts
        there[place[~of_first]] = second_counts
    elif first_counts.strides == second_counts.strides == (0,) and len(second):
        here = np.where(of_first, float(first_counts[0]), 0.0)
        there = np.where(of_first, 0.0, float(second_counts[0]))
    else:
        here, there = np.zeros(len(values)), np.zeros(len(values))
        here[of_first] = first_counts
        there[~of_first] = second_counts
    return values, here, here + there
