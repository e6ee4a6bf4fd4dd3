"""What the native files of XGBoost and LightGBM have in common: trees and names, no code.

Their files know no labels: a classifier there answers with the number of a class. The labels come
from the description beside the file; without one they are 0, 1 and so on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.description import Label, Task
from mlops_cli.registry.model_files.kind import first_line

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


Scores = Callable[[Any], Any]
"""From a table or an array to values, or to the probability of each class, by rows."""


@dataclass(frozen=True, slots=True)
class Boosted:
    """A booster as a model. `feature_names_in_` is None when it was fitted without."""

    scores: Scores
    task: Task
    classes: tuple[Label, ...] | None
    feature_names_in_: tuple[str, ...] | None
    n_features_in_: int
    type: str
    booster: Any
    """The library's own object."""
    categories: Mapping[int, tuple[Any, ...]]
    """The categories of columns by their place, each in the order of its numbers."""

    def predict(self, rows: "pd.DataFrame | np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Return a label for each row, or a value of a model that is no classifier."""
        import numpy as np

        found = self._ask(rows)
        if self.classes is None:
            return found
        picked: np.ndarray[Any, Any] = np.take(self.classes, two_columns(found).argmax(axis=1))
        return picked

    def predict_proba(self, rows: "pd.DataFrame | np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Return probabilities, shape (rows, classes)."""
        return two_columns(self._ask(rows))

    def _ask(self, rows: "pd.DataFrame | np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        import numpy as np

        try:
            return np.asarray(self.scores(rows))
        except (TypeError, ValueError):
            raise
        except Exception as error:  # the libraries have errors of their own
            raise ValueError(reason(error)) from error


def two_columns(scores: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return probabilities by class where those of the second of two classes may stand alone."""
    import numpy as np

    return np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores


def reason(error: Exception) -> str:
    """Return what a library says, without the place in its source."""
    text = first_line(error)
    return text.rpartition("] ")[2].rpartition("cc:")[2].lstrip("0123456789: ") or text


def labels(known: Sequence[Label] | None, count: int) -> tuple[Label, ...]:
    """Return the labels of `count` classes: those that are known, if they are as many."""
    return tuple(known) if known is not None and len(known) == count else tuple(range(count))
