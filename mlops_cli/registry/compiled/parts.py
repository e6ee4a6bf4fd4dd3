"""The parts that a model consists of, and the order in which it takes columns."""

from typing import Any

from mlops_cli.registry.signature import Signature, fitted_names


def parted(model: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a model, and what predicts."""
    if hasattr(model, "best_estimator_"):
        return parted(model.best_estimator_)
    if type(model).__name__ != "Pipeline":
        return [], model
    kept = [step for _, step in model.steps if not _is_nothing(step)]
    before, final = parted(kept[-1])
    return [*kept[:-1], *before], final


def order(model: Any, signature: Signature) -> list[int]:
    """Return the columns of a signature in the order in which a model was fitted on them."""
    names = fitted_names(model)
    if names is None or not set(names) <= set(signature.names):
        return list(range(len(signature.columns)))
    return [signature.names.index(name) for name in names]


def _is_nothing(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")
