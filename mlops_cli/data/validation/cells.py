"""A column of a block of rows as arrays that checks and conditions compare."""

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
    present = raw.notna().to_numpy(dtype=bool)
    return _MAKERS[asked](raw, present)


def _number(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np
    import pandas as pd

    kind = raw.dtype.kind
    if kind in "iuf":
        values = raw.to_numpy()
        if values.dtype.kind not in "iuf":
            values = raw.to_numpy(dtype=np.float64, na_value=np.nan)
        return Cells("number", values, present, present, raw)
    if kind in "bMm":
        return _nothing("number", raw, present)
    values = pd.to_numeric(_unbooled(raw), errors="coerce").to_numpy(dtype=np.float64)
    return Cells("number", values, present, present & ~np.isnan(values), raw)


def _unbooled(raw: "Series[Any]") -> "Series[Any]":
    """Return cells in which no boolean can be taken for 0 or 1."""
    if raw.dtype != object:
        return raw
    return raw.map(lambda one: None if isinstance(one, bool) else one)


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
    if raw.dtype.kind in "iufMm":
        return _nothing("boolean", raw, present)
    said = raw.map(lambda one: _TRUTHS.get(one.lower() if isinstance(one, str) else one))
    fits = said.notna().to_numpy(dtype=bool) & present
    values = np.fromiter((one is True for one in said), dtype=bool, count=len(said))
    return Cells("boolean", values, present, fits, raw)


_TRUTHS: dict[Any, bool] = {"true": True, "false": False, True: True, False: False}


def _text(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np
    import pandas as pd

    if isinstance(raw.dtype, pd.CategoricalDtype):
        raw = raw.astype(raw.cat.categories.dtype)
    if isinstance(raw.dtype, pd.StringDtype):
        return Cells("text", raw, present, present, raw)
    if raw.dtype == object:
        fits = np.fromiter((isinstance(one, str) for one in raw), dtype=bool, count=len(raw))
        return Cells("text", raw.where(pd.Series(fits, index=raw.index)), present, fits, raw)
    return _nothing("text", raw, present)


def _datetime(raw: "Series[Any]", present: "np.ndarray[Any, Any]") -> Cells:
    import numpy as np
    import pandas as pd

    if raw.dtype.kind in "biufm":
        return _nothing("datetime", raw, present)
    found = raw if raw.dtype.kind == "M" else None
    if found is None:
        found = pd.to_datetime(raw, errors="coerce", format="ISO8601", utc=True)
    if getattr(found.dtype, "tz", None) is not None:
        found = found.dt.tz_convert("UTC").dt.tz_localize(None)
    there = found.notna().to_numpy(dtype=bool)
    unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[np.datetime_data(found.to_numpy().dtype)[0]]
    values = found.to_numpy().astype(np.int64) / unit
    return Cells("datetime", values, present, present & there, raw)


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
    import numpy as np

    values = np.full(len(raw), np.nan) if kind != "boolean" else np.zeros(len(raw), dtype=bool)
    return Cells(kind, values, present, np.zeros(len(raw), dtype=bool), raw)


_MAKERS = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "text": _text,
    "datetime": _datetime,
    "any": _any,
}
