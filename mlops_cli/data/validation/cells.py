"""A column of a block of rows as arrays that checks and conditions compare."""

from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from mlops_cli.core.records import dataclass
from mlops_cli.data.validation.schema import Type

if TYPE_CHECKING:
    import numpy as np
    from pandas import Series

Kind = Literal["number", "boolean", "text", "datetime"]


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one column.

    Attributes:
        kind: what the values are: numbers, booleans, texts, or moments in seconds since 1970.
        values: an array, or of texts a Series; where a cell is missing or a misfit, anything.
        present: where there is a value.
        fits: where that is of the type that was asked for; `present` itself if it is everywhere.
        raw: the cells as they were read.
    """

    kind: Kind
    values: Any
    present: "np.ndarray[Any, Any]"
    fits: "np.ndarray[Any, Any]"
    raw: "Series[Any]"


def cells(raw: "Series[Any]", asked: Type) -> Cells:
    """Return a column as values of the type that is asked for.

    What is not of that type is no value: `fits` is false there. Text counts as a number, moment or
    boolean if it reads as one, since that is all that CSV has.
    """
    raw = plain(raw)
    present = raw.notna().to_numpy(dtype=bool)
    if raw.dtype.kind not in "biufMO" or not _is_known(raw):
        return _nothing("text" if asked == "any" else _KINDS[asked], raw, present)
    return _MAKERS[asked](raw, present)


def plain(raw: "Series[Any]") -> "Series[Any]":
    """Return a column whose cells are values, where it holds numbers of categories."""
    import numpy as np
    import pandas as pd

    if isinstance(raw.dtype, pd.CategoricalDtype):
        return pd.Series(np.asarray(raw), index=raw.index)
    return raw


def _is_known(raw: "Series[Any]") -> bool:
    """Return whether cells are not of a type such as periods, of which only pandas knows."""
    import pandas as pd

    return raw.dtype.kind != "O" or raw.dtype == object or isinstance(raw.dtype, pd.StringDtype)


def _number(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np

    kind = raw.dtype.kind
    if kind in "iuf":
        values = raw.to_numpy()
        if values.dtype.kind not in "iuf":
            values = raw.to_numpy(dtype=np.float64, na_value=np.nan)
        return Cells("number", values, present, present, raw)
    if kind in "bM":
        return _nothing("number", raw, present)
    values = _floats(raw)
    return Cells("number", values, present, present & ~np.isnan(values), raw)


def _floats(raw: "Series[Any]") -> "np.ndarray[Any, Any]":
    """Return what texts and objects read as numbers, NaN where they do not."""
    import numpy as np
    import pandas as pd

    if raw.dtype == object:
        raw = raw.map(_number_or_text)
    try:
        found: np.ndarray[Any, Any] = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # whole numbers beyond 64 bits
        found = np.array([_float(one) for one in raw], dtype=np.float64)
    return found


def _number_or_text(one: Any) -> Any:
    fits = isinstance(one, str | int | float) and not isinstance(one, bool)
    return one if fits else None


def _float(one: Any) -> float:
    try:
        return float(one)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _integer(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np

    found = _number(raw, present)
    if found.values.dtype.kind in "iu":
        return found
    with np.errstate(invalid="ignore"):
        whole = found.fits & (found.values % 1 == 0)
    return Cells("number", found.values, present, whole, raw)


def _boolean(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np

    if raw.dtype.kind == "b":
        values = raw.to_numpy(dtype=bool, na_value=False) if not present.all() else raw.to_numpy()
        return Cells("boolean", values.astype(bool), present, present, raw)
    if raw.dtype.kind in "iufM":
        return _nothing("boolean", raw, present)
    said = raw.map(_truth)
    fits = said.notna().to_numpy(dtype=bool) & present
    values = np.fromiter((one is True for one in said), dtype=bool, count=len(said))
    return Cells("boolean", values, present, fits, raw)


def _truth(one: Any) -> bool | None:
    if isinstance(one, bool):
        return one
    return {"true": True, "false": False}.get(one.lower()) if isinstance(one, str) else None


def _text(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np
    import pandas as pd

    if isinstance(raw.dtype, pd.StringDtype):
        return Cells("text", raw, present, present, raw)
    if raw.dtype == object:
        fits = np.fromiter((isinstance(one, str) for one in raw), dtype=bool, count=len(raw))
        return Cells("text", raw.where(pd.Series(fits, index=raw.index)), present, fits, raw)
    return _nothing("text", raw, present)


def _datetime(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np
    import pandas as pd

    if raw.dtype.kind in "biuf":
        return _nothing("datetime", raw, present)
    found = raw if raw.dtype.kind == "M" else None
    if found is None:
        texts = raw.map(_text_or_date) if raw.dtype == object else raw
        found = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
    if getattr(found.dtype, "tz", None) is not None:
        found = found.dt.tz_convert("UTC").dt.tz_localize(None)
    there = found.notna().to_numpy(dtype=bool)
    unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[np.datetime_data(found.to_numpy().dtype)[0]]
    values = found.to_numpy().astype(np.int64) / unit
    return Cells("datetime", values, present, present & there, raw)


def _text_or_date(one: Any) -> Any:
    return one if isinstance(one, str | date) else None


def _any(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    """Return a column as what it is; text is not looked into."""
    kind = raw.dtype.kind
    if kind == "M":
        return _datetime(raw, present)
    if kind in "iuf":
        return _number(raw, present)
    if kind == "b":
        return _boolean(raw, present)
    found = _text(raw, present)
    return Cells("text", found.values, present, present, raw)


def _nothing(kind: Kind, raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    """Return a column in which no value fits."""
    import numpy as np
    import pandas as pd

    nowhere = np.zeros(len(raw), dtype=bool)
    values: Any = np.full(len(raw), np.nan)
    if kind == "boolean":
        values = nowhere
    elif kind == "text":
        values = pd.Series([None] * len(raw), index=raw.index, dtype="str")
    return Cells(kind, values, present, nowhere, raw)


_KINDS: dict[Type, Kind] = {
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "text": "text",
    "datetime": "datetime",
}
_MAKERS = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "text": _text,
    "datetime": _datetime,
    "any": _any,
}
