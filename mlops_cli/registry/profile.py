"""The columns of a training table in sum: what later data is compared with, without the table.

One pass over blocks of rows, in bounded memory; a profile of a thousand columns is a few hundred
kilobytes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlops_cli.core import canonical
from mlops_cli.data.tables.profile import Moments, Words
from mlops_cli.errors import IntegrityError, StateError
from mlops_cli.registry.example import as_taken
from mlops_cli.registry.quantiles import Quantiles
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Kind = Literal["number", "boolean", "category", "datetime", "empty"]
"""As `monitor` tells columns apart; whole numbers are numbers, text of any kind is a category."""

VERSION = 1
MOST_VALUES = 256
"""A column of no more distinct numbers than this is counted value by value."""
MOST_CATEGORIES = 1000
"""Of more distinct texts the commonest are counted each, and the others together."""
MOST_DISTINCT = 0.5
"""A column of texts of which a larger share is distinct holds names: none of them is kept."""
LONGEST = 200
"""Letters of a text that are kept; what is longer is told by its beginning."""
_BLOCK = 65_536
"""Rows of a table in memory that are looked at together."""
_GRID = 1001
_CELLS = 100_000
_FEWEST_POINTS = 101
_KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of the training table.

    Attributes:
        count: rows that have a value.
        nulls: rows that have none.
        distinct: how many different values there are; an estimate where `exact` is false.
        infinite: how many values are infinite. They are in no other number here.
        minimum: and `maximum`, `mean`, `std`: of numbers; of moments in seconds since 1970; of
            booleans as 0 and 1. None where there is no value.
        values: each value with how often it is there, commonest first; None where they are too
            many, or names. Texts that are rare are left out once there are more than
            MOST_CATEGORIES.
        others: how many rows have a text that is left out.
        quantiles: where `values` is None, the values at evenly spread ranks, rising; none of text.
    """

    name: str
    kind: Kind
    count: int
    nulls: int
    distinct: int
    exact: bool = True
    infinite: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    values: tuple[tuple[str | float, int], ...] | None = None
    others: int = 0
    quantiles: tuple[float, ...] = ()

    def weighted(self) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        """Return values and how many rows each stands for, of a column of numbers or moments.

        The values rise. Where values were counted they are exact; else each quantile stands for
        an equal share of the rows, so that a distribution function made of them is off by at most
        0.25 % and the spacing of the quantiles.
        """
        import numpy as np

        if self.values is not None:
            pairs = sorted((float(value), count) for value, count in self.values)
            return np.array([one for one, _ in pairs]), np.array([float(n) for _, n in pairs])
        grid = np.array(self.quantiles)
        share = (self.count - self.infinite) / max(1, len(grid))
        return grid, np.full(len(grid), share)


@dataclass(frozen=True, slots=True)
class Profile:
    """A training table: how many rows it has, and its columns in order."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        """Return a column by its name, None when there is none."""
        return next((one for one in self.columns if one.name == name), None)


def of_table(read: "Callable[[frozenset[str]], Iterable[pd.DataFrame]]") -> Profile:
    """Return the profile of a table.

    `read` gives its rows in blocks, with the columns that it is told as text. It is called a second
    time when a column looks like numbers at first, and later is not.
    """
    rows, columns = _through(read(frozenset()), frozenset())
    late = frozenset(name for name, column in columns.items() if column.mixed)
    if late:
        rows, columns = _through(read(late), late)
    points = max(_FEWEST_POINTS, min(_GRID, _CELLS // max(1, len(columns))))
    return Profile(rows, tuple(one.profile(name, points) for name, one in columns.items()))


def of_data(data: Any, signature: Signature, *, target: str | None) -> Profile | None:
    """Return the profile of what a model takes, from a table or an array that may have more.

    None of one that has not the columns of `signature`.
    """
    import pandas as pd

    frame = data if hasattr(data, "columns") else pd.DataFrame(data)
    taken = as_taken(frame.drop(columns=[target], errors="ignore"), signature)
    if taken is None:
        return None
    starts = range(0, len(taken), _BLOCK)
    return of_table(lambda _: (taken.iloc[at : at + _BLOCK] for at in starts))


def _through(
    frames: "Iterable[pd.DataFrame]", as_text: frozenset[str]
) -> "tuple[int, dict[str, _Column]]":
    columns: dict[str, _Column] = {}
    rows = 0
    for frame in frames:
        for name in map(str, frame.columns):
            if name not in columns:
                columns[name] = _Column("category" if name in as_text else "empty", nulls=rows)
        rows += len(frame)
        for name, column in columns.items():
            if name in frame.columns:
                column.add(frame[name])
            else:
                column.nulls += len(frame)
    return rows, columns


def encode(profile: Profile) -> bytes:
    """Return the object that a profile is kept as."""
    return canonical.encode(to_dict(profile))


def to_dict(profile: Profile) -> dict[str, Any]:
    """Return the form that is kept in records: plain lists and dicts."""
    columns = [_plain(column) for column in profile.columns]
    return {"v": VERSION, "rows": profile.rows, "columns": columns}


def decode(data: bytes) -> Profile:
    """Return the profile in an object.

    Raises:
        IntegrityError: it is none.
        StateError: a newer mlo wrote it.
    """
    return from_dict(canonical.decode(data))


def from_dict(held: Any) -> Profile:
    """Return the profile that `to_dict` gave this for.

    Raises:
        IntegrityError, StateError: as of `decode`.
    """
    try:
        if held["v"] != VERSION:
            raise StateError("a profile has a format unknown here", hint="use a newer mlo")
        return Profile(int(held["rows"]), tuple(_column(one) for one in held["columns"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the profile of a training table is damaged: {error!r}") from error


def _plain(column: ColumnProfile) -> dict[str, Any]:
    blank = ColumnProfile("", "empty", 0, 0, 0)
    always = ("name", "kind", "count", "nulls", "distinct")
    return {
        name: value
        for name, value in asdict(column).items()
        if name in always or value != getattr(blank, name)
    }


def _column(held: Mapping[str, Any]) -> ColumnProfile:
    if held["kind"] not in _KINDS:
        raise ValueError(f"unknown kind {held['kind']!r}")
    values = held.get("values")
    more = {
        "values": None if values is None else tuple((one, int(count)) for one, count in values),
        "quantiles": tuple(map(float, held.get("quantiles", ()))),
    }
    return ColumnProfile(**{**held, **more})


@dataclass(slots=True)
class _Column:
    """What is known of a column so far."""

    kind: Kind = "empty"
    nulls: int = 0
    infinite: int = 0
    texts: int = 0
    mixed: bool = False
    """Whether some values were numbers and others text."""
    moments: Moments = field(default_factory=Moments)
    quantiles: Quantiles = field(default_factory=Quantiles)
    counted: Counter[float] | None = field(default_factory=Counter)
    words: Words = field(default_factory=Words)
    """Of texts, and of numbers once there are too many to count each."""

    def add(self, cells: "pd.Series[Any]") -> None:
        """Take in a block of the column."""
        present = cells.dropna()
        self.nulls += len(cells) - len(present)
        if not len(present):
            return
        if self.kind == "category":
            self._add_texts(present)
            return
        kind, numbers = _read(present)
        if self.kind not in ("empty", kind):
            self.mixed = "category" in (self.kind, kind) or "datetime" in (self.kind, kind)
            kind = "category" if self.mixed else "number"
        self.kind = kind
        if kind == "category" or numbers is None:
            self._add_texts(present)
        else:
            self._add_numbers(numbers)

    def _add_numbers(self, numbers: "np.ndarray[Any, Any]") -> None:
        import numpy as np

        finite = numbers[np.isfinite(numbers)]
        self.infinite += len(numbers) - len(finite)
        self.moments.add(finite, np.ones(len(finite)))
        self.quantiles.add(finite)
        found, counts = np.unique(finite, return_counts=True)
        if self.counted is None:
            self.words.add_uncounted(found)
            return
        self.counted.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        if len(self.counted) > MOST_VALUES:
            self.words.counts = None
            self.words.add_uncounted(np.array(list(self.counted)))
            self.counted = None

    def _add_texts(self, cells: "pd.Series[Any]") -> None:
        import numpy as np

        self.texts += len(cells)
        texts = np.array([str(cell)[:LONGEST] for cell in cells.tolist()], dtype=object)
        if self.words.counts is None:
            self.words.add_uncounted(texts)
        else:
            self.words.add(Counter(texts.tolist()))

    def profile(self, name: str, points: int) -> ColumnProfile:
        """Return what was found, with a grid of so many quantiles."""
        if self.kind == "category":
            return self._of_texts(name)
        seen = self.moments.count
        whole = ColumnProfile(
            name,
            self.kind,
            seen + self.infinite,
            self.nulls,
            0,
            infinite=self.infinite,
            minimum=self.moments.low if seen else None,
            maximum=self.moments.high if seen else None,
            mean=_finite(self.moments.mean) if seen else None,
            std=_finite(self.moments.std) if seen else None,
        )
        if self.counted is None:
            grid = tuple(self.quantiles.grid(points).tolist())
            return replace(whole, distinct=self.words.distinct, exact=False, quantiles=grid)
        values = tuple(sorted(self.counted.items(), key=lambda one: (-one[1], one[0])))
        return replace(whole, distinct=len(values), values=values)

    def _of_texts(self, name: str) -> ColumnProfile:
        whole = ColumnProfile(name, "category", self.texts, self.nulls, self.words.distinct)
        if self.words.counts is None:
            return replace(whole, exact=False)
        if whole.distinct > MOST_DISTINCT * whole.count:
            return whole
        ordered = sorted(self.words.counts.items(), key=lambda one: (-one[1], one[0]))
        kept = tuple(ordered[:MOST_CATEGORIES])
        return replace(whole, values=kept, others=self.texts - sum(count for _, count in kept))


def _finite(number: float) -> float | None:
    import math

    return number if math.isfinite(number) else None


def _read(present: "pd.Series[Any]") -> "tuple[Kind, np.ndarray[Any, Any] | None]":
    """Return what kind of values these are, and the numbers that they stand for."""
    from pandas.api import types

    dtype = present.dtype
    if isinstance(dtype, types.CategoricalDtype):
        return "category", None
    if types.is_bool_dtype(dtype):
        return "boolean", present.to_numpy(dtype="float64")
    if types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
        return "number", present.to_numpy(dtype="float64")
    if types.is_datetime64_any_dtype(dtype):
        return "datetime", present.astype("int64").to_numpy(dtype="float64") / _per_second(dtype)
    return _of_objects(present)


def _of_objects(present: "pd.Series[Any]") -> "tuple[Kind, np.ndarray[Any, Any] | None]":
    from pandas.api import types

    held = types.infer_dtype(present)
    if held == "boolean":
        return "boolean", present.to_numpy(dtype="float64")
    if held in ("integer", "floating", "mixed-integer-float", "decimal"):
        return "number", present.to_numpy(dtype="float64")
    return "category", None


def _per_second(dtype: Any) -> float:
    import numpy as np

    unit = str(getattr(dtype, "unit", None) or np.datetime_data(dtype)[0])
    return {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
