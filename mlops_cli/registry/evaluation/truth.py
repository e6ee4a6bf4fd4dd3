"""What a table says is true, beside what a model answers: the arrays that metrics need."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlops_cli.core.ids import short
from mlops_cli.errors import RequestError
from mlops_cli.registry.evaluation.answers import Answers, Label, Labelled, Measured
from mlops_cli.registry.evaluation.record import Data
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from mlops_cli.registry.formats import Predictor

_TASKS = ("classification", "regression", "other")


def target(frame: pd.DataFrame, name: str | None, version: Version, chosen: Data) -> str:
    """Return the column that holds the truth.

    Raises:
        RequestError: nobody said which, the table lacks it, or the model does not predict one.
    """
    what = f"{version.model} v{version.number}"
    if version.task not in _TASKS:
        raise RequestError(f"{what} does {version.task}: there is no truth to compare it with")
    if name is None:
        raise RequestError(
            f"it is not known which column {what} predicts",
            hint=f"say --target COLUMN, or set models.{version.model}.target in .mlops.yaml",
        )
    if name not in frame.columns:
        raise no_column(name, frame, chosen)
    return name


def no_column(name: str, frame: pd.DataFrame, chosen: Data) -> RequestError:
    """Return the error that says that a table lacks a column."""
    known = [str(one) for one in frame.columns]
    near = get_close_matches(name, known, n=1)
    more = ", ..." if len(known) > 8 else ""
    return RequestError(
        f"{chosen.path}@{short(chosen.oid)} has no column '{name}'",
        hint=f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known[:8])}{more}",
    )


def rows_of(frame: pd.DataFrame, signature: Signature | None) -> pd.DataFrame:
    """Return rows as the model takes them: with times in columns that had times in training."""
    from mlops_cli.registry import inputs

    moments = tuple(one for one in signature.columns if one.kind == "datetime") if signature else ()
    if not moments:
        return frame
    return inputs.typed(frame, Signature(moments), first_row=0, where="the table", text=False)


def answers(
    predictor: Predictor, rows: pd.DataFrame, truth: pd.Series[Any], positive: str | None
) -> Answers:
    """Return what the model answers to `rows`, beside what is true.

    Raises:
        RequestError: the model refuses the rows, or answers in other terms than the truth.
    """
    import numpy as np

    predicted = predictor.predict(rows)
    if predicted.shape != (len(rows),):
        raise RequestError("the model answers several values a row: that cannot be evaluated yet")
    if not _is_labels(predictor, predicted, truth):
        try:
            numbers = truth.to_numpy(dtype=np.float64)
            return Measured(numbers, predicted.astype(np.float64))
        except (TypeError, ValueError) as error:
            raise RequestError(
                f"the model predicts numbers, and '{truth.name}' holds {_some(truth.unique())}",
                hint="name the column that it predicts with --target",
            ) from error
    classes = predictor.classes or tuple(sorted(set(predicted.tolist()), key=str))
    labels, codes = _codes(classes, truth)
    place = {label: at for at, label in enumerate(labels)}
    return Labelled(
        labels=labels,
        truth=codes,
        predicted=np.array([place[one] for one in predicted.tolist()], dtype=np.intp),
        shares=_shares(predictor, rows, len(labels)),
        positive=_positive(labels, positive),
    )


def _is_labels(predictor: Predictor, predicted: NDArray[Any], truth: pd.Series[Any]) -> bool:
    if predictor.task != "other":
        return predictor.task == "classification"
    return predicted.dtype.kind not in "f" or truth.dtype.kind not in "if"


def _codes(
    classes: tuple[Label, ...], truth: pd.Series[Any]
) -> tuple[tuple[Label, ...], NDArray[np.intp]]:
    """Return all labels, those of the model first, and the place of each row's among them."""
    import numpy as np

    place: dict[Any, int] = {label: at for at, label in enumerate(classes)}
    words = {str(label): at for at, label in enumerate(classes)}
    labels, codes, strange = list(classes), [], 0
    for one in truth.tolist():
        at = place.get(one)
        if at is None:
            at = words.get(str(one))
        if at is None:
            at = place[one] = len(labels)
            labels.append(one if isinstance(one, str | int | float | bool) else str(one))
        strange += at >= len(classes)
        codes.append(at)
    if strange * 2 > len(truth):
        raise _other_labels(classes, tuple(labels[len(classes) :]), str(truth.name))
    return tuple(labels), np.array(codes, dtype=np.intp)


def _other_labels(
    classes: tuple[Label, ...], others: tuple[Label, ...], column: str
) -> RequestError:
    """Return the error for a truth in words that the model does not use.

    As many of them as the model has are rather the same labels written otherwise.
    """
    said = f"the model predicts {_some(classes)}, and '{column}' holds {_some(others)}"
    if len(others) > len(classes):
        return RequestError(said, hint="name the column that it predicts with --target")
    return RequestError(
        f"{said}: the labels differ, perhaps as it was encoded for training",
        hint="evaluate on a table with the model's labels,"
        " or log a model that answers in those of the table",
    )


def _some(labels: Iterable[Label]) -> str:
    every = [repr(one) for one in labels]
    return ", ".join(every[:4]) + (", ..." if len(every) > 4 else "")


def _shares(predictor: Predictor, rows: pd.DataFrame, labels: int) -> NDArray[np.float64] | None:
    """Return the probability of each label; of one that the model does not know it is 0."""
    import numpy as np

    shares = predictor.predict_proba(rows)
    if shares is None:
        return None
    missing = labels - shares.shape[1]
    return np.pad(shares.astype(np.float64), ((0, 0), (0, missing)))


def _positive(labels: tuple[Label, ...], said: str | None) -> int | None:
    """Return the place of the favourable label: as was said, or the last of two."""
    if said is None:
        return 1 if len(labels) == 2 else None
    words = [str(one) for one in labels]
    if said not in words:
        raise RequestError(f"'{said}' is no label of the model", hint=f"it has {_some(labels)}")
    return words.index(said)
