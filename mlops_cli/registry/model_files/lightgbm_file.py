"""LightGBM's own files: text of trees and names, no code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.description import Task
from mlops_cli.registry.model_files import lightgbm_text
from mlops_cli.registry.model_files.boosted import Boosted, labels
from mlops_cli.registry.model_files.kind import Kind, Reading, first_line, missing
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import pandas as pd


def _save(model: Any, target: Path) -> None:
    booster = getattr(model, "booster_", model)
    target.write_text(booster.model_to_string(num_iteration=None), "utf-8")


def _load(how: Reading) -> Boosted:
    try:
        import lightgbm
    except ImportError as error:
        raise missing("lightgbm", "LightGBM's models") from error
    try:
        text = lightgbm_text.read(how.path.read_bytes())
        booster = lightgbm.Booster(model_str=text.model)
        known = [tuple(one) for one in booster.pandas_categorical or ()]
    except Exception as error:
        raise RequestError(
            f"'{how.where}' is not a whole file of LightGBM's: {first_line(error)}",
            hint="save the model again, with save_model('model.txt')",
        ) from error
    objective = text.head.get("objective", "none").split(" ")[0]
    task, classes = _kind(objective, booster)
    names = _names(booster, how.described.signature)
    places = _places(how.described.signature)
    return Boosted(
        scores=lambda rows: booster.predict(
            _prepared(rows, booster.pandas_categorical, how.described.signature),
            num_threads=1,  # starting more takes longer, and forked processes cannot use them
        ),
        task=task,
        classes=None if classes is None else labels(how.described.classes, classes),
        feature_names_in_=names,
        n_features_in_=booster.num_feature(),
        type=how.described.model_type or f"lightgbm.{objective}",
        booster=booster,
        categories=dict(zip(places, known, strict=True)) if len(places) == len(known) else {},
    )


def _kind(objective: str, booster: Any) -> tuple[Task, int | None]:
    """Return the task, and the number of classes whose probabilities the booster gives."""
    if objective == "binary":
        return "classification", 2
    if objective in ("multiclass", "multiclassova"):
        return "classification", int(booster.num_model_per_iteration())
    ranking = objective in ("lambdarank", "rank_xendcg", "none")
    return ("other" if ranking else "regression"), None


def _names(booster: Any, signature: Signature | None) -> tuple[str, ...] | None:
    """Return the columns by name. LightGBM changes names with blanks, so the signature's count."""
    names = tuple(booster.feature_name())
    if signature is not None and len(signature.columns) == len(names):
        return signature.names
    return None if names == tuple(f"Column_{i}" for i in range(len(names))) else names


def _places(signature: Signature | None) -> list[int]:
    """Return the places of the columns that hold categories."""
    columns = signature.columns if signature is not None else ()
    return [place for place, column in enumerate(columns) if column.kind == "category"]


def _prepared(
    frame: "pd.DataFrame", categories: "list[list[Any]] | None", signature: Signature | None
) -> Any:
    """Return the rows with the categories that it was fitted on, in their order."""
    import numpy as np
    import pandas as pd

    if not categories:
        return np.asarray(frame, dtype=np.float64)

    named = [one.name for one in signature.columns if one.kind == "category"] if signature else []
    if len(named) != len(categories):
        named = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if len(named) != len(categories):
        raise ValueError(f"it takes {len(categories)} columns of categories, not {len(named)}")
    known = dict(zip(named, categories, strict=True))
    return frame.assign(
        **{
            name: pd.Categorical(frame[name].where(frame[name].isin(of)), categories=of)
            for name, of in known.items()
        }
    )


KIND = Kind(
    file="model.txt",
    suffixes=(".txt",),
    libraries=("lightgbm", "numpy", "pandas", "scipy"),
    save=_save,
    load=_load,
    begins=lambda head: head.startswith(b"tree\n"),
)
