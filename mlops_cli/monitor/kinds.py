"""What a column holds, as far as a comparison cares: numbers, categories, moments, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

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


def numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a column of numbers or booleans as floats in rising order, missing ones left out."""
    import numpy as np

    present = values.dropna().to_numpy(dtype=np.float64)
    return np.sort(present)


def counts(
    first: pd.Series[Any], second: pd.Series[Any]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return the values of two columns as text, and how often each has them.

    Commonest of both together first, then by name; missing values are left out.
    """
    import numpy as np
    import pandas as pd

    both = pd.concat([_counted(first), _counted(second)], axis=1).fillna(0).astype(np.int64)
    both = both.sort_index()
    both = both.iloc[np.argsort(-both.sum(axis=1).to_numpy(), kind="stable")]
    return list(both.index), both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy()


def _counted(values: pd.Series[Any]) -> pd.Series[Any]:
    from pandas.api import types

    present = values.dropna().astype(object)
    if types.infer_dtype(present) != "string":
        present = present.map(str)
    return present.value_counts()
