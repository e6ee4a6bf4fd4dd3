"""A ColumnTransformer whose parts are each given their own columns, straight from the values.

It would be given one frame, take it apart by names for each part, and ask them by way of joblib,
which together takes as long as what the parts do. They are asked here as it asks them, with frames
of the same types, and it puts together what they say: so the bits are the same.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.signature import Signature

Columns = Sequence[Sequence[Any]]
Transform = Callable[[Columns], Any]
_KIND = ("sklearn.compose._column_transformer", "ColumnTransformer")
_OF_NUMBERS = frozenset(
    ("SimpleImputer", "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
)
"""Parts that turn a frame of floats into an array before anything else."""


def transforming(model: Any, signature: Signature) -> Transform | None:
    """Return what a fitted ColumnTransformer does with values by column; None for any other.

    Other is also one that does more than to ask its parts: one that weighs them, is told of
    another form of output, or gives a part a single column without its name.
    """
    parts = _parts(model, signature)
    if parts is None:
        return None
    stack: Callable[..., Any] = model._hstack

    def transform(columns: Columns) -> Any:
        return stack([part(columns) for part in parts], n_samples=len(columns[0]))

    return transform


def _parts(model: Any, signature: Signature) -> list[Transform] | None:
    if (type(model).__module__, type(model).__name__) != _KIND or not _is_plain(model):
        return None
    places = {name: at for at, name in enumerate(signature.names)}
    named = [str(name) for name in model.feature_names_in_]
    parts = []
    for name, transformer, chosen in model.transformers_:
        if isinstance(transformer, str):
            if transformer != "drop":
                return None
            continue
        own = [named[at] for at in model._transformer_to_input_indices[name]]
        if isinstance(chosen, str | int) or not places.keys() >= set(own):
            return None
        if own:
            parts.append(_part(transformer, [places[one] for one in own], signature))
    return parts or None


def _part(transformer: Any, places: Sequence[int], signature: Signature) -> Transform:
    """Return what one part does with the columns at some places of the signature."""
    own = Signature(tuple(signature.columns[at] for at in places))
    nameless = _nameless(transformer) if all(one.kind == "number" for one in own.columns) else None
    build: Callable[[Columns], Any] = compile_frame(own) if nameless is None else _array
    transform = (transformer if nameless is None else nameless).transform
    return lambda columns: transform(build([columns[at] for at in places]))


def _array(columns: Columns) -> Any:
    import numpy as np

    return np.array(columns, dtype=np.float64).T


def _nameless(transformer: Any) -> Any:
    """Return a part that takes an array without asking for names; None where it needs a frame."""
    found = copy.copy(transformer)
    if type(found).__name__ == "Pipeline":
        steps = [(name, _nameless(step)) for name, step in found.steps]
        found.steps = steps
        return None if any(step is None for _, step in steps) else found
    known = type(found).__module__.startswith(("sklearn.impute.", "sklearn.preprocessing."))
    if not known or type(found).__name__ not in _OF_NUMBERS:
        return None
    if getattr(found, "_sklearn_output_config", None):
        return None
    vars(found).pop("feature_names_in_", None)
    return found


def _is_plain(model: Any) -> bool:
    return (
        hasattr(model, "feature_names_in_")
        and model.transformer_weights is None
        and not getattr(model, "_sklearn_output_config", None)
        and hasattr(model, "sparse_output_")
    )
