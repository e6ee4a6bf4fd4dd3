"""What answers the parts of a batch: the compiled form of a version, or the original.

The compiled form starts in a third of the time, since scikit-learn and skops stay away, and is
as quick as the original on many rows, but for trees: a forest's take twice as long in it. So trees
are answered by the original. The version alone decides, so a row is answered alike in every batch.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlops_cli.registry.batch.asking import Ask, Both
    from mlops_cli.registry.compiled.layout import Place
    from mlops_cli.registry.compiled.session import Session

_TREES = b"TreeEnsemble"
"""What the ONNX operators of trees are called."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers. `classes` are those that `ask` gives shares for; None when it gives none."""

    ask: "Ask"
    signature: Signature | None
    classes: tuple[Any, ...] | None


def answering(repo: Repository, version: Version, runtime: str = "auto") -> Answering:
    """Return what answers for a version; with the runtime `native` always the original.

    Raises:
        RequestError: there is no such runtime.
        MloError: the version cannot be loaded.
    """
    if runtime not in ("auto", "native"):
        raise RequestError(f"there is no runtime '{runtime}'", hint="--runtime auto, or native")
    compiled = _compiled(repo, version) if runtime == "auto" else None
    if compiled is not None:
        return compiled
    from mlops_cli.registry.batch.asking import asking

    predictor = models.load(repo, version)
    classes = predictor.classes if predictor.has_probabilities else None
    return Answering(asking(predictor), predictor.signature, classes)


def _compiled(repo: Repository, version: Version) -> Answering | None:
    signature = version.signature
    if version.compiled is None or signature is None:
        return None
    if any(column.kind == "datetime" for column in signature.columns):
        return None
    try:
        data = repo.objects.get(version.compiled)
    except MissingObject:
        return None  # the original says the same
    if _TREES in data:
        return None
    from mlops_cli.registry.compiled import session

    held = session.load(data, where=f"{version.model} v{version.number}")
    shares = held.layout.output == "shares"
    return Answering(
        lambda frame: _said(held, signature, frame),
        signature,
        held.layout.classes if shares else None,
    )


def _said(held: "Session", signature: Signature, frame: "pd.DataFrame") -> "Both":
    """Return predictions and shares for typed rows.

    Raises:
        RequestError: a column is missing, or the model refuses the values.
    """
    import numpy as np

    missing = [name for name in signature.names if name not in frame.columns]
    if missing:
        raise RequestError(f"the table has no column '{missing[0]}', which the model takes")
    table = np.empty((len(frame), len(held.layout.places)))
    for at, place in enumerate(held.layout.places):
        table[:, at] = _numbers(place, frame[signature.names[place.column]])
    found = held.run(table)
    if held.layout.output == "index":
        return np.array(held.layout.classes)[found.ravel().astype(np.int64)], None
    if np.isnan(found).any():
        raise RequestError("the model refuses the rows: what it says of them is not a number")
    if held.layout.output == "value":
        return found.ravel(), None
    return np.array(held.layout.classes)[found.argmax(1)], found


def _numbers(place: "Place", values: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    """Return a column as the compiled form takes it: see `registry.compiled.layout`."""
    import numpy as np
    import pandas as pd

    known = place.known
    if known is None:
        doubles: np.ndarray[Any, Any] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return doubles
    objects = values.astype(object)
    codes = pd.Index(list(known), dtype=object).get_indexer(pd.Index(objects, dtype=object))
    places: np.ndarray[Any, Any] = np.where(codes < 0, len(known) + 1, codes)
    places[objects.isna().to_numpy()] = len(known)
    return places
