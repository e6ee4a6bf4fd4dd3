"""A few rows that a model takes, as JSON values: what a request looks like.

They are real rows of the training table, so a version can be made without them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.core import canonical
from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
ROWS = 3


@dataclass(frozen=True, slots=True)
class Example:
    """Rows by the names of their columns, in the order of the signature; None where missing."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the form that is kept in records: plain lists and dicts."""
        rows = [list(row) for row in self.rows]
        return {"v": VERSION, "columns": list(self.columns), "rows": rows}

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as `/predict` takes them."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def of_frame(frame: "pd.DataFrame", signature: Signature) -> Example | None:
    """Return the first rows of a table, None if it has not the columns of `signature`."""
    taken = as_taken(frame.head(ROWS), signature)
    if taken is None:
        return None
    rows = taken.itertuples(index=False, name=None)
    return Example(tuple(signature.names), tuple(tuple(map(_plain, row)) for row in rows))


def as_taken(frame: "pd.DataFrame", signature: Signature) -> "pd.DataFrame | None":
    """Return the columns of a table that `signature` has, None if it lacks one, or has no rows.

    A table without names for a model that was fitted on an array has them by position, once the
    caller has left out what the model does not take.
    """
    names = list(signature.names)
    if not names or not len(frame):
        return None
    if not set(names) <= set(frame.columns):
        if frame.shape[1] != len(names):
            return None
        frame = frame.set_axis(names, axis=1)
    found: pd.DataFrame = frame[names]
    return found


def of_data(data: Any, signature: Signature, *, target: str | None) -> Example | None:
    """Return the first rows of a table or an array that may have the target too."""
    import pandas as pd

    frame = data if hasattr(data, "columns") else pd.DataFrame(data)
    return of_frame(frame.drop(columns=[target], errors="ignore"), signature)


def encode(example: Example) -> bytes:
    """Return the object that an example is kept as."""
    return canonical.encode(example.to_dict())


def decode(data: bytes) -> Example:
    """Return the example in an object.

    Raises:
        IntegrityError: it is none.
        StateError: a newer mlo wrote it.
    """
    return from_dict(canonical.decode(data))


def from_dict(held: Any) -> Example:
    """Return the example that `to_dict` gave this for.

    Raises:
        IntegrityError, StateError: as of `decode`.
    """
    try:
        if held["v"] != VERSION:
            raise StateError("an example has a format unknown here", hint="use a newer mlo")
        columns = tuple(map(str, held["columns"]))
        rows = tuple(tuple(row) for row in held["rows"])
        if any(len(row) != len(columns) for row in rows):
            raise ValueError("a row of another length")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"a model's example is damaged: {error!r}") from error
    return Example(columns, rows)


def _plain(value: Any) -> Any:
    """Return a cell as a JSON value; what has no such form, such as infinity, is missing."""
    import math

    import pandas as pd

    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if value is pd.NaT or value is pd.NA:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
