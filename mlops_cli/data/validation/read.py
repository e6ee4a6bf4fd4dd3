"""Schema files read into records; mistakes are told by file, line and key."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from mlops_cli.core import expression, yaml_nodes
from mlops_cli.core.config_values import share, span, words
from mlops_cli.core.records import replace
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.data.validation import moments
from mlops_cli.data.validation.schema import (
    TYPES,
    Bound,
    ColumnRule,
    Extra,
    RowCount,
    RowRule,
    Schema,
    Severity,
    Type,
)
from mlops_cli.errors import RequestError

_BOUNDS = ("min", "max", "above", "below")


def read(data: bytes, *, where: str) -> Schema:
    """Return the schema in a file's bytes; `where` names the file in errors.

    Raises:
        RequestError: it is no YAML, or says something that is not understood.
    """
    document = yaml_nodes.parse(data, where=where)
    found = document.fields(("rows", "columns", "extra", "order", "unique", "rules"))
    columns = tuple(_column(name, one) for name, one in _items(found.get("columns")))
    schema = Schema(
        where,
        columns,
        unique=tuple(_together(one) for one in _each(found.get("unique"))),
        rules=tuple(_rule(one) for one in _each(found.get("rules"))),
        rows=_rows(found["rows"]) if "rows" in found else RowCount(),
        extra=_extra(found["extra"]) if "extra" in found else "allow",
        order="order" in found and found["order"].boolean(),
    )
    if schema == Schema(where):
        raise document.fail(
            "asks for nothing", hint="name columns, or have them inferred: mlo validate --infer"
        )
    if schema.order and not columns:
        raise found["order"].fail("needs columns, and none are named")
    return schema


def _items(value: Value | None) -> list[tuple[str, Value]]:
    return [] if value is None else list(value.items())


def _each(value: Value | None) -> list[Value]:
    return [] if value is None else list(value.each())


def _column(name: str, value: Value) -> ColumnRule:
    if not value.is_mapping and not value.is_nothing:  # `age: integer`
        return ColumnRule(name, type=_type(value))
    found = value.fields(_COLUMN)
    given = {key: _COLUMN[key](one) for key, one in found.items()}
    if "nullable" in given:
        if "missing" in given:
            raise found["missing"].fail("says what nullable says too", hint="keep one of the two")
        given["missing"] = 1.0 if given.pop("nullable") else 0.0
    if "newest" in given:
        given["newest_s"] = given.pop("newest")
    shortest, longest = given.pop("length", (None, None))
    rule = ColumnRule(name, shortest=shortest, longest=longest, **given)
    rule = replace(rule, type=_implied(rule))
    _check_bounds(rule, found)
    _check_type(rule, found)
    return rule


def _implied(rule: ColumnRule) -> Type:
    """Return a column's type, which may follow from what else is asked."""
    if rule.type != "any":
        return rule.type
    kinds: set[Type] = {_OF[type(one)] for one in rule.values or ()}
    kinds |= {"number" for key in _BOUNDS if isinstance(getattr(rule, key), float)}
    if rule.pattern is not None or (rule.shortest, rule.longest) != (None, None):
        kinds.add("text")
    return kinds.pop() if len(kinds) == 1 else "any"


_OF: Mapping[type, Type] = {float: "number", bool: "boolean", str: "text"}


def _check_bounds(rule: ColumnRule, found: Mapping[str, Value]) -> None:
    """Refuse bounds that are not of the column's type, or that nothing can keep."""
    numbers: dict[str, float] = {}
    for key in _BOUNDS:
        bound = getattr(rule, key)
        if isinstance(bound, str):
            if rule.type != "datetime":
                raise found[key].fail(
                    "is no number", hint="write a number, or type: datetime for moments"
                )
            moment = moments.seconds(bound)
            if moment is None:
                raise found[key].fail("is no moment", hint="as in 2026-01-31 or 2026-01-31T12:00")
            numbers[key] = moment
        elif bound is not None:
            if rule.type not in ("integer", "number", "any"):
                raise found[key].fail(f"is a bound for numbers, and the column is {rule.type}")
            numbers[key] = bound
    lows = [(numbers[key], key) for key in ("min", "above") if key in numbers]
    highs = [(numbers[key], key) for key in ("max", "below") if key in numbers]
    for low, one in lows:
        for high, other in highs:
            if low > high or (low == high and (one, other) != ("min", "max")):
                raise found[one].fail(f"leaves nothing between it and '{other}'")


def _check_type(rule: ColumnRule, found: Mapping[str, Value]) -> None:
    texts = ("text", "any")
    for key in ("pattern", "length"):
        if key in found and rule.type not in texts:
            raise found[key].fail(f"is about text, and the column is {rule.type}")
    if rule.newest_s is not None and rule.type != "datetime":
        raise found["newest"].fail("is about moments", hint="write type: datetime")
    if rule.values is None:
        return
    fits = {
        "integer": lambda one: isinstance(one, float) and one == math.floor(one),
        "number": lambda one: isinstance(one, float),
        "boolean": lambda one: isinstance(one, bool),
        "text": lambda one: isinstance(one, str),
        "datetime": lambda one: isinstance(one, str) and moments.seconds(one) is not None,
    }.get(rule.type)
    for place, one in enumerate(rule.values):
        if fits is not None and not fits(one):
            inner = list(found["values"].each())[place]
            hint = "put it in quotes" if rule.type == "text" else None
            raise inner.fail(f"is no {rule.type}", hint=hint)


def _type(value: Value) -> Type:
    found: Any = value.choice(*TYPES)
    return found  # type: ignore[no-any-return]


def _extra(value: Value) -> Extra:
    found: Any = value.choice("allow", "warn", "error")
    return found  # type: ignore[no-any-return]


def _severity(value: Value) -> Severity:
    found: Any = value.choice("error", "warn")
    return found  # type: ignore[no-any-return]


def _share(value: Value) -> float:
    """Return a share of the whole, written as 0.01 or 1%."""
    found = share(value)
    if found > 1:
        raise value.fail("is more than all", hint="as in 1% or 0.01")
    return found


def _bound(value: Value) -> Bound:
    try:
        return value.number()
    except RequestError:
        if value.is_nothing or value.is_mapping or value.is_list:
            raise
        return value.word()


def _values(value: Value) -> tuple[str | float | bool, ...]:
    found = tuple(_allowed(one) for one in value.each())
    if not found:
        raise value.fail("allows nothing", hint="as in values: [free, basic, pro]")
    return found


def _allowed(value: Value) -> str | float | bool:
    plain = value.plain()
    if isinstance(plain, bool | str):
        return plain
    if isinstance(plain, int | float):
        return float(plain)
    raise value.fail("is no number, text, true or false", hint="missing values: nullable: true")


def _pattern(value: Value) -> str:
    text = value.text()
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise value.fail(f"is no regular expression: {error}") from error
    return text


def _length(value: Value) -> tuple[int | None, int | None]:
    """Return the bounds of a length, written as `{min: 3, max: 8}` or as one number."""
    if not value.is_mapping:
        exact = value.integer(minimum=0)
        return exact, exact
    found = value.fields(("min", "max"))
    low, high = (found[key].integer(minimum=0) if key in found else None for key in ("min", "max"))
    if low is not None and high is not None and low > high:
        raise value.fail("leaves nothing between its min and its max")
    return low, high


def _rows(value: Value) -> RowCount:
    count = {"min": _count, "max": _count, "max_change": share, "severity": _severity}
    found: RowCount = value.record(RowCount, count)
    if found.min is not None and found.max is not None and found.min > found.max:
        raise value.fail("leaves nothing between its min and its max")
    return found


def _count(value: Value) -> int:
    return value.integer(minimum=0)


def _together(value: Value) -> tuple[str, ...]:
    columns = words(value) if value.is_list else (value.word(),)
    if not columns:
        raise value.fail("names no column", hint="as in unique: [[user, day]]")
    if len(set(columns)) != len(columns):
        raise value.fail("names a column twice")
    return columns


def _rule(value: Value) -> RowRule:
    """Return a rule about rows, which may be written as just its condition."""
    if not value.is_mapping:
        return RowRule(_condition(value))
    found = value.fields(("rule", "name", "mostly", "severity"), required=("rule",))
    return RowRule(
        _condition(found["rule"]),
        found["name"].text() if "name" in found else None,
        _share(found["mostly"]) if "mostly" in found else 1.0,
        _severity(found["severity"]) if "severity" in found else "error",
    )


def _condition(value: Value) -> expression.Expression:
    text = value.text()
    found = expression.parse(text, where=f"{value.where}:{value.line}", arithmetic=True)
    if not found.names:
        raise value.fail("is about no column", hint="as in start <= end")
    return found


_COLUMN: Mapping[str, Callable[[Value], Any]] = {
    "type": _type,
    "required": Value.boolean,
    "nullable": Value.boolean,
    "missing": _share,
    "unique": Value.boolean,
    "min": _bound,
    "max": _bound,
    "above": _bound,
    "below": _bound,
    "values": _values,
    "pattern": _pattern,
    "length": _length,
    "newest": span,
    "mostly": _share,
    "severity": _severity,
}
