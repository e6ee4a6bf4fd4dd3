"""Importance by shuffling: what a model loses when a column is another row's.

Source:
    L. Breiman, Random Forests, Machine Learning 45 (2001) 5-32, section 10.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.explaining.explanation import Weight, ordered
from mlops_cli.registry.explaining.outputs import Output
from mlops_cli.registry.explaining.rows import SEED
from mlops_cli.registry.formats import Predictor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

METRICS = ("roc_auc", "accuracy", "balanced_accuracy", "log_loss", "r2", "mae", "rmse")
_OF_LABELS = METRICS[:4]
_Score = Callable[["pd.DataFrame"], float]


def metric_for(predictor: Predictor, asked: str | None, *, labels: bool) -> str:
    """Return the metric to go by: `asked`, or else the usual one of the model's task.

    Raises:
        RequestError: the model cannot be scored by it.
    """
    fitting: tuple[str, ...] = _OF_LABELS if labels else METRICS[4:]
    if labels and not predictor.has_probabilities:
        fitting = ("accuracy", "balanced_accuracy")
    if asked is None:
        two = labels and len(predictor.classes or ()) == 2
        return fitting[0] if not labels or two or len(fitting) == 2 else "accuracy"
    if asked not in fitting:
        raise RequestError(
            f"this model cannot be scored by '{asked}'", hint=f"one of: {', '.join(fitting)}"
        )
    return asked


def whole(
    predictor: Predictor,
    rows: "pd.DataFrame",
    truth: "pd.Series[Any]",
    metric: str,
    *,
    repeats: int,
) -> tuple[float, tuple[Weight, ...]]:
    """Return the score, and by how much shuffling each column worsens it, on average."""
    from sklearn.inspection import permutation_importance

    score = _scorer(predictor, metric, truth)
    found = permutation_importance(
        _Fitted(),
        rows,
        truth.to_numpy(),
        scoring=lambda _, shuffled, __: score(shuffled),
        n_repeats=repeats,
        random_state=SEED,
    )
    pairs = zip(rows.columns, found.importances_mean, found.importances_std, strict=True)
    weights = [Weight(str(name), float(mean), float(std)) for name, mean, std in pairs]
    return score(rows), ordered(weights)


class _Fitted:
    """What scikit-learn wants to see; the scorer asks the model itself."""

    def fit(self, *_: Any) -> None:
        """Do nothing."""


def _scorer(predictor: Predictor, metric: str, truth: "pd.Series[Any]") -> _Score:
    """Return a score for which more is better."""
    import numpy as np
    from sklearn import metrics

    sign = -1.0 if metric in ("log_loss", "mae", "rmse") else 1.0
    names: dict[str, Callable[..., Any]] = {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "r2": metrics.r2_score,
        "mae": metrics.mean_absolute_error,
        "rmse": metrics.root_mean_squared_error,
    }
    if metric in names:
        true = truth.to_numpy() if metric in METRICS[4:] else truth.map(str).to_numpy()
        if metric in METRICS[4:]:
            return lambda rows: sign * float(names[metric](true, predictor.predict(rows)))
        return lambda rows: float(
            names[metric](true, np.array([str(one) for one in predictor.predict(rows).tolist()]))
        )
    return _of_shares(predictor, metric, truth, sign)


def _of_shares(predictor: Predictor, metric: str, truth: "pd.Series[Any]", sign: float) -> _Score:
    import numpy as np
    from sklearn import metrics

    classes = [str(one) for one in predictor.classes or ()]
    places = np.array([classes.index(text) if text in classes else -1 for text in truth.map(str)])
    if (places < 0).any():
        strange = truth.map(str)[places < 0].iloc[0]
        raise RequestError(
            f"the truth has '{strange}', which the model never says",
            hint="--metric accuracy, or name the column that it predicts with --target",
        )
    seen = np.unique(places)
    if metric == "roc_auc" and (len(classes) != 2 or len(seen) != 2):
        raise RequestError("roc_auc is of two classes, both in the data", hint="--metric accuracy")

    def score(rows: "pd.DataFrame") -> float:
        shares = predictor.predict_proba(rows)
        assert shares is not None
        if metric == "roc_auc":
            return float(metrics.roc_auc_score(places, shares[:, 1]))
        return sign * float(metrics.log_loss(places, shares, labels=list(range(len(classes)))))

    return score


def single(
    numbers: Output, row: "pd.DataFrame", others: "pd.DataFrame"
) -> tuple[float, float, tuple[Weight, ...]]:
    """Return what a row gets, what others get on average, and what each of its cells does.

    A cell's weight is what the row gets, less what it would get on average with that cell of one
    of the `others`. Cells that work together share their weight, so the sum is not the difference.
    """
    import pandas as pd

    gets = float(numbers(row)[0])
    weights = []
    for name in row.columns:
        changed = pd.concat([row] * len(others), ignore_index=True)
        changed[name] = others[name].to_numpy()
        apart: np.ndarray[Any, Any] = gets - numbers(changed)
        cell = row[name].iloc[0]
        weights.append(Weight(str(name), float(apart.mean()), float(apart.std()), plain(cell)))
    return gets, float(numbers(others).mean()), ordered(weights)


def plain(cell: Any) -> Any:
    """Return a cell as a JSON value."""
    import pandas as pd

    if cell is None or (not isinstance(cell, str) and pd.isna(cell)):
        return None
    return cell.item() if hasattr(cell, "item") else cell
