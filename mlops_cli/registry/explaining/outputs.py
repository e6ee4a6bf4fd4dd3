"""What a model says of rows, as one number each: what an explanation is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.description import Label
from mlops_cli.registry.formats import Predictor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Output = Callable[["pd.DataFrame"], "np.ndarray[Any, Any]"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A number for each row, and what it is called."""

    of: str
    numbers: Output


def output(predictor: Predictor, label: Label | None) -> Measured:
    """Return the number that is explained: a probability, whether a label is said, or a value.

    Args:
        predictor: the model.
        label: of a classifier the label whose probability it is.
    """
    import numpy as np

    if label is None:
        return Measured(
            "the prediction", lambda rows: np.asarray(predictor.predict(rows), dtype=np.float64)
        )
    if predictor.has_probabilities and label in (predictor.classes or ()):
        at = (predictor.classes or ()).index(label)
        return Measured(f"the probability of '{label}'", lambda rows: _share(predictor, rows, at))
    return Measured(
        f"whether it says '{label}'",
        lambda rows: np.asarray(predictor.predict(rows) == label, dtype=np.float64),
    )


def _share(predictor: Predictor, rows: "pd.DataFrame", at: int) -> "np.ndarray[Any, Any]":
    import numpy as np

    shares = predictor.predict_proba(rows)
    assert shares is not None
    return np.asarray(shares[:, at], dtype=np.float64)


def label_of(predictor: Predictor, answer: Any) -> Label | None:
    """Return the label that an answer is, None of a model that predicts numbers."""
    plain = answer.item() if hasattr(answer, "item") else answer
    if predictor.task == "regression" or isinstance(plain, float):
        return None
    found: Label = plain
    return found


def favourable(predictor: Predictor, rows: "pd.DataFrame") -> Label | None:
    """Return the label that a whole model is explained by: of two the second, else the commonest.

    None of a model that predicts numbers.
    """
    if predictor.classes is not None:
        if len(predictor.classes) == 2:
            return predictor.classes[1]
        answers = predictor.predict(rows).tolist()
        return max(predictor.classes, key=answers.count)
    answers = predictor.predict(rows)
    if answers.ndim != 1:
        raise RequestError("the model answers several values a row: that cannot be explained yet")
    return label_of(predictor, answers[0])
