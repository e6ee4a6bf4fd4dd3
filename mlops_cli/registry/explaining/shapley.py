"""Shapley values by SHAP: how each cell of a row moves the answer away from the average.

SHAP sees each column as numbers of its values, so that it explains any model, with columns of
text and times too.

Source:
    S. M. Lundberg, S.-I. Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017.
"""

import warnings
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import StateError
from mlops_cli.registry.explaining.explanation import Weight, ordered
from mlops_cli.registry.explaining.outputs import Output
from mlops_cli.registry.explaining.permutation import plain
from mlops_cli.registry.explaining.rows import SEED

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_EXACT_COLUMNS = 8
"""With more columns not all their sets are tried, but orders of them at random."""


def single(
    numbers: Output, row: "pd.DataFrame", others: "pd.DataFrame"
) -> tuple[float, float, tuple[Weight, ...]]:
    """Return what a row gets, what others get on average, and Shapley values.

    Their sum is what the row gets less the average.
    """
    values, base = _values(numbers, row, others)
    weights = [
        Weight(str(name), float(value), None, plain(row[name].iloc[0]))
        for name, value in zip(row.columns, values[0], strict=True)
    ]
    return float(numbers(row)[0]), base, ordered(weights)


def whole(
    numbers: Output, rows: "pd.DataFrame", others: "pd.DataFrame"
) -> tuple[float, tuple[Weight, ...]]:
    """Return the average, and how far each column moves the answer from it, up or down."""
    import numpy as np

    values, base = _values(numbers, rows, others)
    size = np.abs(values)
    pairs = zip(rows.columns, size.mean(axis=0), size.std(axis=0), strict=True)
    return base, ordered([Weight(str(name), float(m), float(s)) for name, m, s in pairs])


def _values(
    numbers: Output, rows: "pd.DataFrame", others: "pd.DataFrame"
) -> "tuple[np.ndarray[Any, Any], float]":
    import numpy as np
    import pandas as pd

    shap = _library()
    both = pd.concat([rows, others], ignore_index=True)
    known, codes = _coded(both)

    def answer(asked: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        places = np.rint(asked).astype(np.intp)
        made = {name: known[name].take(places[:, at]) for at, name in enumerate(both.columns)}
        return numbers(pd.DataFrame(made))

    masker = shap.maskers.Independent(codes[len(rows) :], max_samples=len(others))
    kind = shap.explainers.Exact if rows.shape[1] <= _EXACT_COLUMNS else shap.explainers.Permutation
    more = {} if kind is shap.explainers.Exact else {"seed": SEED}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = kind(answer, masker, **more)(codes[: len(rows)], silent=True)
    return np.asarray(found.values), float(numbers(others).mean())


def _coded(frame: "pd.DataFrame") -> "tuple[dict[str, Any], np.ndarray[Any, Any]]":
    """Return the values of each column, and the frame as places among them."""
    import numpy as np
    import pandas as pd

    known, codes = {}, []
    for name in frame.columns:
        places, values = pd.factorize(frame[name], use_na_sentinel=False)
        known[name] = values if hasattr(values, "take") else pd.Index(values)
        codes.append(places.astype(np.float64))
    return known, np.column_stack(codes)


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import numba

            settings: Any = numba.config
            settings.DISABLE_JIT = 1  # compiling SHAP's few loops takes 6 s, running them 0.1 s
            import shap
    except ImportError as error:
        raise StateError("Shapley values need shap", hint="pip install 'mlo[explain]'") from error
    return shap
