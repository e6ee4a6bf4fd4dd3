"""What a regressor was given where the truth is known: from it errors without labels are learned.

An object that has a line of canonical JSON, `v`: 1, `rows` and `columns`, and then a payload as
blocks of the prediction log have it: the places of the rows in the evaluation, zeros for the
moments, and the columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data.predictions import block
from mlops_cli.data.predictions.block import Cells, Damaged
from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.registry.example import as_taken
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

VERSION = 1
MOST_ROWS = 20_000
_MOST_CELLS = 2_000_000
"""Of wide tables fewer rows are kept."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Some rows of an evaluation: their places in it, rising, and what the model was given."""

    places: NDArray[np.int64]
    columns: dict[str, Cells]


def keep(repo: Repository, rows: pd.DataFrame, signature: Signature | None) -> ObjectId | None:
    """Put the inputs of evenly chosen rows into the store; None where they are not known."""
    import numpy as np

    taken = None if signature is None else as_taken(rows, signature)
    if taken is None:
        return None
    many = min(len(taken), MOST_ROWS, max(_MOST_CELLS // taken.shape[1], 1))
    places = np.unique(np.linspace(0, len(taken) - 1, many).round().astype(np.int64))
    some = taken.iloc[places]
    columns = [block.cells(_plain(some[name])) for name in some.columns]
    none = np.zeros(len(places), dtype=np.int64)
    said = {"v": VERSION, "rows": len(places), "columns": [str(one) for one in some.columns]}
    payload = block.encode(places, none, columns, [None] * len(places), None, None, None)
    return repo.objects.put(canonical.encode(said) + b"\n" + payload)


def read(repo: Repository, oid: ObjectId) -> Inputs:
    """Return what `keep` kept.

    Raises:
        MissingObject: it is not in this store.
        IntegrityError: it is damaged.
        StateError: a newer mlo wrote it.
    """
    first, _, payload = repo.objects.get(oid).partition(b"\n")
    try:
        said = canonical.decode(first)
        if said["v"] != VERSION:
            raise StateError("kept inputs have a format unknown here", hint="use a newer mlo")
        names = list(map(str, said["columns"]))
        found = block.decode(payload, int(said["rows"]), columns=len(names))
    except (Damaged, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"object {oid} holds no inputs: {error!r}") from error
    return Inputs(found.numbers, dict(zip(names, found.columns, strict=True)))


def _plain(values: pd.Series[Any]) -> list[Any]:
    """Return a column as the values of requests: null where missing, moments as text."""
    if values.dtype.kind == "M":
        return [None if one != one else one.isoformat() for one in values.tolist()]
    return [_cell(one) for one in values.tolist()]


def _cell(value: Any) -> Any:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return None if value is None or value != value else str(value)
