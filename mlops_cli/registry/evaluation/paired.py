"""Whether one version is better than another by more than chance, on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlops_cli.registry.evaluation import bootstrap
from mlops_cli.registry.evaluation.answers import Answers, Labelled


@dataclass(frozen=True, slots=True)
class Compared:
    """What a paired test says of two versions, by a metric of which more is better, or less.

    Attributes:
        test: which test.
        gain: by how much the first is better; negative when it is worse.
        least: what the gain is at least, at the confidence that was asked for.
        p: how likely so large a gain is when there is none.
    """

    test: Literal["mcnemar", "paired bootstrap"]
    gain: float
    least: float
    p: float


def compare(
    first: Answers, second: Answers, metric: str, *, higher: bool, confidence: float
) -> Compared:
    """Return how much better `first` is than `second`, which answered the same rows.

    By accuracy it is McNemar's test, exact: of the rows that one got right and the other wrong,
    each is a toss of a coin when both are equally good. By any other metric, and for the least
    gain, the rows are drawn again, 1,000 times where there are few.

    Source:
        Q. McNemar, Psychometrika 12 (1947) 153-157; B. Efron, R. J. Tibshirani, An Introduction
        to the Bootstrap (1993), chapters 13 and 16.
    """
    import numpy as np

    sign = 1.0 if higher else -1.0
    difference, many = bootstrap.differences(first, second, metric)
    gains = sign * many
    gain = sign * difference
    least = float(np.quantile(gains, 1 - confidence)) if len(gains) else float("nan")
    if metric == "accuracy" and isinstance(first, Labelled) and isinstance(second, Labelled):
        better = int(((first.predicted == first.truth) & (second.predicted != second.truth)).sum())
        worse = int(((first.predicted != first.truth) & (second.predicted == second.truth)).sum())
        return Compared("mcnemar", gain, least, mcnemar(better, worse))
    p = float(((gains <= 0).sum() + 1) / (len(gains) + 1)) if len(gains) else 1.0
    return Compared("paired bootstrap", gain, least, p)


def mcnemar(better: int, worse: int) -> float:
    """Return how likely at least `better` of `better + worse` tosses of a fair coin are heads.

    >>> mcnemar(9, 1), mcnemar(0, 0)
    (0.0107421875, 1.0)
    """
    from fractions import Fraction
    from math import comb

    tosses = better + worse
    if tosses > 5000:
        from scipy.stats import binom

        return float(binom.sf(better - 1, tosses, 0.5))
    return float(
        Fraction(sum(comb(tosses, heads) for heads in range(better, tosses + 1)), 2**tosses)
    )
