"""What the columns of a table say in sum, gathered block by block and merged."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mlops_cli.data.tables.keys import hashed

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame, Series

Kind = Literal["empty", "boolean", "integer", "number", "date", "text"]

WORDS_MAX = 4096
"""So many different values are counted exactly; beyond, how many there are is estimated."""

_DATE = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"


@dataclass(slots=True)
class Moments:
    """Count, mean, sum of squared distances from it, and extremes."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, values: "np.ndarray[Any, Any]", weights: "np.ndarray[Any, Any]") -> None:
        """Add values, each as often as its weight says.

        Source:
            T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for Computing the Sample Variance,
            The American Statistician 37 (1983) 242-247.
        """
        import numpy as np

        if not len(values):
            return
        with np.errstate(all="ignore"):  # infinities give NaN, and are told so
            count = int(weights.sum())
            mean = float((values * weights).sum() / count)
            squares = float((weights * (values - mean) ** 2).sum())
        self.merge(Moments(count, mean, squares, float(values.min()), float(values.max())))

    def merge(self, other: "Moments") -> None:
        """Add what another has seen."""
        if not other.count:
            return
        count = self.count + other.count
        away = other.mean - self.mean
        self.squares += other.squares + away * away * self.count * other.count / count
        self.mean += away * other.count / count
        self.count = count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    @property
    def std(self) -> float:
        """The standard deviation of the whole (not of a sample)."""
        return float((self.squares / self.count) ** 0.5) if self.count else 0.0


@dataclass(slots=True)
class Words:
    """How often each value is there, and about how many there are once they are too many.

    Source:
        Z. Bar-Yossef et al., Counting Distinct Elements in a Data Stream, RANDOM 2002 (the
        k-th smallest hash; its error is about 1 / sqrt(k), 1.6 %).
    """

    counts: Counter[str] | None = field(default_factory=Counter)
    smallest: "np.ndarray[Any, Any] | None" = None
    low: str | None = None
    high: str | None = None

    def add(self, counts: Mapping[str, int]) -> None:
        """Add values with their counts."""
        if not counts:
            return
        if self.counts is not None:
            self.counts.update(counts)
            if len(self.counts) <= WORDS_MAX:
                return
            counts, self.counts = self.counts, None
        self._keep_smallest(_hashes(counts))

    def merge(self, other: "Words") -> None:
        """Add what another has seen."""
        if other.low is not None and other.high is not None:
            self.widen(other.low, other.high)
        if other.counts is not None:
            self.add(other.counts)
            return
        if self.counts is not None:
            mine, self.counts = self.counts, None
            if mine:
                self._keep_smallest(_hashes(mine))
        assert other.smallest is not None
        self._keep_smallest(other.smallest)

    def add_uncounted(self, values: "np.ndarray[Any, Any]") -> None:
        """Add values once it is only estimated how many different ones there are."""
        self._keep_smallest(hashed([values]))

    def widen(self, low: str, high: str) -> None:
        """Note the first and the last value of some, in the order of letters."""
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def _keep_smallest(self, hashes: "np.ndarray[Any, Any]") -> None:
        import numpy as np

        if self.smallest is not None:
            if len(self.smallest) == WORDS_MAX:
                hashes = hashes[hashes < self.smallest[-1]]
            hashes = np.concatenate([self.smallest, hashes])
        self.smallest = np.unique(hashes)[:WORDS_MAX]

    @property
    def distinct(self) -> int:
        """How many values there are; an estimate when `counts` is None."""
        if self.counts is not None:
            return len(self.counts)
        assert self.smallest is not None
        if len(self.smallest) < WORDS_MAX:
            return len(self.smallest)
        return round((WORDS_MAX - 1) / (float(self.smallest[-1]) / 2.0**64))


def _hashes(counts: Mapping[str, int]) -> "np.ndarray[Any, Any]":
    import numpy as np

    return hashed([np.array(list(counts), dtype=object)])


@dataclass(slots=True)
class Column:
    """One column; `words` are kept of columns that are read as text."""

    kind: Kind = "empty"
    missing: int = 0
    moments: Moments = field(default_factory=Moments)
    words: Words | None = None

    def add(self, cells: "Series[Any]") -> None:
        """Add a block of cells: numbers, booleans, or text as objects."""
        present = cells.dropna()
        self.missing += len(cells) - len(present)
        if len(present):
            (self._add_plain if self.words is None else self._add_text)(present)

    def _add_plain(self, cells: "Series[Any]") -> None:
        import numpy as np

        kind = _kind_of_type(cells)
        self.kind = wider(self.kind, kind)
        if kind != "text":
            values = cells.to_numpy(dtype="float64")
            self.moments.add(values, np.ones(len(values)))

    def _add_text(self, cells: "Series[Any]") -> None:
        import numpy as np
        import pandas as pd

        assert self.words is not None
        if self.words.counts is None:  # too many to be counted one by one
            values, weights = cells, np.ones(len(cells))
            self.words.add_uncounted(cells.to_numpy(dtype=object))
        else:
            codes, found = pd.factorize(cells.to_numpy(dtype=object))
            counts = np.bincount(codes)
            values, weights = pd.Series(found, dtype=object), counts.astype(np.float64)
            self.words.add(dict(zip(found, counts.tolist(), strict=True)))
        if self.kind == "text":
            return
        kind, numbers = _read(values, dates=self.kind in ("empty", "date"))
        self.kind = wider(self.kind, kind)
        if numbers is not None:
            self.moments.add(numbers, weights)
        elif kind == "date":
            self.words.widen(values.min(), values.max())

    def merged(self, other: "Column") -> "Column":
        """Return a column that has seen what both have."""
        together = Column(wider(self.kind, other.kind), self.missing + other.missing)
        together.moments.merge(self.moments)
        together.moments.merge(other.moments)
        if self.words is not None and other.words is not None:
            together.words = Words()
            together.words.merge(self.words)
            together.words.merge(other.words)
        return together


def wider(one: Kind, other: Kind) -> Kind:
    """Return the kind of a column that has values of both kinds.

    >>> wider("integer", "number"), wider("boolean", "integer"), wider("empty", "date")
    ('number', 'text', 'date')
    """
    if one == other or other == "empty":
        return one
    if one == "empty":
        return other
    return "number" if {one, other} == {"integer", "number"} else "text"


def _kind_of_type(cells: "Series[Any]") -> Kind:
    import pandas as pd

    kinds: dict[str, Kind] = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}
    if cells.dtype.kind == "f" and _is_whole(cells.to_numpy()):
        return "integer"  # whole numbers with some missing are read as floats
    if cells.dtype == object and pd.api.types.infer_dtype(cells) == "boolean":
        return "boolean"
    return kinds.get(cells.dtype.kind, "text")


def _read(values: "Series[Any]", *, dates: bool) -> "tuple[Kind, np.ndarray[Any, Any] | None]":
    """Return what kind of text this is, and the numbers it stands for."""
    import numpy as np
    import pandas as pd

    try:
        numbers = pd.to_numeric(values)
    except (ValueError, TypeError):
        return _read_words(values, dates=dates)
    found = numbers.to_numpy(dtype=np.float64)
    return ("integer" if _is_whole(found) else "number"), found


def _read_words(
    values: "Series[Any]", *, dates: bool
) -> "tuple[Kind, np.ndarray[Any, Any] | None]":
    import numpy as np

    lower = values.str.lower()
    if lower.isin(["true", "false"]).all():
        return "boolean", (lower == "true").to_numpy(dtype=np.float64)
    is_date = dates and bool(values.str.fullmatch(_DATE).all())
    return ("date" if is_date else "text"), None


def _is_whole(numbers: "np.ndarray[Any, Any]") -> bool:
    import numpy as np

    with np.errstate(invalid="ignore"):
        return bool((numbers % 1 == 0).all())


class Profile:
    """The columns of one part of a table.

    Args:
        as_text: columns whose cells are read as text, so that they can be counted as words.
    """

    def __init__(self, names: Sequence[str], as_text: Iterable[str]) -> None:
        text = set(as_text)
        self.columns = {name: Column(words=Words() if name in text else None) for name in names}
        self.rows = 0

    def add(self, frame: "DataFrame") -> None:
        """Add rows."""
        self.rows += len(frame)
        for name, column in self.columns.items():
            column.add(frame[name])

    def merged(self, other: "Profile") -> "Profile":
        """Return the profile of both parts together."""
        together = Profile((), ())
        together.rows = self.rows + other.rows
        together.columns = {
            name: column.merged(other.columns[name])
            for name, column in self.columns.items()
            if name in other.columns
        }
        return together

    def surprises(self) -> set[str]:
        """Return columns that turned out to be text and were not read so."""
        return {
            name for name, one in self.columns.items() if one.kind == "text" and one.words is None
        }
