"""How sure a metric is: intervals by drawing the rows again, and differences on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.registry.evaluation import classification, regression
from mlops_cli.registry.evaluation.answers import Answers, Labelled
from mlops_cli.registry.evaluation.classification import Weighted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIDENCE = 0.95
SEED = 20260131
_MOST, _FEWEST = 1000, 200
_BUDGET = 40_000_000
"""Rows that are drawn in all: more rows need fewer draws, as they vary less."""
_MOST_LABELS = 20
"""More labels than these are not drawn again: it would take minutes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with the ends of its interval; None where it cannot be computed."""

    value: float | None
    low: float | None = None
    high: float | None = None


def draws(rows: int) -> int:
    """Return how often so many rows are drawn again.

    >>> draws(100), draws(100_000), draws(10_000_000)
    (1000, 400, 200)
    """
    return max(_FEWEST, min(_MOST, _BUDGET // max(rows, 1)))


def estimates(answers: Answers, *, seed: int = SEED) -> dict[str, Estimate]:
    """Return all metrics of a table's answers with their 95 % intervals.

    The interval is the percentile bootstrap's: between the 2.5th and the 97.5th percentile of the
    metric over tables of as many rows, drawn from these with replacement. The same answers give
    the same numbers.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    found: dict[str, Estimate] = {}
    if isinstance(answers, Labelled):
        counts = classification.confusion(answers).astype(np.float64)
        drawn = again(counts, rng, draws(answers.rows))
        many = classification.of_counts(drawn, positive=answers.positive)
        for name, value in classification.of_counts(counts, positive=answers.positive).items():
            found[name] = estimate(float(value), many[name])
    prepared = of_rows(answers)
    if isinstance(answers, Labelled) and len(answers.labels) > _MOST_LABELS:
        return found | {name: estimate(one(None), np.zeros(0)) for name, one in prepared.items()}
    return found | _drawn(prepared, answers.rows, rng)


def of_rows(answers: Answers) -> Mapping[str, Weighted]:
    """Return the metrics that take rows one by one, ready for many weights."""
    if isinstance(answers, Labelled):
        return classification.of_rows(answers)
    return regression.of_rows(answers)


def value(answers: Answers, metric: str) -> float:
    """Return one metric of a table's answers; NaN when it cannot be computed, or is not known."""
    import numpy as np

    if isinstance(answers, Labelled):
        counts = classification.confusion(answers).astype(np.float64)
        settled = classification.of_counts(counts, positive=answers.positive)
        if metric in settled:
            return float(settled[metric])
    prepared = of_rows(answers)
    return prepared[metric](None) if metric in prepared else float("nan")


def again(counts: Floats, rng: np.random.Generator, times: int) -> Floats:
    """Return counts as they come when as many rows are drawn again, with a new first axis."""
    import numpy as np

    total = counts.sum()
    if not total:
        return np.zeros((0, *counts.shape))
    drawn = rng.multinomial(int(total), (counts / total).ravel(), size=times)
    return drawn.reshape(times, *counts.shape).astype(np.float64)


def weights(rows: int, rng: np.random.Generator) -> Floats:
    """Return how often each row is drawn when as many rows are drawn with replacement."""
    import numpy as np

    drawn: Floats = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
    return drawn


def _drawn(
    prepared: Mapping[str, Weighted], rows: int, rng: np.random.Generator
) -> dict[str, Estimate]:
    import numpy as np

    times = draws(rows) if rows and prepared else 0
    many = np.empty((len(prepared), times))
    for draw in range(times):
        each = weights(rows, rng)
        many[:, draw] = [one(each) for one in prepared.values()]
    return {
        name: estimate(one(None), many[place]) for place, (name, one) in enumerate(prepared.items())
    }


def estimate(value: float, many: Floats, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return a value with the interval that holds the middle of `many` values."""
    import numpy as np

    if not np.isfinite(value):
        return Estimate(None)
    known = many[np.isfinite(many)]
    if not len(known):
        return Estimate(value)
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def differences(
    first: Answers, second: Answers, metric: str, *, seed: int = SEED
) -> tuple[float, Floats]:
    """Return by how much `first` exceeds `second` in a metric, and that for rows drawn again.

    Both answered the same rows, and the rows that are drawn are the same for both: what makes
    a row hard for one mostly makes it hard for the other, so far smaller differences can be told
    than from two intervals.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    of_first, of_second = _prepared(first, metric), _prepared(second, metric)
    rows = first.rows
    many = np.empty(draws(rows) if rows else 0)
    for draw in range(len(many)):
        each = weights(rows, rng)
        many[draw] = of_first(each) - of_second(each)
    return of_first(None) - of_second(None), many[np.isfinite(many)]


def _prepared(answers: Answers, metric: str) -> Callable[[Floats | None], float]:
    import numpy as np

    prepared = of_rows(answers)
    if metric in prepared or not isinstance(answers, Labelled):
        return prepared[metric]
    size, positive = len(answers.labels), answers.positive
    pairs = answers.truth * size + answers.predicted

    def settled(each: Floats | None) -> float:
        counts = np.bincount(pairs, weights=each, minlength=size * size).reshape(size, size)
        found = classification.of_counts(counts.astype(np.float64), positive=positive)
        return float(found[metric])

    return settled
