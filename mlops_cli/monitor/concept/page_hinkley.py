"""The Page-Hinkley test: has the mean of a stream moved away from what it was so far?"""

from __future__ import annotations

from typing import Literal

Direction = Literal["up", "down", "both"]


class PageHinkley:
    """Watches one stream; begins anew after each change that it found.

    Source:
        E. S. Page, Continuous inspection schemes, Biometrika 41 (1954) 100-115; D. V. Hinkley,
        Inference about the change-point from cumulative sum tests, Biometrika 58 (1971) 509-523;
        with the fading of J. Gama, R. Sebastião and P. P. Rodrigues, On evaluating stream
        learning algorithms, Machine Learning 90 (2013) 317-346.

    >>> detector = PageHinkley(threshold=5.0)
    >>> [number for number in range(100) if detector.update(float(number >= 60))]
    [65]
    """

    def __init__(
        self,
        *,
        least: int = 30,
        tolerated: float = 0.005,
        threshold: float = 50.0,
        fading: float = 1 - 1e-4,
        direction: Direction = "both",
    ) -> None:
        """Watch for a change.

        Args:
            least: how many values there must be before one can be found.
            tolerated: the change of the mean that is none, in the unit of the values.
            threshold: how far the sum of deviations goes before it is one, in that unit.
            fading: what the sum so far is multiplied by with each value, in 0..1.
            direction: which change of the mean counts.
        """
        self._least = least
        self._tolerated = tolerated
        self._threshold = threshold
        self._fading = fading
        self._direction = direction
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._rise = self._fall = 0.0
        self._lowest_rise = float("inf")
        self._highest_fall = -1.0

    def update(self, value: float) -> bool:
        """Take the next value; return whether the mean has changed with it."""
        self._count += 1
        self._mean += (value - self._mean) / self._count
        deviation = value - self._mean
        self._rise = self._fading * self._rise + deviation - self._tolerated
        self._fall = self._fading * self._fall + deviation + self._tolerated
        self._lowest_rise = min(self._lowest_rise, self._rise)
        self._highest_fall = max(self._highest_fall, self._fall)
        if self._count < self._least:
            return False
        up = self._rise - self._lowest_rise > self._threshold
        down = self._highest_fall - self._fall > self._threshold
        changed = (up and self._direction != "down") or (down and self._direction != "up")
        if changed:
            self._begin()
        return changed
