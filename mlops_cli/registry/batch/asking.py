"""Asking a model for many rows at once, each of its parts once, in arrays from end to end.

Measured on 65,536 rows: RandomForest(100) takes 6.9 us a row so, 13.7 by `predict` and
`predict_proba`, 13.7 in its compiled form; LogisticRegression 0.09, 0.13 and 0.10.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.native import finals
from mlops_cli.registry.signature import fitted_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Both = tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any] | None"]

Ask = Callable[["pd.DataFrame"], "Both"]


def asking(predictor: Predictor) -> Ask:
    """Return a function from typed rows to a prediction for each, and shares if there are any.

    They have the bits of `predict` and `predict_proba`. The function raises RequestError when a
    column is missing or the model refuses the values.
    """
    names = fitted_names(predictor.model)
    steps, last = _parted(predictor.model)
    final = finals.of(last)
    if names is None or final is None or final.has_shares != predictor.has_probabilities:
        return lambda frame: (predictor.predict(frame), predictor.predict_proba(frame))

    def answer(frame: "pd.DataFrame") -> "Both":
        missing = [name for name in names if name not in frame.columns]
        if missing:
            return predictor.predict(frame), None  # which says so
        rows: Any = frame[names]
        try:
            for step in steps:
                rows = step.transform(rows)
            return final.ask(last, final.checked(last, rows))
        except (ValueError, TypeError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise RequestError(f"the model refuses the rows: {first}") from error

    return answer


def _parted(model: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a plain pipeline, and what predicts."""
    kind = type(model)
    if (kind.__module__, kind.__name__) != ("sklearn.pipeline", "Pipeline"):
        return [], model
    steps = [step for _, step in model.steps[:-1] if step is not None and step != "passthrough"]
    return steps, model.steps[-1][1]
