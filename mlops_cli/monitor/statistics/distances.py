"""How far apart two distributions are, by the measures that people know by name.

They are reported, and decide nothing alone: each depends on the bins or on the unit of a column,
and lies far from zero for small samples of one and the same distribution.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[Any]

HALF = 0.5
"""What is added to each count, so that an empty bin has a logarithm."""


def population_stability(first: Counts, second: Counts, *, half: float = HALF) -> float:
    """Return the population stability index, also known as Jeffreys' divergence, >= 0, in nats.

    The sum over bins of (q - p) log(q / p), where half a row is added to each bin of both samples.

    Args:
        first: rows of one sample in each bin, shape (k,).
        second: those of the other in the same bins.
        half: what to add to each; 0 only where no bin is empty.

    Source:
        H. Jeffreys, An invariant form for the prior probability in estimation problems,
        Proceedings of the Royal Society A 186 (1946) 453-461; as an index in scoring: E. Lewis,
        An introduction to credit scoring, 1994.

    >>> import numpy as np
    >>> round(population_stability(np.array([50, 50]), np.array([80, 20])), 6)
    0.406287
    """
    import numpy as np

    p, q = _shares(first + half), _shares(second + half)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(first: Counts, second: Counts) -> float:
    """Return the Jensen-Shannon distance, in 0..1: the root of the divergence in bits.

    Arguments as of `population_stability`.

    Source:
        J. Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information
        Theory 37 (1991) 145-151; D. M. Endres and J. E. Schindelin, A new metric for
        probability distributions, ibid. 49 (2003) 1858-1860.

    >>> import numpy as np
    >>> jensen_shannon(np.array([5, 0]), np.array([0, 9]))
    1.0
    """
    p, q = _shares(first), _shares(second)
    nats = (_divergence(p, (p + q) / 2) + _divergence(q, (p + q) / 2)) / 2
    return sqrt(max(nats, 0.0) / log(2))


def hellinger(first: Counts, second: Counts) -> float:
    """Return the Hellinger distance, in 0..1. Arguments as of `population_stability`.

    Source:
        E. Hellinger, Neue Begründung der Theorie quadratischer Formen von unendlichvielen
        Veränderlichen, Journal für die reine und angewandte Mathematik 136 (1909) 210-271.

    >>> import numpy as np
    >>> hellinger(np.array([5, 0]), np.array([0, 9]))
    1.0
    """
    import numpy as np

    p, q = _shares(first), _shares(second)
    return float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2))


def wasserstein(values: Floats, first: Counts, second: Counts) -> float:
    """Return the 1-Wasserstein or earth mover's distance of two samples, in their unit.

    The area between their distribution functions.

    Args:
        values: shape (k,), k >= 1, rising, finite.
        first: rows of one sample at each value, shape (k,), sum > 0.
        second: those of the other.

    Source:
        S. S. Vallender, Calculation of the Wasserstein distance between probability
        distributions on the line, Theory of Probability and its Applications 18 (1974) 784-786.

    >>> import numpy as np
    >>> wasserstein(np.array([1.0, 2.0, 3.0, 5.0]), np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]))
    2.5
    """
    import numpy as np

    gaps = np.abs(np.cumsum(_shares(first)) - np.cumsum(_shares(second)))[:-1]
    return float((gaps * np.diff(values)).sum())


def _shares(counts: NDArray[np.generic]) -> Floats:
    import numpy as np

    values = np.asarray(counts, np.float64)
    return values / float(values.sum())


def _divergence(p: Floats, q: Floats) -> float:
    """Return that of Kullback and Leibler, in nats; q is not zero where p is not."""
    import numpy as np

    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())
