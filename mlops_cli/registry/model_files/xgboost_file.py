"""XGBoost's own files, JSON or UBJSON: trees and names, no code. The old binary form is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.description import Task
from mlops_cli.registry.model_files import xgboost_json
from mlops_cli.registry.model_files.boosted import Boosted, labels, reason
from mlops_cli.registry.model_files.kind import Kind, Reading, missing


def _save(model: Any, target: Path) -> None:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    booster.save_model(target)


def _load(how: Reading) -> Boosted:
    try:
        import xgboost
    except ImportError as error:
        raise missing("xgboost", "XGBoost's models") from error
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
    return Boosted(
        scores=lambda rows: booster.predict(_matrix(rows, booster)),
        task=task,
        classes=None if classes is None else labels(how.described.classes, classes),
        feature_names_in_=None if known is None else tuple(known),
        n_features_in_=columns,
        type=how.described.model_type or f"xgboost.{objective}",
    )


def _kind(objective: str, shape: Mapping[str, Any]) -> tuple[Task, int | None]:
    """Return the task, and the number of classes whose probabilities the booster gives."""
    if objective == "binary:logistic":
        return "classification", 2
    if objective == "multi:softprob":
        return "classification", int(shape["num_class"])
    task: Task = "regression" if objective.startswith(("reg:", "count:")) else "other"
    return task, None


def _matrix(rows: Any, booster: Any) -> Any:
    """Return rows as XGBoost takes them; columns of text as the categories that it remembers."""
    import xgboost

    kinds, names = booster.feature_types, booster.feature_names
    if names is None or not hasattr(rows, "columns"):
        return xgboost.DMatrix(rows)
    named = dict(zip(names, kinds or [None] * len(names), strict=True))
    texts = {name: "category" for name, kind in named.items() if kind == "c"}
    return xgboost.DMatrix(rows[list(names)].astype(texts), enable_categorical=True)


KIND = Kind(
    file="model.ubj",
    suffixes=(".ubj", ".json"),
    libraries=("xgboost", "xgboost-cpu", "numpy", "pandas"),
    save=_save,
    load=_load,
    begins=lambda head: head.startswith(b"{") and b"learner" in head,
)
