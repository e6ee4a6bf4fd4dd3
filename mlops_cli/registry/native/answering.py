"""A loaded model as a function from checked values to JSON values.

What scikit-learn does is done by scikit-learn's own parts, in its own order: so the answers have
the same bits as those of `predict` and `predict_proba`. What is left out is what comes before
and between: checks of values that were checked already, a frame where an array will do, and all
transformers a second time when both the prediction and its probabilities are wanted.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.native import finals
from mlops_cli.registry.native.columns import transforming
from mlops_cli.registry.native.finals import Final
from mlops_cli.registry.signature import Signature, fitted_names
from mlops_cli.registry.values import FLOAT32_MAX, limit

if TYPE_CHECKING:
    import numpy as np

Columns = Sequence[Sequence[Any]]
Said = tuple[list[Any], list[list[float]] | None]
"""A prediction for each row, and the probability of each class if the model gives any."""


def answering(predictor: Predictor) -> Callable[[Columns], Said]:
    """Return the function that answers rows with a model, the quickest there is for it."""
    signature = predictor.signature
    assert signature is not None
    found = _parted(predictor)
    if found is None:
        return _guarded(_plain(predictor, signature))
    before, final, model = found
    if before or (final.by_name and fitted_names(model) is not None):
        return _guarded(_piped(before, final, model, signature))
    return _guarded(_direct(final, model))


def _parted(predictor: Predictor) -> tuple[list[Any], Final, Any] | None:
    """Return transformers, the quick way of the final model, and it; None where there is none."""
    model = predictor.model
    before: list[Any] = []
    if _is_plain_pipeline(model):
        before = [
            step for _, step in model.steps[:-1] if step is not None and step != "passthrough"
        ]
        model = model.steps[-1][1]
    if before and not hasattr(predictor.model, "feature_names_in_"):
        return None
    final = finals.of(model)
    if final is None or final.has_shares != predictor.has_probabilities:
        return None
    if not before and not _all_numbers(predictor.signature, model):
        return None
    return before, final, model


def _is_plain_pipeline(model: Any) -> bool:
    kind = type(model)
    return (kind.__module__, kind.__name__) == ("sklearn.pipeline", "Pipeline")


def _all_numbers(signature: Signature | None, model: Any) -> bool:
    """Return whether rows are floats that need no check, in the model's own order."""
    assert signature is not None
    names = fitted_names(model)
    return (names is None or tuple(names) == signature.names) and all(
        column.kind == "number" and not column.nullable and limit(column) <= FLOAT32_MAX
        for column in signature.columns
    )


def _plain(predictor: Predictor, signature: Signature) -> Callable[[Columns], Said]:
    """Return the way through `predict` and `predict_proba`, with one frame for both."""
    build = compile_frame(signature)

    def answer(columns: Columns) -> Said:
        frame = build(columns)
        shares = predictor.predict_proba(frame)
        return predictor.predict(frame).tolist(), None if shares is None else shares.tolist()

    return answer


def _piped(
    before: Sequence[Any], final: Final, model: Any, signature: Signature
) -> Callable[[Columns], Said]:
    """Return the way of a pipeline, whose transformers work once for all that is asked."""
    by_parts = transforming(before[0], signature) if before else None
    begin = by_parts or compile_frame(signature)
    transforms = [step.transform for step in before[by_parts is not None :]]

    def answer(columns: Columns) -> Said:
        rows = begin(columns)
        for transform in transforms:
            rows = transform(rows)
        return _said(*final.ask(model, final.checked(model, rows)))

    return answer


def _direct(final: Final, model: Any) -> Callable[[Columns], Said]:
    """Return the way of a model that takes floats, without a frame."""
    import numpy as np

    array, doubles = np.array, np.float64

    def answer(columns: Columns) -> Said:
        return _said(*final.ask(model, array(columns, dtype=doubles).T))

    return answer


def _said(labels: "np.ndarray[Any, Any]", shares: "np.ndarray[Any, Any] | None") -> Said:
    return labels.tolist(), None if shares is None else shares.tolist()


def _guarded(answer: Callable[[Columns], Said]) -> Callable[[Columns], Said]:
    """Return the same function, which tells the model's refusal of values as the client's fault."""

    def guarded(columns: Columns) -> Said:
        try:
            return answer(columns)
        except (ValueError, TypeError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise RequestError(f"the model refuses the rows: {first}") from error

    return guarded
