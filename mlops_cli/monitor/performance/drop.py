"""Whether a metric is worse than that of the reference by more than chance.

Both are samples. A share is compared by Fisher's test, which errs no more often than it says in a
sample of any size. Any other metric is compared by the difference over its standard error, which
takes the larger of the two spreads for both: they are alike when nothing has changed, and in a
small sample of skewed errors a low error comes with a spread that is far too small.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from mlops_cli.monitor.performance.measure import LOSSES, Measure
from mlops_cli.registry.evaluation.bootstrap import CONFIDENCE
from mlops_cli.registry.sequential import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 10
"""Where all labels count alike, nothing is tested with fewer rows of the rarest."""
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def p_value(metric: str, before: Measure, now: Measure) -> float | None:
    """Return how likely so large a drop is when nothing has changed; None if it cannot be said."""
    if not (now.value == now.value and before.value == before.value):
        return None
    if before.part is not None and now.part is not None:
        return fisher(*now.part, *before.part)
    if min(before.fewest, now.fewest) < FEWEST:
        return None
    return _student(loss(metric, before, now), before, now)


def of_estimates(
    metric: str, before: Measure, sure: Measure, now: Measure, learned: Measure | None = None
) -> float | None:
    """Return how likely an estimate is so much worse when nothing has changed; None if unknown.

    An estimate varies with what was asked only; that of the reference also by the labels that it
    was learned from, which `sure` has the spread of. So does one that goes by newer labels:
    `learned` is the metric of these.
    """
    if not (now.value == now.value and before.value == before.value):
        return None
    if learned is not None and learned.value != learned.value:
        return None
    least = now.fewest if learned is None else min(now.fewest, learned.fewest)
    if least < FEWEST:
        return None
    spread = max(before.spread, now.spread)
    variance = spread**2 / now.rows + max(sure.spread, spread) ** 2 / sure.rows
    if learned is not None:
        variance += max(learned.spread, spread) ** 2 / learned.rows
    return _tail(loss(metric, before, now), sqrt(variance), least - 1)


def loss(metric: str, before: Measure, now: Measure) -> float:
    """Return by how much a metric is worse, in its unit; negative where it is better."""
    gap = now.value - before.value
    if metric == "bias":
        return abs(now.value) - abs(before.value)
    return gap if metric in LOSSES else -gap


def fisher(hits: int, rows: int, hits_before: int, rows_before: int) -> float:
    """Return how likely so few hits are, given all hits and rows, when both shares are equal.

    Source:
        R. A. Fisher, The logic of inductive inference, J. R. Stat. Soc. 98 (1935) 39-82.

    >>> round(fisher(1, 10, 11, 14), 9)
    0.001379728
    """
    import numpy as np
    from scipy.special import gammaln

    total, marked = rows + rows_before, hits + hits_before
    least = max(0, marked - rows_before)
    possible = np.arange(least, hits + 1, dtype=float)

    logs = (
        _ways(gammaln, marked, possible)
        + _ways(gammaln, total - marked, rows - possible)
        - _ways(gammaln, total, np.array([float(rows)]))
    )
    return float(min(np.exp(logs).sum(), 1.0))


def _ways(log_gamma: Callable[[Floats | float], Floats], of: int, some: Floats) -> Floats:
    """Return the logarithm of how many ways there are to choose some."""
    return log_gamma(of + 1.0) - log_gamma(some + 1.0) - log_gamma(of - some + 1.0)


def interval(metric: str, now: Measure) -> tuple[float | None, float | None]:
    """Return the ends of the 95 % interval of a metric; None where it has none.

    Wilson's of a share; else by the standard error, within what the metric can be.
    """
    if now.value != now.value:
        return None, None
    if now.part is not None:
        found = wilson(*now.part)
        if metric == "f1":
            return 2 * found.low / (1 + found.low), 2 * found.high / (1 + found.high)
        return found.low, found.high
    return around(metric, now.value, now.error)


def around(metric: str, value: float, error: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval about a value, within what the metric can be."""
    least, most = _limits(metric)
    return max(value - _Z * error, least), min(value + _Z * error, most)


def _limits(metric: str) -> tuple[float, float]:
    if metric == "bias":
        return -inf, inf
    if metric == "r2":
        return -inf, 1.0
    return 0.0, inf if metric in LOSSES - {"brier"} else 1.0


def _student(gap: float, before: Measure, now: Measure) -> float:
    error = max(before.spread, now.spread) * sqrt(1 / before.rows + 1 / now.rows)
    return _tail(gap, error, min(before.fewest, now.fewest) - 1)


def _tail(gap: float, error: float, freedom: int) -> float:
    from scipy.special import stdtr

    if not error:
        return 0.0 if gap > 0 else 1.0
    return float(stdtr(freedom, -gap / error))
