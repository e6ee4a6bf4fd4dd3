"""Checked values as the data frame that a model takes, with the types of its training table."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.signature import Column, Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas

Build = Callable[[Sequence[Sequence[Any]]], "pandas.DataFrame"]


def compile_frame(signature: Signature) -> Build:
    """Return a function from values by column to a data frame.

    Numbers become float64, integers int64 (float64 where null is among them), null NaN,
    times become time stamps: with a zone, in UTC, exactly when those of the training data had one.
    """
    import numpy as np
    import pandas

    names = pandas.Index(list(signature.names))
    if all(column.kind == "number" for column in signature.columns):
        return lambda columns: pandas.DataFrame(
            np.array(columns, dtype=np.float64).T, columns=names, copy=False
        )
    arrays = [(column.name, array_of(column)) for column in signature.columns]

    def build(columns: Sequence[Sequence[Any]]) -> "pandas.DataFrame":
        made = {name: array(values) for (name, array), values in zip(arrays, columns, strict=True)}
        return pandas.DataFrame(made, copy=False)

    return build


def array_of(column: Column) -> Callable[[Sequence[Any]], Any]:
    """Return a function from checked values of `column` to an array of its type."""
    import numpy as np

    if column.kind == "number":
        return lambda values: np.array(values, dtype=np.float64)
    if column.kind == "integer":
        if not column.nullable:
            return lambda values: np.array(values, dtype=np.int64)
        return _integers_with_gaps
    if column.kind == "boolean" and not column.nullable:
        return lambda values: np.array(values, dtype=np.bool_)
    if column.kind == "datetime":
        return _moments(column)
    if column.categories and not isinstance(column.categories[0], str) and not column.nullable:
        return np.array
    return _objects


def _integers_with_gaps(values: Sequence[Any]) -> "np.ndarray[Any, Any]":
    import numpy as np

    return np.array(values, dtype=np.float64 if None in values else np.int64)


def _objects(values: Sequence[Any]) -> "np.ndarray[Any, Any]":
    import numpy as np

    made = np.empty(len(values), dtype=object)
    made[:] = values
    if None in values:  # NaN, as pandas reads it: scikit-learn fills no gap that is None
        made[[value is None for value in values]] = math.nan
    return made


def _moments(column: Column) -> Callable[[Sequence[Any]], Any]:
    import pandas

    seen = column.minimum
    zoned = isinstance(seen, str) and pandas.Timestamp(seen).tz is not None

    def moments(values: Sequence[Any]) -> Any:
        found = pandas.to_datetime(list(values), utc=True, format="ISO8601")
        return found if zoned else found.tz_localize(None)

    return moments
