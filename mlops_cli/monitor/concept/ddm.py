"""DDM, the drift detection method: has a model's error rate risen above the lowest it had?"""

from __future__ import annotations

from math import inf, sqrt
from typing import Literal

State = Literal["stable", "warning", "drift"]


class DriftDetectionMethod:
    """Watches a stream of right and wrong answers; begins anew after each drift.

    Source:
        J. Gama, P. Medas, G. Castillo and P. Rodrigues, Learning with drift detection, Brazilian
        Symposium on Artificial Intelligence (2004) 286-295.

    >>> detector = DriftDetectionMethod()
    >>> states = [detector.update(wrong=number % 10 == 0 or number > 200) for number in range(260)]
    >>> states.index("warning"), states.index("drift")
    (204, 209)
    """

    def __init__(self, *, least: int = 30, warning: float = 2.0, drift: float = 3.0) -> None:
        """Watch for a rise.

        Args:
            least: after how many answers one can be found.
            warning: by how many standard deviations the rate rises before it is a warning.
            drift: by how many before it is drift.
        """
        self._least = least
        self._warning = warning
        self._drift = drift
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._rate = 0.0
        self._lowest = (inf, inf)

    def update(self, *, wrong: bool) -> State:
        """Take the next answer; return what the error rate says now."""
        self._count += 1
        self._rate += (wrong - self._rate) / self._count
        deviation = sqrt(self._rate * (1 - self._rate) / self._count)
        if self._count <= self._least:
            return "stable"
        if self._rate + deviation <= sum(self._lowest):
            self._lowest = (self._rate, deviation)
        rate, spread = self._lowest
        if self._rate + deviation > rate + self._drift * spread:
            self._begin()
            return "drift"
        return "warning" if self._rate + deviation > rate + self._warning * spread else "stable"
