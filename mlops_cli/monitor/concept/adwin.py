"""ADWIN, adaptive windowing: the longest window of a stream whose mean has not changed.

The window is kept as an exponential histogram: buckets of 1, 2, 4, ... values, a few of each size,
so that a window of n values takes memory and time in proportion to log n.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Some values in sum: their number, their sum, and the sum of squares about their mean."""

    count: int
    total: float
    squares: float

    def merged(self, other: _Bucket) -> _Bucket:
        count = self.count + other.count
        apart = self.total / self.count - other.total / other.count
        between = self.count * other.count * apart**2 / count
        return _Bucket(count, self.total + other.total, self.squares + other.squares + between)

    def without(self, other: _Bucket) -> _Bucket:
        """Return what `merged` with `other` gives this."""
        count, total = self.count - other.count, self.total - other.total
        apart = other.total / other.count - total / count
        between = other.count * count * apart**2 / self.count
        return _Bucket(count, total, self.squares - other.squares - between)


class Adwin:
    """Watches one stream; its window shrinks to the values after the last change.

    Source:
        A. Bifet and R. Gavaldà, Learning from time-changing data with adaptive windowing, SIAM
        International Conference on Data Mining (2007) 443-448, algorithm ADWIN2; the cut as of
        section 3.1 there, with the variance of the window.

    >>> detector = Adwin()
    >>> [number for number in range(200) if detector.update(float(number >= 100))]
    [127, 159]
    >>> detector.width
    112
    """

    def __init__(
        self,
        *,
        delta: float = 0.002,
        every: int = 32,
        of_a_size: int = 5,
        least: int = 5,
        grace: int = 10,
    ) -> None:
        """Watch for a change.

        Args:
            delta: the chance of a false alarm that is accepted at a check, in 0..1.
            every: after how many values a change is looked for.
            of_a_size: how many buckets there may be of each size.
            least: how many values must be on either side of a cut.
            grace: a window of up to so many values is not cut.
        """
        self._delta = delta
        self._every = every
        self._of_a_size = of_a_size
        self._least = least
        self._grace = grace
        self._seen = 0
        self._rows: list[deque[_Bucket]] = [deque()]
        self._window = _Bucket(0, 0.0, 0.0)

    @property
    def width(self) -> int:
        """How many values the window holds."""
        return self._window.count

    @property
    def mean(self) -> float:
        """The mean of the window; 0 while it is empty."""
        return self._window.total / self.width if self.width else 0.0

    @property
    def variance(self) -> float:
        """The variance of the window about its mean; 0 while it is empty."""
        return self._window.squares / self.width if self.width else 0.0

    def update(self, value: float) -> bool:
        """Take the next value; return whether the mean was found to have changed."""
        one = _Bucket(1, value, 0.0)
        self._seen += 1
        self._rows[0].append(one)
        self._window = self._window.merged(one) if self.width else one
        self._compress()
        if self._seen % self._every or self.width <= self._grace:
            return False
        found = False
        while self._cut():
            found = True
        return found

    def _compress(self) -> None:
        """Where there are too many buckets of a size, merge the two oldest."""
        for level, row in enumerate(self._rows):
            if len(row) <= self._of_a_size:
                return
            if level + 1 == len(self._rows):
                self._rows.append(deque())
            self._rows[level + 1].append(row.popleft().merged(row.popleft()))

    def _cut(self) -> bool:
        """Drop the oldest bucket if the means on both sides of some cut differ too much."""
        for old, new in self._cuts():
            if min(old.count, new.count) >= self._least and self._differ(old, new):
                self._drop()
                return True
        return False

    def _cuts(self) -> Iterator[tuple[_Bucket, _Bucket]]:
        """Yield what is before and after each place between two buckets, oldest first."""
        count, total = 0, 0.0
        buckets = [bucket for row in reversed(self._rows) for bucket in row]
        for bucket, _ in pairwise(buckets):
            count, total = count + bucket.count, total + bucket.total
            rest = _Bucket(self.width - count, self._window.total - total, 0.0)
            yield _Bucket(count, total, 0.0), rest

    def _differ(self, old: _Bucket, new: _Bucket) -> bool:
        sure = log(2 * log(self.width) / self._delta)
        few = 1 / (old.count - self._least + 1) + 1 / (new.count - self._least + 1)
        bound = sqrt(2 * few * self.variance * sure) + 2 / 3 * sure * few
        return abs(old.total / old.count - new.total / new.count) > bound

    def _drop(self) -> None:
        oldest = self._rows[-1].popleft()
        self._window = self._window.without(oldest)
        while len(self._rows) > 1 and not self._rows[-1]:
            self._rows.pop()
