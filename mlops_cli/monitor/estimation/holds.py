"""Whether what was learned of a model's answers holds for newer rows whose truth is known.

Both the rows that it was learned from and the newer ones are samples, so two are compared: nothing
is held against a curve that was learned of few rows as if it were the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from mlops_cli.monitor.statistics.false_discovery import q_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

_TENTHS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Rows of a classifier: how likely each answer was right, whether it was, and what it was.

    `sure` is the score that the model gave its answer. Tenths go by that: what is learned of rows
    must not say into which of them these fall.
    """

    sure: Floats
    expected: Floats
    right: Floats
    said: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Lost:
    """Rows of a regressor: the loss that was expected of each, and the true one."""

    expected: Floats
    true: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Off:
    """How far newer rows are from what was expected of them.

    Attributes:
        p: how likely that is when nothing has changed.
        residuals: what was found less what was expected, row by row, of the rows that show it most;
            0 of the others.
        variances: how much each residual varies by chance.
    """

    p: float
    residuals: Floats
    variances: Floats


def of_answers(older: Answered, newer: Answered) -> Off:
    """Return whether answers are right as often as expected: all, by answer, by how sure each is.

    In each group the number of right answers is compared with what the older rows foretell (a
    beta-binomial distribution, which reckons with how many these are), as Hosmer and Lemeshow
    compare tenths; p is Simes' of all groups.

    Source:
        D. W. Hosmer and S. Lemeshow, Goodness of fit tests for the multiple logistic regression
        model, Commun. Stat. A 9 (1980) 1043-1069; R. J. Simes, An improved Bonferroni procedure for
        multiple tests of significance, Biometrika 73 (1986) 751-754.

    Args:
        older: the rows that what is expected was learned from, left out when it was.
        newer: at least one row.
    """
    import numpy as np

    found: list[tuple[float, Off]] = []
    for before, now in _groups(older, newer):
        rows, behind = int(now.sum()), int(before.sum())
        if not rows:
            continue
        usual = float((older.right - older.expected)[before].mean()) if behind else 0.0
        expected = np.clip(newer.expected + usual, 0.0, 1.0)
        share = float(expected[now].mean())
        p = surprise(int(newer.right[now].sum()), rows, share, behind)
        smooth = (expected * behind + 0.5) / (behind + 1)
        off = Off(p, np.where(now, newer.right - expected, 0.0), now * smooth * (1 - smooth))
        found.append((p, off))
    least = min(range(len(found)), key=lambda place: found[place][0])
    worst = found[least][1]
    return Off(min(q_values([p for p, _ in found])), worst.residuals, worst.variances)


def _groups(older: Answered, newer: Answered) -> Iterator[tuple[Booleans, Booleans]]:
    """Yield which rows are of a group, on either side."""
    import numpy as np

    yield np.ones(len(older.said), dtype=np.bool_), np.ones(len(newer.said), dtype=np.bool_)
    for one in np.unique(newer.said):
        yield older.said == one, newer.said == one
    edges = np.unique(np.quantile(older.sure, np.arange(1, _TENTHS) / _TENTHS))
    before = np.searchsorted(edges, older.sure, side="right")
    now = np.searchsorted(edges, newer.sure, side="right")
    for place in range(len(edges) + 1):
        yield before == place, now == place


def surprise(hits: int, rows: int, share: float, behind: int) -> float:
    """Return how likely so many hits, or as few, are: of rows with a share known from others.

    Args:
        hits: how many there are, in 0..rows.
        rows: of how many, at least one.
        share: how many are expected, in 0..1.
        behind: from how many rows that is known.

    >>> round(surprise(0, 10, 0.5, 10**9), 5), surprise(5, 10, 0.5, 100)
    (0.00195, 1.0)
    >>> surprise(50, 50, 1.0, 1000), round(surprise(47, 50, 1.0, 1000), 6)
    (1.0, 0.000204)
    """
    import numpy as np

    some = np.arange(rows + 1, dtype=float)
    right, wrong = behind * share, behind * (1 - share)
    few = np.exp(_logs(some[: hits + 1], rows, right, wrong + 1)).sum() if right else 1.0
    many = np.exp(_logs(some[hits:], rows, right + 1, wrong)).sum() if wrong else 1.0
    return min(2 * float(few), 2 * float(many), 1.0)


def _logs(some: Floats, rows: int, right: float, wrong: float) -> Floats:
    """Return the logarithm of how likely each number of hits is."""
    from scipy.special import betaln, gammaln

    ways = gammaln(rows + 1.0) - gammaln(some + 1) - gammaln(rows - some + 1)
    logs: Floats = ways + betaln(some + right, rows - some + wrong) - betaln(right, wrong)
    return logs


def of_losses(older: Lost, newer: Lost) -> Off:
    """Return whether losses are as large as expected: Student's test of two samples.

    The larger of both spreads counts for both, as where metrics are compared.
    """
    import numpy as np
    from scipy.special import stdtr

    before, now = older.true - older.expected, newer.true - newer.expected
    rows, behind = len(now), len(before)
    spread = max(float(before.std()), float(now.std()))
    error = spread * sqrt(1 / rows + 1 / behind)
    gap = abs(float(now.mean() - before.mean()))
    if not error:
        p = 0.0 if gap else 1.0
    else:
        p = float(2 * stdtr(min(rows, behind) - 1, -gap / error))
    return Off(p, now - before.mean(), np.full(rows, spread**2))
