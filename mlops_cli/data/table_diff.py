"""How two versions of a table differ: rows, columns, and what they say in sum."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number or word that describes a column, before and after."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that both versions have, and what is different about it."""

    name: str
    statistics: tuple[Statistic, ...]


@dataclass(frozen=True, slots=True)
class TableChange:
    """How a table changed.

    `rows_added` and `rows_removed` count whole rows by value, whatever their order, over the
    columns that both versions have; a row that was edited counts in both.
    """

    rows_before: int
    rows_after: int
    rows_added: int
    rows_removed: int
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_changed: tuple[ColumnChange, ...]


def compare(before: "DataFrame", after: "DataFrame") -> TableChange:
    """Return how `after` differs from `before`."""
    old, new = _named(before), _named(after)
    shared = [name for name in old.columns if name in set(new.columns)]
    added, removed = _rows(old, new, shared)
    changed = (_column(name, old[name], new[name]) for name in shared)
    return TableChange(
        len(old),
        len(new),
        added,
        removed,
        tuple(name for name in new.columns if name not in set(old.columns)),
        tuple(name for name in old.columns if name not in set(new.columns)),
        tuple(one for one in changed if one.statistics),
    )


def _named(frame: "DataFrame") -> "DataFrame":
    """Return the frame with columns named by text, each name once."""
    seen: Counter[str] = Counter()
    names = []
    for column in frame.columns:
        name = str(column)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    named = frame.copy(deep=False)
    named.columns = names
    return named


def _rows(old: "DataFrame", new: "DataFrame", shared: list[str]) -> tuple[int, int]:
    if not shared:
        return len(new), len(old)
    before = Counter(_row_hashes(old[shared], new[shared]))
    after = Counter(_row_hashes(new[shared], old[shared]))
    return (after - before).total(), (before - after).total()


def _row_hashes(frame: "DataFrame", other: "DataFrame") -> list[int]:
    """Return a hash of each row; columns whose type differs in `other` are hashed as text."""
    import pandas as pd

    alike = frame.copy(deep=False)
    for name in frame.columns:
        one, two = frame[name].dtype, other[name].dtype
        if one != two and pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(two):
            alike[name] = frame[name].astype("float64")
        elif one != two or str(one) == "object":
            alike[name] = frame[name].astype(str)
    hashes: list[int] = pd.util.hash_pandas_object(alike, index=False).tolist()
    return hashes


def _column(name: str, old: "Series[Any]", new: "Series[Any]") -> ColumnChange:
    before, after = _describe(old), _describe(new)
    names = [*before, *(one for one in after if one not in before)]
    return ColumnChange(
        name,
        tuple(
            Statistic(one, before.get(one), after.get(one))
            for one in names
            if before.get(one) != after.get(one)
        ),
    )


def _describe(column: "Series[Any]") -> Mapping[str, Value]:
    """Return what describes a column; NaN is never among the values."""
    import pandas as pd

    facts: dict[str, Value] = {"type": _type(column), "missing": int(column.isna().sum())}
    present = column.dropna()
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        if len(present):
            facts |= {
                "mean": _number(present.mean()),
                "std": _number(present.std(ddof=0)),
                "min": _number(present.min()),
                "max": _number(present.max()),
            }
        return facts
    words = present.astype(str)
    facts["distinct"] = int(words.nunique())
    if len(words):
        counts = words.value_counts()
        facts["most common"] = str(min(counts[counts == counts.iloc[0]].index))[:80]
    return facts


def _type(column: "Series[Any]") -> str:
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(column) else "text"


def _number(value: Any) -> Value:
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
