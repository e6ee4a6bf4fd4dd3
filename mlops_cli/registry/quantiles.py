"""How the values of a stream are spread, in bounded memory: exact while they are few."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

KEPT = 4096
"""Values in one buffer. With 1e9 values no rank is off by more than 0.25 %, with 1e6 by 0.1 %."""


def rank_error(values: int) -> float:
    """Return by how much the rank of a value may be off among so many, in 0..1.

    >>> rank_error(5_000), rank_error(1_000_000), rank_error(1_000_000_000)
    (0.0, 0.001, 0.0025)
    """
    if values <= 2 * KEPT:
        return 0.0
    return 0.001 if values <= 1_000_000 else 0.0025


@dataclass(slots=True)
class Quantiles:
    """The ranks of all values seen. The same values in the same order give the same answer.

    A buffer of level `i` stands for `2**i` values each. Two full buffers of one level are sorted
    together, and every other value goes up a level; which ones alternates, so that errors cancel.

    Source:
        G. S. Manku, S. Rajagopalan, B. G. Lindsay, Approximate Medians and other Quantiles in One
        Pass and with Limited Memory, SIGMOD 1998.
    """

    levels: "list[np.ndarray[Any, Any]]" = field(default_factory=list)
    odd: list[bool] = field(default_factory=list)

    def add(self, values: "np.ndarray[Any, Any]") -> None:
        """Add finite numbers, in any order."""
        import numpy as np

        for start in range(0, len(values), KEPT):
            self._put(0, np.sort(values[start : start + KEPT]))

    def _put(self, level: int, values: "np.ndarray[Any, Any]") -> None:
        import numpy as np

        while True:
            if level == len(self.levels):
                self.levels.append(np.empty(0))
                self.odd.append(False)
            held = np.sort(np.concatenate([self.levels[level], values]), kind="stable")
            if len(held) <= 2 * KEPT:
                self.levels[level] = held
                return
            even = len(held) - len(held) % 2
            values = held[int(self.odd[level]) : even : 2]
            self.odd[level] = not self.odd[level]
            self.levels[level] = held[even:]
            level += 1

    def grid(self, points: int) -> "np.ndarray[Any, Any]":
        """Return the values at `points` ranks, evenly spread over all, smallest and largest first
        and last; shape (points,), or empty when there was no value.

        >>> import numpy as np
        >>> seen = Quantiles()
        >>> seen.add(np.arange(101.0))
        >>> seen.grid(5).tolist()
        [0.0, 25.0, 50.0, 75.0, 100.0]
        """
        import numpy as np

        if not any(map(len, self.levels)):
            return np.empty(0)
        values = np.concatenate(self.levels)
        weights = np.concatenate(
            [np.full(len(held), 2.0**level) for level, held in enumerate(self.levels)]
        )
        order = np.argsort(values, kind="stable")
        ends = np.cumsum(weights[order])
        ranks = np.linspace(0, ends[-1] - 1, points)
        found: np.ndarray[Any, Any] = values[order][np.searchsorted(ends, ranks, side="right")]
        return found
