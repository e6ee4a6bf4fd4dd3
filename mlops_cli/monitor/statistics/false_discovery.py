"""Many tests at once: how sure a finding is, given how many were looked for."""

from collections.abc import Sequence


def q_values(p_values: Sequence[float]) -> list[float]:
    """Return the q-value of each p-value, in the order given.

    Reporting every test whose q is below some share keeps the expected share of false alarms
    among those reported below it; when nothing has changed at all, it is the chance of any alarm.

    Source:
        Y. Benjamini and Y. Hochberg, Controlling the false discovery rate, Journal of the
        Royal Statistical Society B 57 (1995) 289-300.

    >>> q_values([0.01, 0.04, 0.03, 0.5])
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    tests = len(p_values)
    q = [1.0] * tests
    least = 1.0
    falling = sorted(range(tests), key=lambda i: p_values[i], reverse=True)
    for smaller_or_equal, i in zip(range(tests, 0, -1), falling, strict=True):
        least = min(least, p_values[i] * tests / smaller_or_equal)
        q[i] = least
    return q
