"""Requests against a model's signature, compiled once so that a good request costs little.

All values of one kind are checked together by a few calls into C. Only when such a check says
no is each value looked at, to name row and field.

What a value may be, `registry.values` says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from mlops_cli.registry.signature import Column, Signature
from mlops_cli.registry.values import INT64, counted, described, is_moment, limit, misfit, shown
from mlops_cli.serving.refusal import MOST_PROBLEMS, Problem, Refused, refuse_values

_NULL = type(None)
_each = chain.from_iterable

Columns = Sequence[Sequence[Any]]
"""JSON values by column, in the order of the signature."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a request that fit the model. Whole numbers are `int` where those are due."""

    columns: Columns
    rows: int
    asked: Any = None
    """What the request says of its answer, for the protocol that read it."""


class _Group(NamedTuple):
    """Columns of one kind that take null alike, checked together."""

    places: tuple[int, ...]
    of_row: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None
    """Takes the values of the group out of those of a row; None where they are all of them."""
    fits: Callable[[Sequence[Any]], bool]
    """Returns whether all of some values fit as they are."""


class Validator:
    """Checks requests for one signature. Safe to use from any thread."""

    def __init__(self, signature: Signature, *, max_rows: int) -> None:
        """Compile the checks; a request may have up to `max_rows` rows."""
        self._columns = signature.columns
        self._names = signature.names
        self._known = frozenset(self._names)
        self.max_rows = max_rows
        self._pick = _picker(self._names)
        self._groups = _groups(signature.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in order."""
        return self._names

    def rows(self, rows: list[Any], *, finite: bool = True) -> Table:
        """Return the table of a request's `rows`, each an object with a value for each column.

        Without `finite` there may be NaN among the values, which the quick checks do not see.

        Raises:
            Refused: 400, 413 or 422.
        """
        self._check_count(len(rows))
        width = len(self._names)
        try:
            picked = [self._pick(row) for row in rows]
            fitting = width * len(rows) == sum(map(len, rows))
        except (KeyError, TypeError, IndexError, AttributeError):
            fitting = False
        if not fitting:
            raise self._misshapen(rows)
        if len(rows) == 1 and finite and self._row_fits(picked[0]):
            return Table(list(zip(picked[0], strict=True)), 1)
        return self._checked(list(zip(*picked, strict=True)), len(rows), finite=finite)

    def columns(self, columns: dict[str, Any], *, finite: bool = True) -> Table:
        """Return the table of a request's `columns`, each a list with a value for each row.

        Without `finite` there may be NaN among the values.

        Raises:
            Refused: 400, 413 or 422.
        """
        ordered: list[Any] = [columns.get(name) for name in self._names]
        fitting = len(columns) == len(ordered) and all(type(one) is list for one in ordered)
        if not fitting or len(set(map(len, ordered))) != 1:
            raise self._misshapen_columns(columns)
        count = len(ordered[0])
        self._check_count(count)
        return self._checked(ordered, count, finite=finite)

    def split(self, names: list[Any], data: list[Any], *, finite: bool = True) -> Table:
        """Return the table of `data`, a list of values for each row in the order of `names`.

        Without `finite` there may be NaN among the values.

        Raises:
            Refused: 400, 413 or 422.
        """
        check_names(names)
        self._check_count(len(data))
        width = len(names)
        for number, row in enumerate(data):
            if type(row) is not list or len(row) != width:
                got = counted(len(row)) if type(row) is list else described(row)
                raise Refused(400, f"row {number} must be a list of {counted(width)}, got {got}")
        columns = map(list, zip(*data, strict=True))
        return self.columns(dict(zip(names, columns, strict=True)), finite=finite)

    def _check_count(self, count: int) -> None:
        if count == 0:
            raise Refused(400, "there are no rows: send at least one")
        if count > self.max_rows:
            raise Refused(
                413, f"{count} rows are more than the {self.max_rows} that one request may have"
            )

    def _checked(self, columns: list[Sequence[Any]], count: int, *, finite: bool) -> Table:
        if not finite or not all(self._fit(group, columns) for group in self._groups):
            return Table(self._converted(columns), count)
        return Table(columns, count)

    def _row_fits(self, row: tuple[Any, ...]) -> bool:
        """Return whether the values of a lone row fit, without making columns of them first."""
        try:
            for _, of_row, fits in self._groups:
                if not fits(row if of_row is None else of_row(row)):
                    return False
        except TypeError:  # a list or an object, which no set takes
            return False
        return True

    def _fit(self, group: _Group, columns: list[Sequence[Any]]) -> bool:
        chosen = [columns[place] for place in group.places]
        try:
            return group.fits(chosen[0] if len(chosen) == 1 else list(_each(chosen)))
        except TypeError:  # a list or an object, which no set takes
            return False

    def _converted(self, columns: Sequence[Sequence[Any]]) -> Columns:
        """Return the columns with whole floats as `int` where due, or refuse, value by value."""
        found = _Problems()
        converted = []
        for column, values in zip(self._columns, columns, strict=True):
            kept = []
            for row, value in enumerate(values):
                problem = misfit(column, value)
                found.add(row, column.name, problem)
                whole = column.kind == "integer" and type(value) is float and problem is None
                kept.append(int(value) if whole else value)
            converted.append(kept)
        if found.total:
            raise found.refusal()
        return converted

    def _misshapen(self, rows: list[Any]) -> Refused:
        """Return the refusal of rows that are no objects, or lack or add fields, with all else."""
        found = _Problems()
        for number, row in enumerate(rows):
            if type(row) is not dict:
                return Refused(
                    400, f"row {number} must be an object of fields, got {described(row)}"
                )
            self._fields(found, number, row)
            for column in self._columns:
                if column.name in row:
                    found.add(number, column.name, misfit(column, row[column.name]))
        return found.refusal()

    def _misshapen_columns(self, columns: dict[str, Any]) -> Refused:
        """Return the refusal of columns that lack or add some, or are no lists of one length."""
        found = _Problems()
        self._fields(found, None, columns)
        lists: dict[str, list[Any]] = {}
        for name in self._names:
            if type(columns.get(name)) is list:
                lists[name] = columns[name]
            elif name in columns:
                problem = f"must be a list of values, got {described(columns[name])}"
                found.add(None, name, problem)
        first = next(iter(lists), "")
        for name, values in lists.items():
            if len(values) != len(lists[first]):
                plural = "" if len(values) == 1 else "s"
                problem = f"has {len(values)} value{plural}, '{shown(first)}' has"
                found.add(None, name, f"{problem} {len(lists[first])}")
        for column in self._columns:
            for row, value in enumerate(lists.get(column.name, ())[: self.max_rows]):
                found.add(row, column.name, misfit(column, value))
        return found.refusal()

    def _fields(self, found: "_Problems", row: int | None, fields: Mapping[str, Any]) -> None:
        """Add the fields that are missing, and those that no input has."""
        for name in self._names:
            if name not in fields:
                found.add(row, name, "is missing")
        for name in fields:
            if name not in self._known:
                found.add(row, name, "" if found.is_full else self._extra(name))

    def _extra(self, name: str) -> str:
        near = get_close_matches(name[:200], self._names, n=1, cutoff=0.7)
        return "is not an input of the model" + (f"; did you mean '{near[0]}'?" if near else "")


class _Problems:
    """What is wrong with a request: all of it counted, the first of it kept."""

    def __init__(self) -> None:
        self.total = 0
        self._kept: list[Problem] = []

    @property
    def is_full(self) -> bool:
        return len(self._kept) == MOST_PROBLEMS

    def add(self, row: int | None, field: str, problem: str | None) -> None:
        """Count a problem; None is none."""
        if problem is not None:
            self.total += 1
            if not self.is_full:
                self._kept.append(Problem(row, field, problem))

    def refusal(self) -> Refused:
        """Return the refusal: what is wrong with whole columns first, then row by row."""
        kept = sorted(self._kept, key=lambda one: -1 if one.row is None else one.row)
        return refuse_values(kept, self.total)


def check_names(names: Sequence[Any]) -> None:
    """Refuse with 400 names of columns that are no strings, or not distinct."""
    seen: set[str] = set()
    for place, name in enumerate(names):
        if type(name) is not str:
            raise Refused(
                400, f"the name of column {place} must be a string, got {described(name)}"
            )
        if name in seen:
            raise Refused(400, f"the column '{shown(name)}' is there more than once")
        seen.add(name)


def _picker(names: Sequence[str] | Sequence[int]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        (name,) = names
        return lambda row: (row[name],)
    return itemgetter(*names)


def _groups(columns: Iterable[Column]) -> list[_Group]:
    """Return the checks of all columns; columns with values of their own stand alone."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    by_key: dict[tuple[Any, ...], Column] = {}
    for place, column in enumerate(columns):
        key: tuple[Any, ...] = (column.kind, column.nullable)
        if column.kind == "number":
            key += (limit(column),)
        elif column.kind in {"category", "datetime"}:
            key += (place,)
        alike.setdefault(key, []).append(place)
        by_key[key] = column
    width = sum(map(len, alike.values()))
    return [
        _Group(tuple(places), None if len(places) == width else _picker(places), _fits(by_key[key]))
        for key, places in alike.items()
    ]


def _fits(column: Column) -> Callable[[Sequence[Any]], bool]:
    """Return the quick check of values of columns like `column`."""
    if column.kind == "number":
        most = limit(column)
        return _bounded(_types(column, float, int), -most, most, nullable=column.nullable)
    if column.kind == "integer":
        return _bounded(_types(column, int), -INT64, INT64 - 1, nullable=column.nullable)
    if column.kind == "category" and column.categories is not None:
        return _categories_fit(column)
    if column.kind == "datetime":
        return lambda values: all(
            (value is None and column.nullable) or is_moment(value) for value in values
        )
    types = _types(column, bool if column.kind == "boolean" else str)
    return lambda values: types.issuperset(map(type, values))


def _bounded(
    types: frozenset[type], low: float, high: float, *, nullable: bool
) -> Callable[[Sequence[Any]], bool]:
    def fits(values: Sequence[Any]) -> bool:
        if not types.issuperset(map(type, values)):
            return False
        if nullable:
            values = [value for value in values if value is not None]
        # without NaN, which JSON cannot write, the ends say all
        return not values or (low <= min(values) and max(values) <= high)

    return fits


def _categories_fit(column: Column) -> Callable[[Sequence[Any]], bool]:
    known = frozenset(column.categories or ()) | ({None} if column.nullable else frozenset())
    types = _types(column, *map(type, column.categories or ()))
    return lambda values: types.issuperset(map(type, values)) and known.issuperset(values)


def _types(column: Column, *types: type) -> frozenset[type]:
    return frozenset(types) | ({_NULL} if column.nullable else frozenset())
