"""The tests of a column of text: how long the texts are, and how many unknown words they have."""

from __future__ import annotations

from mlops_cli.monitor import words
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.numeric import apart
from mlops_cli.monitor.statistics import categorical, gaps, histogram
from mlops_cli.monitor.statistics.tails import normal
from mlops_cli.monitor.tested import Result, Tested, percent
from mlops_cli.monitor.words import Words


def compare(reference: Distribution, current: Distribution, before: Words, now: Words) -> Tested:
    """Return the tests of two columns of text, each with a text at least, and their words."""
    shapes = histogram.of_numbers(reference, current)
    results = [_unseen(before, now)]
    distances: dict[str, float] = {}
    if max(len(reference.values), len(current.values)) > 1 or (
        reference.values[0] != current.values[0]
    ):
        found = gaps.between(reference, current)
        old, new = (histogram.quantile(one.values, one.counts, 0.5) for one in (reference, current))
        change = f"letters {old:.4g} -> {new:.4g}"
        results.append(Result("length", found.test.statistic, found.test.p, found.distance, change))
        distances = {
            f"{name}, of lengths": value for name, value in apart(reference, current, found).items()
        }
    new_words = words.newest(before, now)
    note = "new words: " + ", ".join(f"'{one[:20]}'" for one in new_words) if new_words else ""
    return Tested("text", tuple(results), note=note, shapes=shapes, distances=distances)


def _unseen(before: Words, now: Words) -> Result:
    """Return the one-sided test that there are more unseen words than were to be expected.

    Fewer of them are no drift: texts that both sides share have none. The words of a text are not
    independent of each other, so that a text counts as one trial: that makes p too large rather
    than too small.
    """
    share, new_share = words.unseen(before, now)
    hits = (round(share * before.rows), before.rows), (round(new_share * now.rows), now.rows)
    z, _ = categorical.two_proportions(*hits)
    change = f"unseen words {percent(share)} -> {percent(new_share)}"
    p = normal(-z) if z > 0 else 1.0
    return Result("unseen words", z, p, max(0.0, new_share - share), change)
