"""What a column holds, as far as a comparison cares: numbers, categories, moments, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "boolean", "category", "datetime", "empty"]

_OF_OBJECTS: dict[str, Kind] = {
    "boolean": "boolean",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime": "datetime",
    "datetime64": "datetime",
    "date": "datetime",
    "empty": "empty",
}
"""By what pandas infers of a column of Python objects; all others are categories."""


def kind_of(values: pd.Series[Any]) -> Kind:
    """Return what a column holds; `empty` when every value is missing or there is no row.

    Numbers and booleans that are kept as Python objects, as next to None, count as such.

    >>> import pandas as pd
    >>> kind_of(pd.Series([1, None], dtype=object)), kind_of(pd.Series(["a", 1]))
    ('number', 'category')
    """
    from pandas.api import types

    if values.isna().all():
        return "empty"
    if isinstance(values.dtype, types.CategoricalDtype):
        return "category"
    if types.is_bool_dtype(values.dtype):
        return "boolean"
    if types.is_numeric_dtype(values.dtype) and not types.is_complex_dtype(values.dtype):
        return "number"
    if types.is_datetime64_any_dtype(values.dtype):
        return "datetime"
    return _OF_OBJECTS.get(types.infer_dtype(values, skipna=True), "category")
