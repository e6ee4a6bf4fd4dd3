"""Curves of any number of points, kept as a few hundred that look the same."""

import math

from mlops_cli.core.records import dataclass

POINTS = 1_000
"""A curve is kept as at most about so many points."""


@dataclass(slots=True)
class _Bucket:
    """Neighbouring points, told by the lowest and the highest of them."""

    count: int
    low: tuple[float, float]
    high: tuple[float, float]

    def take(self, other: "_Bucket") -> None:
        self.count += other.count
        if other.low[1] < self.low[1]:
            self.low = other.low
        if other.high[1] > self.high[1]:
            self.high = other.high


class Curve:
    """Takes points in order and forgets most: of each few neighbours it keeps least and greatest.

    When there are too many, two neighbours become one, so the memory stays the same.
    """

    def __init__(self, points: int = POINTS) -> None:
        self.count = 0
        """How many points there were."""
        self.broken = 0
        """How many of them were no numbers or infinite; they are not in the curve."""
        self.last: tuple[float, float] | None = None
        """The last point that is in the curve."""
        self._most = points // 2
        self._width = 1
        self._buckets: list[_Bucket] = []

    def add(self, at: float, value: float) -> None:
        """Take the next point."""
        self.count += 1
        if not math.isfinite(value):
            self.broken += 1
            return
        self.last = at, value
        buckets = self._buckets
        if buckets and buckets[-1].count < self._width:
            last = buckets[-1]
            last.count += 1
            if value < last.low[1]:
                last.low = (at, value)
            elif value > last.high[1]:
                last.high = (at, value)
            return
        if len(buckets) >= self._most:
            self._halve()
        self._buckets.append(_Bucket(1, (at, value), (at, value)))

    def thin(self, points: int) -> None:
        """Keep only about so many points."""
        self._most = max(1, points // 2)
        while len(self._buckets) > self._most:
            self._halve()

    def points(self) -> list[tuple[float, float]]:
        """Return what is left of the points, by where they are."""
        found = {point for bucket in self._buckets for point in (bucket.low, bucket.high)}
        return sorted(found if self.last is None else found | {self.last})

    def _halve(self) -> None:
        self._width *= 2
        kept = self._buckets[::2]
        for bucket, other in zip(kept, self._buckets[1::2], strict=False):
            bucket.take(other)
        self._buckets = kept
