"""Metrics of numbers, for rows that may count several times. Checked against scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_cli.registry.evaluation.answers import Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.registry.evaluation.classification import Weighted

    Floats = NDArray[np.float64]


def of_rows(answers: Measured) -> dict[str, Weighted]:
    """Return the metrics of a regression, ready to be computed for many weights.

    `bias` is the mean of prediction less truth. `mape` is in shares, not percent.
    """
    import numpy as np

    error = answers.predicted - answers.truth
    size = np.abs(error)
    scale = np.maximum(np.abs(answers.truth), np.finfo(np.float64).eps)

    def mean(values: Floats, weights: Floats | None) -> float:
        if not len(values):
            return float("nan")
        return float(np.average(values, weights=weights))

    def r2(weights: Floats | None) -> float:
        middle = mean(answers.truth, weights)
        spread = mean((answers.truth - middle) ** 2, weights)
        left = mean(error**2, weights)
        return 1 - left / spread if spread else float("nan")

    return {
        "rmse": lambda weights: float(np.sqrt(mean(error**2, weights))),
        "mae": lambda weights: mean(size, weights),
        "r2": r2,
        "median_ae": _Middle(size),
        "mape": lambda weights: mean(size / scale, weights),
        "bias": lambda weights: mean(error, weights),
    }


class _Middle:
    """The median of values, of which each may count several times."""

    def __init__(self, values: Floats) -> None:
        import numpy as np

        self._order = np.argsort(values)
        self._values = values[self._order]

    def __call__(self, weights: Floats | None) -> float:
        import numpy as np

        if not len(self._values):
            return float("nan")
        if weights is None:
            return float(np.median(self._values))
        until = np.cumsum(weights[self._order])
        rows = round(float(until[-1]))
        ends = np.searchsorted(until, [(rows - 1) // 2, rows // 2], side="right")
        return float(self._values[ends].mean())
