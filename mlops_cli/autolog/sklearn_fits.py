"""scikit-learn: every outermost `fit` of something that predicts.

Each class that defines `fit` gets a wrapper, those that are imported later as they are made. What
a pipeline, a search or an ensemble fits inside is part of it and not recorded for itself.
"""

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from mlops_cli.autolog import record

keep: Callable[..., Any] | None = None
"""What to do with fitted models."""

_MOST_PARAMS = 300
_inside = threading.local()
_around = 0
"""How many fits are at work that fit others, perhaps in threads of their own."""
_guard = threading.Lock()


def watch(base: Any) -> None:
    """Watch all estimators there are and will be; `base` is the module `sklearn.base`."""
    root = base.BaseEstimator
    before = root.__dict__.get("__init_subclass__")

    def __init_subclass__(cls: Any, /, **options: Any) -> None:  # noqa: N807
        if before is not None:
            before.__func__(cls, **options)
        else:
            super(root, cls).__init_subclass__(**options)
        _wrap(cls)

    root.__init_subclass__ = classmethod(__init_subclass__)
    waiting = [root]
    while waiting:
        kind = waiting.pop()
        _wrap(kind)
        waiting += kind.__subclasses__()


def _wrap(kind: Any) -> None:
    fit = kind.__dict__.get("fit")
    if not callable(fit) or hasattr(fit, "_mlo_watched"):
        return

    @functools.wraps(fit)
    def watched(estimator: Any, *args: Any, **options: Any) -> Any:
        return _fit(fit, estimator, args, options)

    watched._mlo_watched = True  # type: ignore[attr-defined]
    kind.fit = watched


def _fit(fit: Callable[..., Any], estimator: Any, args: Any, options: Any) -> Any:
    global _around
    meta = any(hasattr(estimator, name) for name in ("estimator", "estimators", "steps"))
    outermost = not getattr(_inside, "depth", 0) and not _around
    _inside.depth = getattr(_inside, "depth", 0) + 1
    with _guard:
        _around += meta
    try:
        fitted = fit(estimator, *args, **options)
    finally:
        _inside.depth -= 1
        with _guard:
            _around -= meta
    if outermost and hasattr(type(estimator), "predict"):
        _inside.depth += 1  # scoring may fit too
        try:
            with record.harmless(f"the fit of {type(estimator).__name__}"):
                _record(estimator, args, options)
        finally:
            _inside.depth -= 1
    return fitted


def _record(estimator: Any, args: Any, options: Mapping[str, Any]) -> None:
    params = _params(estimator)
    name = record.label(_kind(estimator), params)
    if name is None:
        return
    record.params(name, params)
    inputs = args[0] if args else options.get("X")
    target = args[1] if len(args) > 1 else options.get("y")
    if hasattr(estimator, "cv_results_"):
        _record_search(estimator, name)
    score = _score(estimator, inputs, target, options.get("sample_weight"))
    if score is not None:
        record.metrics({f"{name}.training_score": score})
    if keep is not None:
        frame = inputs if hasattr(inputs, "columns") else None
        keep(estimator, f"models/{name}", data=frame)


def _kind(estimator: Any) -> str:
    """Return what an estimator is called: a pipeline by the class of its last step."""
    steps = getattr(estimator, "steps", None)
    if steps and hasattr(steps[-1][1], "fit"):
        return f"{type(estimator).__name__}.{type(steps[-1][1]).__name__}"
    return type(estimator).__name__


def _params(estimator: Any) -> dict[str, Any]:
    given = estimator.get_params(deep=True)
    found = {
        name.replace("__", "."): record.plain(value)
        for name, value in given.items()
        if not hasattr(value, "fit") and not _has_estimators(value)
    }
    return dict(list(found.items())[:_MOST_PARAMS])


def _has_estimators(value: Any) -> bool:
    """Return whether a parameter is the list of steps, whose parameters are told one by one."""
    return isinstance(value, list) and any(
        isinstance(one, tuple) and any(hasattr(part, "fit") for part in one) for one in value
    )


def _record_search(estimator: Any, name: str) -> None:
    best = getattr(estimator, "best_params_", None) or {}
    record.params(f"{name}.best", {key: record.plain(value) for key, value in best.items()})
    if hasattr(estimator, "best_score_"):
        record.metrics({f"{name}.best_score": estimator.best_score_})
    table = {
        key: [record.plain(one) for one in values] for key, values in estimator.cv_results_.items()
    }
    record.table(table, f"{name}/cv_results.csv")


def _score(estimator: Any, inputs: Any, target: Any, weights: Any) -> float | None:
    """Return the score on what it was fitted on; None when it has none."""
    if inputs is None or not hasattr(estimator, "score"):
        return None
    options = {} if weights is None else {"sample_weight": weights}
    return float(estimator.score(inputs, target, **options))
