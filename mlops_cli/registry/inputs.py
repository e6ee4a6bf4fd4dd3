"""Columns of a file as a model takes them: parsed by its signature, and refused as by HTTP.

Whole columns are checked by a few calls into C. Only where such a check says no is each value
looked at, to name its row.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.frame import array_of
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.registry.values import INT64, limit, misfit

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_MARKS = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
    + ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)
"""What pandas takes for a missing value, as it did when the training table was read."""
_TRUTH = {
    **dict.fromkeys(("True", "true", "TRUE"), True),
    **dict.fromkeys(("False", "false", "FALSE"), False),
}


class _Misfit(Exception):
    def __init__(self, place: int, problem: str) -> None:
        super().__init__(problem)
        self.place, self.problem = place, problem


def typed(
    frame: "pd.DataFrame", signature: Signature | None, *, first_row: int, where: str, text: bool
) -> "pd.DataFrame":
    """Return `frame` with each column that a model takes parsed by its kind.

    A column that is not there is left to the model to miss. Without a signature numbers are
    guessed.

    Args:
        frame: rows of the file `where`, after `first_row` others.
        signature: of the model.
        first_row: how many rows stand before, for errors.
        where: the file, for errors.
        text: whether the file knows only text. Then a blank is a missing value, and so is what
            pandas reads as one, such as `NA`, if the training table had missing values there.

    Raises:
        RequestError: a value does not fit; the message names file, row (from 1) and column.
    """
    if signature is None:
        return _guessed(frame)
    parsed: dict[str, Any] = {}
    wrong: list[tuple[int, str, str]] = []
    for column in signature.columns:
        if column.name in frame.columns:
            try:
                parsed[column.name] = _parsed(column, frame[column.name], text=text)
            except _Misfit as error:
                wrong.append((error.place, column.name, error.problem))
    if wrong:
        place, name, problem = min(wrong, key=lambda one: one[0])
        raise RequestError(f"'{where}' row {first_row + place + 1}, '{name}': {problem}")
    return frame.assign(**parsed)


def _parsed(column: Column, values: "pd.Series[Any]", *, text: bool) -> Any:
    from pandas.api import types

    if types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype):
        found = _numeric(column, values)
        if found is not None:
            return found
    cells = _cells(values)
    marks = marks_of(column) if text else frozenset[str]()
    try:
        found = _quick(column, cells, marks)
    except (TypeError, ValueError, OverflowError):
        found = None
    return _one_by_one(column, cells, marks) if found is None else found


def marks_of(column: Column) -> frozenset[str]:
    """Return which texts of a file that knows only text mean that a value is missing."""
    if not column.nullable:
        return frozenset([""])
    return _MARKS.difference(map(str, column.categories or ()))


def _cells(values: "pd.Series[Any]") -> list[Any]:
    if values.dtype != object:
        values = values.astype(object).where(values.notna(), None)
    cells: list[Any] = values.tolist()
    return cells


def _numeric(column: Column, values: "pd.Series[Any]") -> "np.ndarray[Any, Any] | None":
    """Return a column of numbers in their type, None when it takes a closer look."""
    if column.kind not in ("number", "integer"):
        return None
    if column.kind == "integer" and not values.isna().any() and values.dtype.kind in "iu":
        fits = not len(values) or values.max() < INT64
        return values.to_numpy(dtype="int64") if fits else None
    return _fitting(column, values.to_numpy(dtype="float64", na_value=math.nan))


def _fitting(column: Column, numbers: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
    """Return numbers in the type of their column if all of them fit, else None."""
    import numpy as np

    gaps = np.isnan(numbers)
    if gaps.any() and not column.nullable:
        return None
    known = numbers[~gaps]
    if column.kind == "number":
        return numbers if (np.abs(known) <= limit(column)).all() else None
    if not ((np.abs(known) < INT64) & (known == np.trunc(known))).all():
        return None
    return numbers if gaps.any() else numbers.astype(np.int64)


def _quick(column: Column, cells: list[Any], marks: frozenset[str]) -> Any:
    """Return the array of a column of which all values fit, None or an error when some may not."""
    import numpy as np

    kinds = set(map(type, cells))
    if column.kind in ("number", "integer"):
        if not kinds <= {str, int, float, type(None)} or (str in kinds and _odd(cells)):
            return None
        if column.kind == "integer" and kinds <= {str, int} and not _has_gaps(column, cells):
            return np.array(list(map(int, cells)), dtype=np.int64)
        if column.nullable and str in kinds:
            cells = [None if cell in marks else cell for cell in cells]
        if column.kind == "integer" and any(type(cell) is int for cell in cells):
            return None
        return _fitting(column, np.array(cells, dtype=np.float64))
    if column.kind == "category" and column.categories is not None:
        known = _known(column, marks)
        if kinds <= {str, type(None), *map(type, column.categories)} and known.keys() >= set(cells):
            return array_of(column)([known[cell] for cell in cells])
        return None
    if column.kind in ("text", "category") and kinds <= {str, type(None)}:
        if marks:
            cells = [None if cell in marks else cell for cell in cells]
        return array_of(column)(cells) if column.nullable or None not in cells else None
    return None


def _odd(cells: Sequence[Any]) -> bool:
    """Return whether a text has an underscore, which Python reads as part of a number."""
    return "_" in "".join([cell for cell in cells if type(cell) is str])


def _has_gaps(column: Column, cells: Sequence[Any]) -> bool:
    return column.nullable and not _MARKS.isdisjoint(cells)


def _known(column: Column, marks: frozenset[str]) -> Mapping[Any, Any]:
    categories = column.categories or ()
    known: dict[Any, Any] = {str(one): one for one in categories}
    known.update({one: one for one in categories})
    if column.nullable:
        known.update(dict.fromkeys((None, *marks)))
    return known


def _one_by_one(column: Column, cells: Sequence[Any], marks: frozenset[str]) -> Any:
    values = []
    for place, cell in enumerate(cells):
        value = _value(column, cell, marks)
        problem = misfit(column, value)
        if problem is not None:
            raise _Misfit(place, problem)
        whole = column.kind == "integer" and type(value) is float
        values.append(int(value) if whole else value)
    return array_of(column)(values)


def _value(column: Column, cell: Any, marks: frozenset[str]) -> Any:
    """Return what a cell says, as a JSON value; text that says nothing else stays text."""
    if hasattr(cell, "isoformat"):
        return cell.isoformat()
    if type(cell) is not str:
        return None if marks and cell != cell else cell  # pandas' NaN where a row is short
    if cell in marks:
        return None
    if column.kind in ("number", "integer"):
        return _number(cell)
    if column.kind == "boolean":
        return _TRUTH.get(cell, cell)
    if column.kind == "category" and cell not in (column.categories or ()):
        said = {_TRUTH.get(cell, cell), str(_number(cell)), _number(cell)}
        same = [one for one in column.categories or () if type(one) is not str and one in said]
        return same[0] if same else cell
    return cell


def _number(cell: str) -> Any:
    for kind in (int, float):
        try:
            return cell if "_" in cell else kind(cell)
        except ValueError:
            pass
    return cell


def _guessed(frame: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    guessed = {}
    for name in frame.columns:
        values = frame[name].mask(frame[name].isna() | frame[name].isin(_MARKS))
        numbers = pd.to_numeric(values, errors="coerce")
        guessed[name] = numbers if bool((numbers.isna() == values.isna()).all()) else values
    return frame.assign(**guessed)
