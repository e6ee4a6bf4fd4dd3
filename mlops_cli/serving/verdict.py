"""Whether a new version is worse than the one it is to replace: two tests, and when to look.

To look again and again at growing data raises the chance of a false alarm. So there are looks
only after `least`, twice, four times ... as many requests to the new version, and each may
spend half as much of the chance as the one before: over any number of looks a version that is as
good as the old one is sent back with a probability of at most `alpha`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, erfc, exp, lgamma, log, sqrt

from mlops_cli.serving.metrics import STEP, Outcomes

_NEGLIGIBLE = 1e-18


@dataclass(frozen=True, slots=True)
class Rules:
    """When a version is worse.

    Attributes:
        least: requests to the new version before the first look.
        alpha: the probability of a false alarm, over all looks, in 0..1.
        latency_factor: as many times as slow is still good enough.
    """

    least: int = 50
    alpha: float = 0.01
    latency_factor: float = 1.5


@dataclass(frozen=True, slots=True)
class Worse:
    """What a look found: the test, what it compared, and how likely that is by chance."""

    test: str
    old: str
    new: str
    p: float
    limit: float
    requests: int

    def __str__(self) -> str:
        return f"{self.test} {self.new}, before {self.old} (p = {self.p:.2g} < {self.limit:.2g})"


class Looks:
    """The looks at one new version; `judge` is called as often as one likes."""

    def __init__(self, rules: Rules) -> None:
        """Look by `rules`."""
        self._rules = rules
        self._next = rules.least
        self._alpha = rules.alpha / 2

    @property
    def next(self) -> int:
        """How many requests to the new version the next look needs."""
        return self._next

    def judge(self, old: Outcomes, new: Outcomes) -> Worse | None:
        """Return why the new version is worse; None if it is not, or no look is due."""
        if new.requests < self._next:
            return None
        limit = self._alpha / 2  # there are two tests
        while self._next <= new.requests:
            self._next *= 2
            self._alpha /= 2
        return _errors(old, new, limit) or _latency(old, new, limit, self._rules.latency_factor)


def _errors(old: Outcomes, new: Outcomes, limit: float) -> Worse | None:
    p = more_errors(old.bad, old.requests, new.bad, new.requests)
    if p >= limit:
        return None
    was, is_ = old.bad / max(old.requests, 1), new.bad / new.requests
    return Worse("share of errors", f"{was:.2%}", f"{is_:.2%}", p, limit, new.requests)


def _latency(old: Outcomes, new: Outcomes, limit: float, factor: float) -> Worse | None:
    p = slower(old.seconds, new.seconds, factor=factor)
    if p >= limit:
        return None
    was, is_ = _median(old.seconds), _median(new.seconds)
    return Worse("time of a call", f"{was:.3g} ms", f"{is_:.3g} ms", p, limit, new.requests)


def more_errors(old_bad: int, old: int, new_bad: int, new: int) -> float:
    """Return the probability of so many errors or more in `new` requests if both are alike.

    Fisher's exact test, one-sided: of all ways to have the errors fall on the requests, the share
    that has at least as many on the new version.

    >>> round(more_errors(1, 24, 8, 12), 6)
    0.000129

    Source:
        R. A. Fisher, The Design of Experiments (1935), chapter 2.
    """
    bad, total = old_bad + new_bad, old + new
    most = min(bad, new)
    if not old or not new or new_bad == 0:
        return 1.0
    base = _log_choose(total, new)
    terms = 0.0
    for count in range(new_bad, most + 1):
        if new - count > total - bad:
            continue
        term = exp(_log_choose(bad, count) + _log_choose(total - bad, new - count) - base)
        terms += term
        if term < _NEGLIGIBLE and count * total > bad * new:
            break
    return min(terms, 1.0)


def slower(old: Sequence[int], new: Sequence[int], *, factor: float) -> float:
    """Return how likely the new times are by chance if they are at most `factor` as long.

    The test of Mann and Whitney, one-sided, with the normal approximation and its correction for
    ties, on counts by buckets of which each is `STEP` times as long as the one before. The old
    times are moved up by as many buckets as `factor` is, rounded up.

    Source:
        H. B. Mann, D. R. Whitney, On a Test of Whether one of Two Random Variables is
        Stochastically Larger than the Other, Annals of Mathematical Statistics 18 (1947) 50-60.
    """
    shift = max(ceil(log(factor) / log(STEP) - 1e-9), 0)
    buckets = len(new)
    before = [0] * buckets
    for place, count in enumerate(old):
        before[min(place + shift, buckets - 1)] += count
    m, n = sum(before), sum(new)
    if not m or not n:
        return 1.0
    wins = below = 0.0
    ties = 0
    for was, is_ in zip(before, new, strict=True):
        wins += is_ * (below + was / 2)
        below += was
        ties += (was + is_) ** 3 - (was + is_)
    total = m + n
    variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = (wins - m * n / 2 - 0.5) / sqrt(variance)
    return erfc(z / sqrt(2)) / 2


def _median(counts: Sequence[int]) -> float:
    """Return the middle time in milliseconds, as the upper bound of its bucket."""
    half, below = sum(counts) / 2, 0
    for place, count in enumerate(counts):
        below += count
        if below >= half:
            return 1e-2 * float(STEP**place)
    return 0.0


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
