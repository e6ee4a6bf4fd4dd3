"""A classifier that tells the rows of two tables apart: as well as it can, they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FOLDS = 5
_SHARED = 2.0
"""What dependence between folds makes of the variance of the mean AUC, see `tell_apart`."""


@dataclass(frozen=True, slots=True)
class Separation:
    """The area under the ROC curve, 0.5 when nothing tells the tables apart; its one-sided p.

    Attributes:
        usual: what the area stays below by chance in 97.5 % of cases.
        gives_away: by how much the area falls when a column is shuffled, the largest first; empty
            when the area is within what chance does.
    """

    auc: float
    p: float
    usual: float
    gives_away: Mapping[str, float]

    @property
    def effect(self) -> float:
        """How much differs, in 0..1: the area, 0.5 made 0 and 1 left as it is; Gini's index."""
        return max(0.0, 2 * self.auc - 1)


def tell_apart(
    first: Floats,
    second: Floats,
    columns: Mapping[str, Sequence[int]],
    *,
    seed: int,
    level: float = 0.025,
    progress: Progress = SILENT,
) -> Separation:
    """Return how well boosted trees tell rows apart that they have not seen, by cross-validation.

    The area of each of five folds is a Mann-Whitney statistic, whose variance is known when
    nothing differs. Folds are not independent: what two of them have in common counts once with
    either as the test, so that the variance of their mean is up to twice that of independent
    folds, which is what is taken.

    Args:
        first: rows of one table, shape (m, k), m >= 10; NaN where a value is missing.
        second: rows of the other, shape (n, k), n >= 10.
        columns: which of the k are of which column of the tables.
        seed: of folds and shuffles.
        level: from which p on the columns that give the tables away are looked for.
        progress: told of folds and of columns.

    Source:
        D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, ICLR 2017; the variance:
        H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18 (1947) 50-60; shuffles:
        L. Breiman, Random forests, Machine Learning 45 (2001) 5-32.
    """
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    split = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split
    with threadpool_limits(1):  # the tables are small: threads would wait for each other
        return _by_folds(first, second, columns, split, progress, seed=seed, level=level)


def _by_folds(
    first: Floats,
    second: Floats,
    columns: Mapping[str, Sequence[int]],
    split: Callable[[Floats, NDArray[np.int64]], Iterable[tuple[Any, Any]]],
    progress: Progress,
    *,
    seed: int,
    level: float,
) -> Separation:
    import numpy as np

    rows = np.concatenate((first, second))
    is_second = np.repeat([0, 1], [len(first), len(second)])
    folds = list(split(rows, is_second))
    models = []
    with progress.task("telling tables apart", _FOLDS, "models") as advance:
        for train, _ in folds:
            models.append(_fitted(rows[train], is_second[train], seed))
            advance(1)
    tests = [(rows[test], is_second[test]) for _, test in folds]
    found = [_area(model, *test) for model, test in zip(models, tests, strict=True)]
    auc = sum(found) / _FOLDS
    p, usual = _by_chance(auc, [is_second for _, is_second in tests])
    given: dict[str, float] = {}
    if p < level:
        with progress.task("looking for what gives it away", len(columns), "columns") as advance:
            rng = np.random.default_rng(seed)
            given = _given_away(models, tests, found, columns, rng, advance)
    return Separation(auc, p, usual, given)


def _by_chance(auc: float, folds: Sequence[NDArray[np.int64]]) -> tuple[float, float]:
    """Return the p of a mean area over folds, and what it stays below in 97.5 % of cases."""
    from math import sqrt

    from scipy.special import ndtr, ndtri

    deviation = sqrt(_SHARED * sum(map(_variance, folds))) / len(folds)
    return float(ndtr((0.5 - auc) / deviation)), 0.5 + float(ndtri(0.975)) * deviation


def _fitted(rows: Floats, is_second: NDArray[np.int64], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False, random_state=seed
    )
    return model.fit(rows, is_second)


def _area(model: Any, rows: Floats, is_second: NDArray[np.int64]) -> float:
    return area(model.decision_function(rows), is_second)


def area(scores: Floats, is_second: NDArray[np.int64]) -> float:
    """Return the chance that a row of the second table has the higher score; ties count half.

    >>> import numpy as np
    >>> area(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1]))
    0.875
    """
    import numpy as np

    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    n = int(is_second.sum())
    m = len(scores) - n
    ranks = float(middle[place][is_second == 1].sum())
    return (ranks - n * (n + 1) / 2) / (m * n)


def _variance(is_second: NDArray[np.int64]) -> float:
    n = int(is_second.sum())
    m = len(is_second) - n
    return (m + n + 1) / (12 * m * n)


def _given_away(
    models: Sequence[Any],
    tests: Sequence[tuple[Floats, NDArray[np.int64]]],
    found: Sequence[float],
    columns: Mapping[str, Sequence[int]],
    rng: np.random.Generator,
    advance: Callable[[int], None],
) -> dict[str, float]:
    drops = {}
    for name, places in columns.items():
        drop = 0.0
        for model, (rows, is_second), whole in zip(models, tests, found, strict=True):
            shuffled = rows.copy()
            shuffled[:, list(places)] = rows[rng.permutation(len(rows))][:, list(places)]
            drop += whole - _area(model, shuffled, is_second)
        drops[name] = drop / len(models)
        advance(1)
    ordered = sorted(drops.items(), key=lambda one: -one[1])
    return {name: drop for name, drop in ordered if drop > 0}
