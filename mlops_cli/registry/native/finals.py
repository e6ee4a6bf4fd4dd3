"""The quick ways of models that predict: each does what scikit-learn's own method does, once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Both = tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any] | None"]


_Ask = Callable[[Any, Any], "Both"]
_Check = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Final:
    """A quick way.

    Attributes:
        ask: from the model and an array of rows to predictions and probabilities.
        checked: from the model and what its transformers give to such an array, after
            scikit-learn's own checks.
        has_shares: whether it gives probabilities.
        by_name: whether it looks for the names of the columns that it was fitted on.
    """

    ask: _Ask
    checked: _Check
    has_shares: bool
    by_name: bool = False


def of(model: Any) -> Final | None:
    """Return the quick way of a model, None when it has to be asked as usual."""
    kind = type(model)
    if not kind.__module__.startswith("sklearn.") or getattr(model, "n_outputs_", 1) != 1:
        return None
    return _WAYS.get(kind.__name__)


def _checked_trees(model: Any, rows: Any) -> Any:
    return model._validate_X_predict(rows)


def _checked_tree(model: Any, rows: Any) -> Any:
    return model._validate_X_predict(rows, check_input=True)


def _checked_numbers(model: Any, rows: Any) -> Any:
    from sklearn.utils.validation import validate_data

    return validate_data(model, rows, accept_sparse="csr", reset=False)


def _checked_single(model: Any, rows: Any) -> Any:
    import numpy as np
    from sklearn.utils.validation import validate_data

    return validate_data(model, rows, dtype=np.float32, order="C", accept_sparse="csr", reset=False)


def _float32(rows: Any) -> Any:
    import numpy as np

    if hasattr(rows, "tocsr"):
        return rows
    return np.ascontiguousarray(rows, dtype=np.float32)


def _forest_classes(model: Any, rows: Any) -> "Both":
    """Add up the trees as the forest does, without handing each to a pool of threads."""
    import numpy as np

    rows = _float32(rows)
    shares = np.zeros((rows.shape[0], model.n_classes_), dtype=np.float64)
    for tree in model.estimators_:
        shares += tree.tree_.predict(rows)[:, : model.n_classes_]
    shares /= len(model.estimators_)
    return model.classes_.take(np.argmax(shares, axis=1), axis=0), shares


def _forest_numbers(model: Any, rows: Any) -> "Both":
    import numpy as np

    rows = _float32(rows)
    total = np.zeros(rows.shape[0], dtype=np.float64)
    for tree in model.estimators_:
        total += tree.tree_.predict(rows)[:, 0]
    total /= len(model.estimators_)
    return total, None


def _tree_classes(model: Any, rows: Any) -> "Both":
    import numpy as np

    shares = model.tree_.predict(_float32(rows))[:, : model.n_classes_]
    return model.classes_.take(np.argmax(shares, axis=1), axis=0), shares


def _tree_numbers(model: Any, rows: Any) -> "Both":
    return model.tree_.predict(_float32(rows))[:, 0], None


def _logistic(model: Any, rows: Any) -> "Both":
    import numpy as np
    from scipy.special import expit
    from sklearn.utils.extmath import safe_sparse_dot, softmax

    scores = safe_sparse_dot(rows, model.coef_.T, dense_output=True) + model.intercept_
    if len(model.classes_) > 2:
        labels = model.classes_[np.argmax(scores, axis=1)]
        return labels, softmax(scores, copy=False)
    scores = scores.reshape(-1)
    labels = model.classes_[(scores > 0).astype(np.int64)]
    second = expit(scores, out=scores)
    return labels, np.stack([1 - second, second], axis=1)


def _linear(model: Any, rows: Any) -> "Both":
    from sklearn.utils.extmath import safe_sparse_dot

    coefficients = model.coef_
    if coefficients.ndim == 1:
        return safe_sparse_dot(rows, coefficients, dense_output=True) + model.intercept_, None
    return safe_sparse_dot(rows, coefficients.T, dense_output=True) + model.intercept_, None


def _boosted_classes(model: Any, rows: Any) -> "Both":
    import numpy as np

    raw = model._raw_predict(_float32(rows))
    shares = model._loss.predict_proba(raw)
    if raw.shape[1] == 1:
        return model.classes_[(raw.ravel() >= 0).astype(int)], shares
    return model.classes_[np.argmax(raw, axis=1)], shares


def _histogram_classes(model: Any, rows: Any) -> "Both":
    import numpy as np

    raw = model._raw_predict(rows)
    shares = model._loss.predict_proba(raw)
    if raw.shape[1] == 1:
        return model.classes_[(raw.ravel() > 0).astype(int)], shares
    return model.classes_[np.argmax(raw, axis=1)], shares


def _as_it_is(_: Any, rows: Any) -> Any:
    return rows


def _labels(ask: _Ask, checked: _Check, *names: str) -> dict[str, Final]:
    return {name: Final(ask, checked, has_shares=True) for name in names}


def _numbers(ask: _Ask, checked: _Check, *names: str) -> dict[str, Final]:
    return {name: Final(ask, checked, has_shares=False) for name in names}


_WAYS: dict[str, Final] = {
    **_labels(_forest_classes, _checked_trees, "RandomForestClassifier", "ExtraTreesClassifier"),
    **_numbers(_forest_numbers, _checked_trees, "RandomForestRegressor", "ExtraTreesRegressor"),
    **_labels(_tree_classes, _checked_tree, "DecisionTreeClassifier", "ExtraTreeClassifier"),
    **_numbers(_tree_numbers, _checked_tree, "DecisionTreeRegressor", "ExtraTreeRegressor"),
    **_labels(_logistic, _checked_numbers, "LogisticRegression", "LogisticRegressionCV"),
    **_numbers(_linear, _checked_numbers, "LinearRegression", "Ridge", "Lasso", "ElasticNet"),
    **_labels(_boosted_classes, _checked_single, "GradientBoostingClassifier"),
    "HistGradientBoostingClassifier": Final(
        _histogram_classes, _as_it_is, has_shares=True, by_name=True
    ),
}
