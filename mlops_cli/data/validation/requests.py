"""The part of a schema that single rows can keep or break, compiled for requests.

What hangs on a whole table (shares, unique values, numbers of rows, ages) is left out, and so is
what is about columns that a request does not have.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from mlops_cli.core.records import dataclass
from mlops_cli.data.validation import moments
from mlops_cli.data.validation.conditions import fails
from mlops_cli.data.validation.schema import ColumnRule, RowRule, Schema, Severity

Fits = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Broken:
    """A value or a row of a request that a schema does not allow.

    Attributes:
        row: from 0.
        field: the column, or the first that a rule is about.
        check: what kind of check, as in a report.
        problem: what is wrong, in words.
    """

    row: int
    field: str
    check: str
    problem: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class _Test:
    """A test of the values of one column; `all_fit` is quick, `fits` asks one value."""

    place: int
    field: str
    check: str
    said: str
    severity: Severity
    all_fit: Callable[[Sequence[Any]], bool]
    fits: Fits


class RequestCheck:
    """Tests rows of JSON values in the order of `names`. Safe to use from any thread."""

    def __init__(self, schema: Schema, names: Sequence[str]) -> None:
        """Compile what of the schema is about single rows of these columns."""
        places = {name: place for place, name in enumerate(names)}
        self._tests = tuple(
            test
            for rule in schema.columns
            if rule.name in places and rule.mostly == 1
            for test in _tests(rule, places[rule.name])
        )
        self._rules = tuple(
            rule
            for rule in schema.rules
            if rule.mostly == 1 and places.keys() >= set(rule.condition.names)
        )
        self._places = places
        self._moments = {one.name for one in schema.columns if one.type == "datetime"}

    @property
    def count(self) -> int:
        """How many tests there are."""
        return len(self._tests) + len(self._rules)

    def broken(self, columns: Sequence[Sequence[Any]], rows: int) -> list[Broken]:
        """Return what is not allowed, by columns and then by rules; nothing most of the time."""
        found: list[Broken] = []
        for test in self._tests:
            values = columns[test.place]
            try:
                if test.all_fit(values):
                    continue
            except TypeError:  # values of kinds that do not compare
                pass
            found += [
                Broken(row, test.field, test.check, test.said, test.severity)
                for row, value in enumerate(values)
                if not _holds(test.fits, value)
            ]
        for rule in self._rules:
            found += self._breaking(rule, columns, rows)
        return found

    def _breaking(self, rule: RowRule, columns: Sequence[Sequence[Any]], rows: int) -> list[Broken]:
        node, names = rule.condition.node, rule.condition.names
        chosen = {name: columns[self._places[name]] for name in names}
        for name in self._moments & chosen.keys():
            chosen[name] = [_seconds(value) for value in chosen[name]]
        said = f"does not meet {rule.name or repr(rule.condition.text)}"
        return [
            Broken(row, names[0], "rule", said, rule.severity)
            for row in range(rows)
            if fails(node, lambda name, row=row: chosen[name][row])  # type: ignore[misc]
        ]


def _holds(fits: Fits, value: Any) -> bool:
    try:
        return fits(value)
    except TypeError:
        return False


def _seconds(value: Any) -> Any:
    return moments.seconds(value) if isinstance(value, str) else value


def _tests(rule: ColumnRule, place: int) -> list[_Test]:
    found: list[_Test] = []

    def add(
        check: str, said: str, fits: Fits, all_fit: Callable[[Sequence[Any]], bool] | None = None
    ) -> None:
        quick = all_fit or (lambda values: all(map(fits, values)))
        found.append(_Test(place, rule.name, check, said, rule.severity, quick, fits))

    if rule.missing == 0:
        add(
            "missing",
            "is missing",
            lambda value: value is not None,
            lambda values: None not in values,
        )
    if rule.type == "integer":
        add("type", "is no integer", lambda value: value is None or value % 1 == 0)
    _add_bounds(rule, add)
    if rule.values is not None:
        allowed = frozenset(rule.values)
        add(
            "values",
            "is none of the values that there may be",
            lambda value: value is None or value in allowed,
            lambda values: allowed.issuperset(_present(values)),
        )
    if rule.pattern is not None:
        match = re.compile(rule.pattern).fullmatch
        add(
            "pattern",
            f"is not like {rule.pattern}",
            lambda value: value is None or match(value) is not None,
        )
    if rule.shortest is not None or rule.longest is not None:
        low, high = rule.shortest or 0, rule.longest
        add(
            "length",
            "has not the length that it may have",
            lambda value: (
                value is None or (low <= len(value) and (high is None or len(value) <= high))
            ),
        )
    return found


def _present(values: Sequence[Any]) -> Sequence[Any]:
    return [value for value in values if value is not None] if None in values else values


def _add_bounds(rule: ColumnRule, add: Callable[..., None]) -> None:
    moment = rule.type == "datetime"
    for check, said, fits in _BOUNDS:
        bound = getattr(rule, check)
        if bound is None:
            continue
        limit = moments.seconds(bound) if isinstance(bound, str) else bound
        problem = f"{said} {bound if isinstance(bound, str) else format(bound, '.12g')}"
        add(check, problem, *_bounded(fits, limit, check in ("min", "above"), moment=moment))


def _bounded(
    fits: Callable[[Any, Any], bool], limit: Any, low: Any, *, moment: bool
) -> tuple[Fits, Callable[[Sequence[Any]], bool]]:
    end = min if low else max

    def one(value: Any) -> bool:
        return value is None or fits(_seconds(value) if moment else value, limit)

    def every(values: Sequence[Any]) -> bool:
        present = _present(values)
        if moment:
            present = [_seconds(value) for value in present]
        return not present or fits(end(present), limit)

    return one, every


_BOUNDS: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("min", "is below", lambda value, limit: value >= limit),
    ("max", "is above", lambda value, limit: value <= limit),
    ("above", "is not above", lambda value, limit: value > limit),
    ("below", "is not below", lambda value, limit: value < limit),
)
