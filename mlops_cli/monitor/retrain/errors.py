"""Whether a model is wrong more often than it was, and since when.

Its answers are looked at in blocks of rows in the order of time. Rows near each other are alike in
real streams, so the share of wrong ones varies from block to block by more than chance alone would
have it. That spread is measured, and what is called a rise has to stand out from it.
"""

from __future__ import annotations

from math import erfc, log, sqrt
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 100
"""Rows of a block."""
ALPHA = 1e-3
"""How often chance alone may look like a rise at a look."""
_ENDS = (1, 2, 4, 8, 16, 32)
"""So many of the newest blocks are compared with those before."""
_LEAST_ROWS = 100
"""What is compared with has to be of so many rows."""
_FEW_BLOCKS = 4
"""A spread is measured on so many blocks at least."""
_PRIOR_BLOCKS = 8
"""What was known of the spread before counts as much as so many blocks."""
_CERTAIN = 1e-4


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of a version before it answered: how often it was wrong.

    Attributes:
        wrong: of `rows` that it was compared with the truth on.
        spread: how many times as much blocks vary as by chance, >= 1.
    """

    wrong: int = 0
    rows: int = 0
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Rise:
    """What was found: the shares of wrong answers before and in the newest `rows`.

    `p` is how likely that is by chance, with all looks at other numbers of blocks.
    """

    before: float
    now: float
    rows: int
    p: float
    spread: float


@dataclass(frozen=True, slots=True)
class Blocks:
    """How many answers were wrong in each block of rows, oldest first."""

    wrong: tuple[int, ...]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)


def blocks(wrong: NDArray[np.bool_], size: int = BLOCK) -> Blocks:
    """Return what was right and wrong in whole blocks; rows that fill none yet are left out.

    >>> import numpy as np
    >>> blocks(np.arange(10) > 6, size=4)
    Blocks(wrong=(0, 1), rows=(4, 4))
    """
    whole = len(wrong) // size
    counts = wrong[: whole * size].reshape(whole, size).sum(axis=1)
    return Blocks(tuple(counts.tolist()), (size,) * whole)


def spread(found: Blocks) -> float | None:
    """Return how many times as much blocks vary as by chance, at least 1; None for too few.

    It is Pearson's statistic by its degrees of freedom, the dispersion of a quasi-binomial model.

    Source:
        P. McCullagh and J. A. Nelder, Generalized Linear Models (1989), section 4.5.

    >>> spread(Blocks((10, 10, 10, 10), (100,) * 4)), spread(Blocks((0, 20, 0, 20), (100,) * 4))
    (1.0, 14.814814814814815)
    """
    if len(found) < _FEW_BLOCKS:
        return None
    share = _inside(sum(found.wrong) / sum(found.rows))
    squares = sum(
        (wrong - rows * share) ** 2 / (rows * share * (1 - share))
        for wrong, rows in zip(found.wrong, found.rows, strict=True)
    )
    return max(1.0, squares / (len(found) - 1))


def risen(found: Blocks, base: Base, *, rise: float, alpha: float = ALPHA) -> Rise | None:
    """Return the clearest rise of errors in the newest blocks; None where there is none.

    The newest 1, 2, 4, ... blocks are compared with all before and with `base`, by a normal test
    of two shares that allows for the spread; what it finds counts from `rise` on.

    >>> steady = Blocks((10, 12, 9, 11), (100,) * 4)
    >>> risen(steady, Base(100, 1000), rise=0.02) is None
    True
    >>> found = risen(Blocks((10, 12, 9, 40), (100,) * 4), Base(100, 1000), rise=0.02)
    >>> round(found.before, 3), found.now, found.rows
    (0.101, 0.4, 100)
    """
    tried = [count for count in _ENDS if count <= len(found)]
    best: tuple[float, Rise] | None = None
    for count in tried:
        start = len(found) - count
        before = Blocks(found.wrong[:start], found.rows[:start])
        wrong, rows = sum(before.wrong) + base.wrong, sum(before.rows) + base.rows
        late, late_rows = sum(found.wrong[start:]), sum(found.rows[start:])
        if rows < _LEAST_ROWS or late / late_rows - wrong / rows < rise:
            continue
        share = _inside((wrong + late) / (rows + late_rows))
        varies = _spread_of(before, base)
        z = (late / late_rows - wrong / rows) / sqrt(
            varies * share * (1 - share) * (1 / rows + 1 / late_rows)
        )
        p = min(1.0, erfc(z / sqrt(2)) / 2 * len(tried))
        if p < alpha and (best is None or z > best[0]):
            best = z, Rise(wrong / rows, late / late_rows, late_rows, p, varies)
    return None if best is None else best[1]


def change_point(found: Blocks, base: Base) -> int:
    """Return the first block after the change: the split that makes what was seen likeliest.

    Source:
        D. V. Hinkley and E. A. Hinkley, Inference about the change-point in a sequence of binomial
        variables, Biometrika 57 (1970) 477-488.

    >>> change_point(Blocks((10, 12, 9, 40, 38), (100,) * 5), Base(100, 1000))
    3
    """
    best, place = float("-inf"), 0
    wrong, rows = base.wrong, base.rows
    late, late_rows = sum(found.wrong), sum(found.rows)
    for at, (here, many) in enumerate(zip(found.wrong, found.rows, strict=True)):
        worse = not rows or late / late_rows > wrong / rows
        likely = _likelihood(wrong, rows) + _likelihood(late, late_rows)
        if worse and likely > best:
            best, place = likely, at
        wrong, rows = wrong + here, rows + many
        late, late_rows = late - here, late_rows - many
    return place


def _spread_of(before: Blocks, base: Base) -> float:
    """Return the spread that blocks show, with what was known before they came."""
    shown = spread(before)
    if shown is None:
        return base.spread
    known = _PRIOR_BLOCKS * base.spread
    return (shown * len(before) + known) / (len(before) + _PRIOR_BLOCKS)


def _likelihood(wrong: int, rows: int) -> float:
    if not rows:
        return 0.0
    share = min(max(wrong / rows, _CERTAIN), 1 - _CERTAIN)
    return wrong * log(share) + (rows - wrong) * log(1 - share)


def _inside(share: float) -> float:
    return min(max(share, 1e-3), 1 - 1e-3)
