"""Rows by the values of a column: the parts of a table that are evaluated apart."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.evaluation.fairness import Groups

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MOST = 20
"""A column with more values is cut into ranges if it has numbers; else the rarer are one group."""
_RANGES = 4
_MISSING = "(missing)"
_OTHER = "(other)"


def of_column(name: str, values: pd.Series[Any]) -> Groups:
    """Return the groups of a column's values, named as `4`, `north` or `12 < . <= 40`.

    A column of numbers with more than 20 values is cut at its quartiles; of other columns the
    rows beyond the 20 commonest values are the group `(other)`. Missing values are one too.
    """
    import numpy as np
    from pandas.api import types

    known = values.notna().to_numpy()
    numeric = types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype)
    if numeric and values.nunique() > MOST:
        names, codes = _ranges(values.to_numpy(dtype=np.float64, na_value=np.nan), known)
    else:
        names, codes = _values([word(one) for one in values.tolist()], known)
    if not known.all():
        codes = np.where(known, codes, len(names))
        names = (*names, _MISSING)
    return Groups(name, names, codes)


def told(name: str, column: str) -> str:
    """Return the name of a group for people: a range with the name of its column.

    >>> told("12 < . <= 40", "age"), told(". > 40", "age"), told("north", "region")
    ('12 < age <= 40', 'age > 40', 'north')
    """
    if name.startswith((". <= ", ". > ")):
        return column + name[1:]
    low, dot, high = name.partition(" < . <= ")
    return f"{low} < {column} <= {high}" if dot else name


def _values(words: list[str], known: NDArray[np.bool_]) -> tuple[tuple[str, ...], Any]:
    import numpy as np

    count: dict[str, int] = {}
    for word, there in zip(words, known, strict=True):
        if there:
            count[word] = count.get(word, 0) + 1
    commonest = sorted(count, key=lambda word: (-count[word], word))
    names = tuple(sorted(commonest[:MOST]))
    place = {name: at for at, name in enumerate(names)}
    codes = np.array([place.get(word, len(names)) for word in words], dtype=np.intp)
    return (names, codes) if len(commonest) <= MOST else ((*names, _OTHER), codes)


def _ranges(numbers: NDArray[np.float64], known: NDArray[np.bool_]) -> tuple[tuple[str, ...], Any]:
    import numpy as np

    parts = np.linspace(0, 1, _RANGES + 1)[1:-1]
    ends = np.unique(np.quantile(numbers[known], parts, method="lower"))
    if ends[-1] == numbers[known].max():
        ends = ends[:-1]
    codes = np.searchsorted(ends, np.where(known, numbers, 0.0), side="left")
    said = [f"{end:g}" for end in ends]
    if not said:
        return ("all",), codes
    between = [f"{low} < . <= {high}" for low, high in pairwise(said)]
    return (f". <= {said[0]}", *between, f". > {said[-1]}"), codes


def word(value: Any) -> str:
    """Return the name of the group of a value: 4.0 is `4`."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)
