"""Direct loss estimation (DLE) of regressors: a second model learns how far the first is off.

It is fitted where the truth is known, and says from the inputs alone how large errors are there.

Source:
    NannyML, How it works: Direct Loss Estimation, 2022; the idea is that of W. Kuberski and
    others: the loss of a prediction is itself a quantity that inputs predict.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SEED = 0
_ANSWER = "mlo answer"
"""The column that the model's own answer is learned from, beside its inputs."""
_MOST_CATEGORIES = 250


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """What was learned of a model's errors; `categories` are those of its columns of words."""

    absolute: Any
    squared: Any
    categories: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Estimated:
    """What errors are expected to be, in the unit of the target."""

    mae: float
    rmse: float


def fit(inputs: pd.DataFrame, said: Floats, truth: Floats) -> Loss:
    """Learn from rows whose truth is known.

    Args:
        inputs: what the model was given, shape (n, features): numbers, true or false, words.
        said: what it answered, shape (n,).
        truth: what was true, shape (n,).
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    categories = {
        str(name): tuple(map(str, inputs[name].value_counts().index[:_MOST_CATEGORIES]))
        for name in inputs.columns
        if inputs[name].dtype.kind not in "biuf"
    }
    known = _known(inputs, said, categories)
    error = truth - said

    def learned(loss: Floats) -> Any:
        model = HistGradientBoostingRegressor(
            categorical_features="from_dtype", random_state=_SEED, early_stopping=False
        )
        return model.fit(known, loss)

    with _one_thread():
        return Loss(learned(abs(error)), learned(error**2), categories)


def estimate(loss: Loss, inputs: pd.DataFrame, said: Floats) -> Estimated:
    """Return how large errors are expected to be on rows whose truth is not known.

    Args:
        loss: from `fit`.
        inputs: shape (n, features), n >= 1, with the same columns.
        said: what the model answered, shape (n,).
    """
    absolute, squared = expected(loss, inputs, said)
    return Estimated(
        mae=max(float(absolute.mean()), 0.0), rmse=sqrt(max(float(squared.mean()), 0.0))
    )


def expected(loss: Loss, inputs: pd.DataFrame, said: Floats) -> tuple[Floats, Floats]:
    """Return the absolute and the squared error that each row is expected to have."""
    known = _known(inputs, said, loss.categories)
    with _one_thread():
        return loss.absolute.predict(known), loss.squared.predict(known)


def _one_thread() -> AbstractContextManager[Any]:
    """Return what keeps trees of so few rows from threads: where others work too, these wait."""
    from threadpoolctl import threadpool_limits

    limited: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limited


def _known(
    inputs: pd.DataFrame, said: Floats, categories: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """Return inputs and answers as the second model takes them; unknown words are missing."""
    import pandas as pd

    columns: dict[str, Any] = {_ANSWER: said}
    for name in map(str, inputs.columns):
        if name in categories:
            index = pd.Index(categories[name], dtype=object)
            codes = index.get_indexer(inputs[name].astype(str).astype(object))
            columns[name] = pd.Categorical.from_codes(codes, categories=index)
        else:
            values = pd.to_numeric(inputs[name], errors="coerce")
            columns[name] = values.to_numpy(float, na_value=float("nan"))
    return pd.DataFrame(columns)
