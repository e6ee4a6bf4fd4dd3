"""XGBoost's own files, JSON or UBJSON: trees and names, no code. The old binary form is refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.description import Task
from mlops_cli.registry.model_files import xgboost_json, xgboost_names
from mlops_cli.registry.model_files.boosted import Boosted, labels, reason
from mlops_cli.registry.model_files.kind import Kind, Reading
from mlops_cli.registry.model_files.kind import missing as lacking
from mlops_cli.registry.model_files.xgboost_names import Known


def _save(model: Any, target: Path) -> None:
    missing = getattr(model, "missing", None)
    if missing is not None and missing == missing:  # NaN is not itself
        raise RequestError(
            f"XGBoost's own file does not keep that {missing} stands for a missing value",
            hint="fit it with NaN in these places, or put it in a Pipeline",
        )
    model.save_model(target)


def _load(how: Reading) -> Boosted:
    try:
        import xgboost
    except ImportError as error:
        raise lacking("xgboost", "XGBoost's models") from error
    booster = xgboost.Booster()
    try:
        model = xgboost_json.read(how.path.read_bytes())
        booster.load_model(bytearray(json.dumps(model).encode()))
        columns = booster.num_features()
    except Exception as error:
        raise RequestError(
            f"'{how.where}' is not a whole file of XGBoost's: {reason(error)}",
            hint="save the model again, with save_model('model.ubj')",
        ) from error
    objective = str(model["learner"]["objective"]["name"])
    task, classes = _kind(objective, model["learner"]["learner_model_param"])
    known = booster.feature_names
    categories = xgboost_names.categories(model, how.described.signature, where=how.where)
    return Boosted(
        scores=_asker(booster, model, categories),
        task=task,
        classes=None if classes is None else labels(how.described.classes, classes),
        feature_names_in_=None if known is None else tuple(known),
        n_features_in_=columns,
        type=how.described.model_type or f"xgboost.{objective}",
        booster=booster,
        categories=categories,
    )


def _kind(objective: str, shape: Mapping[str, Any]) -> tuple[Task, int | None]:
    """Return the task, and the number of classes whose probabilities the booster gives."""
    if objective == "binary:logistic":
        return "classification", 2
    if objective == "multi:softprob":
        return "classification", int(shape["num_class"])
    task: Task = "regression" if objective.startswith(("reg:", "count:")) else "other"
    return task, None


def _asker(booster: Any, model: Mapping[str, Any], categories: Known) -> Callable[[Any], Any]:
    """Return a function from a table or an array to what the booster says.

    It has one thread: starting more takes longer than most answers, and a process that was forked
    cannot use those of its parent. After early stopping it asks the trees that scikit-learn's
    interface would.
    """
    import numpy as np

    names = booster.feature_names
    best = model["learner"]["attributes"].get("best_iteration")
    trees = (0, int(best) + 1) if best is not None and booster.attr("scikit_learn") else (0, 0)
    booster.set_param({"nthread": 1})

    def linear(rows: Any) -> Any:
        import xgboost

        found = np.asarray(rows, dtype=np.float64)
        return booster.predict(xgboost.DMatrix(found, nthread=1), validate_features=False)

    def ask(rows: Any) -> Any:
        found = _numbered(rows[list(names)], categories) if categories else rows
        found = np.asarray(found, dtype=np.float64)
        return booster.inplace_predict(found, iteration_range=trees, validate_features=False)

    return linear if model["learner"]["gradient_booster"]["name"] == "gblinear" else ask


def _numbered(rows: Any, categories: Known) -> Any:
    """Return a table with numbers in place of categories, and NaN for a gap."""
    import numpy as np

    columns = []
    for place, name in enumerate(rows.columns):
        column = rows.iloc[:, place]
        if place in categories:
            numbers = {value: number for number, value in enumerate(categories[place])}
            codes = np.array([numbers.get(value, np.nan) for value in column])
            unknown = np.isnan(codes) & column.notna().to_numpy()
            if unknown.any():
                value = column[unknown].iloc[0]
                raise ValueError(f"'{name}' has the category '{value}', which it does not know")
            column = codes
        columns.append(np.asarray(column, dtype=np.float64))
    return np.column_stack(columns)


KIND = Kind(
    file="model.ubj",
    suffixes=(".ubj", ".json"),
    libraries=("xgboost", "xgboost-cpu", "numpy", "pandas"),
    save=_save,
    load=_load,
    begins=lambda head: head.startswith(b"{") and b"learner" in head,
)
