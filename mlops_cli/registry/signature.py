"""What a model takes: its columns in order, with kind, range, categories and gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlops_cli.errors import IntegrityError, RequestError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Kind = Literal["number", "integer", "boolean", "category", "text", "datetime"]
Bound = int | float | str
"""The end of a range: a number, or a moment as ISO 8601 text."""
Category = str | int | float | bool

MOST_CATEGORIES = 100
"""A column of strings with more distinct values than this is free text."""
FEWEST_REPEATS = 2
"""So is one whose values occur less often than this on average."""
_KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Column:
    """One input of a model, as its training table had it."""

    name: str
    kind: Kind
    minimum: Bound | None = None
    """The smallest finite value seen; None when unknown or when values have no order."""
    maximum: Bound | None = None
    categories: tuple[Category, ...] | None = None
    """Every value seen, sorted, for the kind `category`; None when unknown."""
    nullable: bool = False
    """Whether a value was missing in some row."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The columns of a model in the order in which it takes them; names are distinct."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in order."""
        return tuple([column.name for column in self.columns])

    def to_dict(self) -> dict[str, Any]:
        """Return the form that is kept in records: plain lists and dicts."""
        return {"columns": [_column_to_dict(column) for column in self.columns]}


def from_dict(record: Any, *, where: str = "a model's record") -> Signature:
    """Return the signature that `to_dict` gave `record` for.

    Raises:
        IntegrityError: the record has another form; `where` names it.
    """
    try:
        columns = tuple([_column_from_dict(column) for column in record["columns"]])
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the signature in {where} is damaged: {error!r}") from error
    return Signature(columns)


def from_frame(frame: "pd.DataFrame", *, leave_out: Sequence[str] = ()) -> Signature:
    """Return what the columns of `frame` hold, but for those named in `leave_out`.

    >>> import pandas as pd
    >>> from_frame(pd.DataFrame({"age": [31, 45], "smokes": [True, False]})).columns[0]
    Column(name='age', kind='integer', minimum=31, maximum=45, categories=None, nullable=False)
    """
    names = [name for name in frame.columns if name not in leave_out]
    repeated = {str(name) for name in names if names.count(name) > 1}
    if repeated:
        raise RequestError(f"the table has more than one column '{sorted(repeated)[0]}'")
    return Signature(tuple([from_series(str(name), frame[name]) for name in names]))


def from_series(name: str, values: "pd.Series[Any]") -> Column:
    """Return what one column holds."""
    from pandas.api import types

    nullable = bool(values.isna().any())
    known = values.dropna()
    if isinstance(values.dtype, types.CategoricalDtype):
        return Column(name, "category", categories=_categories(known.unique()), nullable=nullable)
    if types.is_bool_dtype(values.dtype):
        return Column(name, "boolean", nullable=nullable)
    if types.is_integer_dtype(values.dtype):
        return _ranged(name, "integer", known, nullable=nullable)
    if types.is_numeric_dtype(values.dtype):
        return _ranged(name, "number", known, nullable=nullable)
    if types.is_datetime64_any_dtype(values.dtype):
        return _ranged(name, "datetime", known, nullable=nullable)
    return _worded(name, known, nullable=nullable)


def for_model(
    model: Any, data: "pd.DataFrame | np.ndarray | None", *, target: str | None = None
) -> Signature | None:
    """Return what `model` takes, described by the table it was fitted on.

    `data` may hold `target` and further columns; they are left out. A model that was fitted on
    an array has the columns `x0`, `x1` and so on, unless the table names them. Without a table
    all columns are taken for numbers. None when not even the number of columns is known.

    Raises:
        RequestError: the table lacks a column that the model was fitted on, or has another
            number of columns.
    """
    frame = _as_frame(data)
    names = fitted_names(model)
    width = fitted_width(model)
    if names is None and frame is None:
        return None if width is None else _all_numbers([f"x{i}" for i in range(width)])
    if frame is None:
        return _all_numbers(names or [])
    if names is None:
        found = from_frame(frame, leave_out=() if target is None else (target,))
        if width is not None and len(found.columns) != width:
            raise RequestError(
                f"the model takes {width} columns, the table has {len(found.columns)}",
                hint="give the table it was fitted on, and its target",
            )
        return found
    names = as_in_table(names, frame)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise RequestError(
            f"the model was fitted on '{missing[0]}', which the table does not have",
            hint="give the table it was fitted on",
        )
    return from_frame(frame[names])


def fitted_names(model: Any) -> list[str] | None:
    """Return the names of the columns that `model` was fitted on, None when it had none."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def fitted_width(model: Any) -> int | None:
    """Return how many columns `model` was fitted on, None when it does not say."""
    width = getattr(model, "n_features_in_", None)
    return None if width is None else int(width)


def as_in_table(names: Sequence[str], frame: "pd.DataFrame") -> list[str]:
    """Return the names as the table has them: LightGBM writes `_` for a blank."""
    written = {str(name).replace(" ", "_"): str(name) for name in frame.columns}
    found = [name if name in frame.columns else written.get(name, name) for name in names]
    return found if len(set(found)) == len(names) else list(names)


def _as_frame(data: "pd.DataFrame | np.ndarray | None") -> "pd.DataFrame | None":
    if data is None or hasattr(data, "columns"):
        return data
    import pandas as pd

    frame = pd.DataFrame(data)
    frame.columns = pd.Index([f"x{i}" for i in range(frame.shape[1])])
    return frame


def _all_numbers(names: Sequence[str]) -> Signature:
    return Signature(tuple([Column(name, "number") for name in names]))


def _ranged(name: str, kind: Kind, known: "pd.Series[Any]", *, nullable: bool) -> Column:
    low, high = None, None
    if kind == "number":
        import numpy as np

        known = known[np.isfinite(known.astype(float))]
    if len(known):
        low, high = _plain(known.min()), _plain(known.max())
    return Column(name, kind, minimum=low, maximum=high, nullable=nullable)


def _worded(name: str, known: "pd.Series[Any]", *, nullable: bool) -> Column:
    """Return a column of strings, or of Python objects of any kind."""
    if not len(known):
        return Column(name, "text", nullable=True)
    if not all(isinstance(value, str) for value in known.head(1000)):
        known = known.astype(str)
    distinct = known.unique()
    few = len(distinct) <= MOST_CATEGORIES and len(distinct) * FEWEST_REPEATS <= len(known)
    if few:
        return Column(name, "category", categories=_categories(distinct), nullable=nullable)
    return Column(name, "text", nullable=nullable)


def listed(values: Sequence[Any], most: int) -> str:
    """Return the first of some categories or labels, those with commas or spaces in quotes.

    >>> listed(("low", "high, or so", 3), 2)
    "low, 'high, or so' and 1 more"
    """
    some = ", ".join(_quoted(one) for one in values[:most])
    return some + (f" and {len(values) - most} more" if len(values) > most else "")


def _quoted(value: Any) -> str:
    text = str(value)
    return (
        repr(text)
        if not text or "," in text or len(text.split()) > 1 or text.strip() != text
        else text
    )


def _categories(values: Any) -> tuple[Category, ...]:
    plain = [_plain(value) for value in values]
    return tuple(sorted(plain, key=lambda value: (type(value).__name__, value)))


def _plain(value: Any) -> Any:
    """Return a NumPy scalar or a time stamp as a value that a record can hold."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return value if isinstance(value, str | int | float | bool) else str(value)


def _column_to_dict(column: Column) -> dict[str, Any]:
    record = {key: value for key, value in asdict(column).items() if value is not None}
    if column.categories is not None:
        record["categories"] = list(column.categories)
    return record


def _column_from_dict(record: Mapping[str, Any]) -> Column:
    if record["kind"] not in _KINDS:
        raise ValueError(f"unknown kind {record['kind']!r}")
    categories = record.get("categories")
    return Column(
        name=str(record["name"]),
        kind=record["kind"],
        minimum=record.get("minimum"),
        maximum=record.get("maximum"),
        categories=None if categories is None else tuple(categories),
        nullable=bool(record.get("nullable", False)),
    )
