"""The parts that a model consists of."""

from typing import Any


def parted(model: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a model, and what predicts."""
    if hasattr(model, "best_estimator_"):
        return parted(model.best_estimator_)
    if type(model).__name__ != "Pipeline":
        return [], model
    kept = [step for _, step in model.steps if not _is_nothing(step)]
    before, final = parted(kept[-1])
    return [*kept[:-1], *before], final


def _is_nothing(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")
