"""Conditions and names as SQL over the index of runs.

A name is `metrics.auc`, `params.depth`, `tags.team` or a column; without a prefix it is the first
of column, metric, parameter and tag that any run has. What SQL compares otherwise than
`core/conditions.py` does is compared there, by a function that SQLite calls.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlops_cli.core import conditions
from mlops_cli.core.conditions import Name, Value
from mlops_cli.core.expression import Expression
from mlops_cli.runs.index import Index

COLUMNS = (
    "name",
    "key",
    "id",
    "started",
    "ended",
    "seconds",
    "status",
    "exit_code",
    "command",
    "parent",
    "who",
    "host",
    "branch",
    "revision",
    "note",
    "reproduced",
)
_GROUPS = ("metrics", "params", "tags")
_PLAIN_PATH = re.compile(r'[^"\\\x00-\x1f]+')


@dataclass(frozen=True, slots=True)
class Column:
    """Where a name is found: a column of the table of runs, or an entry of one of the groups."""

    group: str
    name: str


class Sql(NamedTuple):
    """Text, and the values for its question marks."""

    text: str
    values: tuple[Any, ...] = ()


class Names:
    """What names stand for in an index."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(self, name: str) -> Column | None:
        """Return where a name is found, or None when no run has it."""
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            return None
        if name in COLUMNS:
            return Column("", name)
        group, _, rest = name.partition(".")
        if group in _GROUPS and rest:
            found = Column(group, rest)
            return found if group == "tags" or self._any(found) else None
        return next(
            (one for one in (Column(group, name) for group in _GROUPS) if self._any(one)), None
        )

    def unknown(self, name: str) -> tuple[str, str]:
        """Return what is wrong with a name that no run has, and a hint."""
        from difflib import get_close_matches

        known = [*COLUMNS, *self._index.names(), *self._recent()]
        group, _, rest = name.partition(".")
        near = get_close_matches(rest if group in _GROUPS and rest else name, known, n=1)
        if near:
            return f"no run has '{name}'", f"did you mean '{near[0]}'?"
        return f"no run has '{name}'; a text needs quotes", f"'{name}'"

    def _recent(self) -> list[str]:
        """Return the names of parameters and tags of some runs."""
        found = self._index.connection.execute(
            "WITH some AS (SELECT * FROM told ORDER BY run DESC LIMIT 1000) "
            "SELECT DISTINCT one.key FROM some, json_each(some.params) AS one UNION "
            "SELECT DISTINCT one.key FROM some, json_each(some.tags) AS one"
        )
        return [str(row[0]) for row in found]

    def _any(self, column: Column) -> bool:
        if column.group == "metrics":
            return metric_number(self._index, column.name) is not None
        kind, _ = typed(column)
        query = f"SELECT 1 FROM told WHERE {kind.text} IS NOT NULL LIMIT 1"  # noqa: S608  our own text
        return self._index.connection.execute(query, kind.values).fetchone() is not None


def metric_number(index: Index, name: str) -> int | None:
    """Return the number that stands for a metric's name in the index, or None."""
    row = index.connection.execute("SELECT n FROM names WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def prepare(index: Index) -> None:
    """Have SQLite know the functions that conditions call."""
    for name, count, function in (
        ("compared", 5, _compared),
        ("counts", 2, _counts),
        ("member", 2, lambda held, name: _member(held, name)[1]),
        ("member_type", 2, lambda held, name: _member(held, name)[0]),
    ):
        index.connection.create_function(name, count, function, deterministic=True)


def condition(index: Index, wanted: Expression) -> Sql:
    """Return an SQL condition on `runs` joined with `told`; `prepare` must have been called.

    Raises:
        RequestError: it names what no run has; the message points at it.
    """
    names = Names(index)
    found: dict[str, Column] = {}
    for name in wanted.names:
        column = names.find(name)
        if column is None:
            what, hint = names.unknown(name)
            wanted.refuse(name, what, hint=hint)
        found[name] = column
    return _node(wanted.node, found, index)


def typed(column: Column) -> tuple[Sql, Sql]:
    """Return SQL for the type that JSON has for what a name stands for, and for the value.

    The type is NULL where a run has nothing by that name.
    """
    if not column.group:
        return Sql(f"typeof(runs.{column.name})"), Sql(f"runs.{column.name}")
    if _PLAIN_PATH.fullmatch(column.name):
        path = f'$."{column.name}"'
        return (
            Sql(f"json_type(told.{column.group}, ?)", (path,)),
            Sql(f"json_extract(told.{column.group}, ?)", (path,)),
        )
    return (
        Sql(f"member_type(told.{column.group}, ?)", (column.name,)),
        Sql(f"member(told.{column.group}, ?)", (column.name,)),
    )


def _node(node: conditions.Node, found: dict[str, Column], index: Index) -> Sql:
    if isinstance(node, conditions.Not):
        inner = _node(node.part, found, index)
        return Sql(f"NOT ({inner.text})", inner.values)
    if isinstance(node, conditions.Both):
        return joined(" AND ", [_node(part, found, index) for part in node.parts])
    if isinstance(node, conditions.Either):
        return joined(" OR ", [_node(part, found, index) for part in node.parts])
    if isinstance(node, conditions.Comparison):
        return _comparison(node, found, index)
    if isinstance(node, Value):
        return Sql("1" if node.held else "0")
    kind, value = typed(found[node.text])
    return Sql(f"counts({kind.text}, {value.text})", kind.values + value.values)


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """Return conditions with a word between them."""
    text = word.join(f"({part.text})" for part in parts)
    return Sql(text, tuple(value for part in parts for value in part.values))


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _comparison(node: conditions.Comparison, found: dict[str, Column], index: Index) -> Sql:
    left, sign, right = node.left, str(node.operator), node.right
    if isinstance(left, Value) and isinstance(right, Name) and sign in _TURNED:
        left, sign, right = right, _TURNED[sign], left
    if isinstance(left, Name) and isinstance(right, Value) and _is_finite(right.held):
        column = found[left.text]
        if column.group == "metrics" and sign in _TURNED:
            return _metric(index, column.name, sign, right.held)
        if sign in _TURNED:
            return _number(column, sign, right.held)
    return _by_function(left, sign, right, found)


def _is_finite(value: Any) -> bool:
    """Return whether it is a number that SQLite holds as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < 2**53


def _metric(index: Index, name: str, sign: str, value: float) -> Sql:
    """Compare a metric by the index that is sorted by its values."""
    test = "(value IS NULL OR value != ?)" if sign == "!=" else f"value {sign} ?"
    return Sql(
        f"runs.n IN (SELECT run FROM metrics WHERE metrics.name = ? AND {test})",  # noqa: S608  our own text
        (metric_number(index, name), value),
    )


def _number(column: Column, sign: str, value: float) -> Sql:
    """Compare with a number; what is no number the way `conditions.compared` does."""
    kind, held = typed(column)
    text = (
        f"CASE WHEN {kind.text} IN ('integer', 'real') THEN {held.text} {sign} ? "
        f"ELSE compared({kind.text}, {held.text}, ?, 'real', ?) END"
    )
    return Sql(text, (*kind.values, *held.values, value, *kind.values, *held.values, sign, value))


def _by_function(
    left: conditions.Term, sign: str, right: conditions.Term, found: dict[str, Column]
) -> Sql:
    (left_kind, left_value), (right_kind, right_value) = (
        _side(one, found) for one in (left, right)
    )
    parts = (left_kind, left_value, Sql("?", (sign,)), right_kind, right_value)
    inside = ", ".join(part.text for part in parts)
    return Sql(f"compared({inside})", tuple(value for part in parts for value in part.values))


def _side(side: conditions.Term, found: dict[str, Column]) -> tuple[Sql, Sql]:
    assert not isinstance(side, conditions.Computed)  # filters are parsed without arithmetic
    if isinstance(side, Name):
        kind, value = typed(found[side.text])
        if found[side.text].group == "metrics":
            return Sql(f"CASE WHEN {kind.text} IS NOT NULL THEN 'number' END", kind.values), value
        return kind, value
    if isinstance(side.held, str):
        return Sql("'text'"), Sql("?", (side.held,))
    if side.held is None or isinstance(side.held, bool):
        return Sql("?", (json.dumps(side.held),)), Sql("NULL")
    return Sql("'number'"), Sql("?", (repr(side.held),))


def _compared(left_kind: Any, left: Any, sign: str, right_kind: Any, right: Any) -> bool:
    return conditions.compared(_value(left_kind, left), sign, _value(right_kind, right))


def _counts(kind: Any, value: Any) -> bool:
    return conditions.truth(_value(kind, value))


def _value(kind: str | None, value: Any) -> Any:
    """Return what JSON of this type and value stands for."""
    if kind is None:
        return conditions.MISSING
    if kind in _CONSTANTS:
        return _CONSTANTS[kind]
    if kind == "number":
        whole = isinstance(value, str) and value.lstrip("-").isdigit()
        return int(value) if whole else float(value)
    if kind in ("array", "object"):
        return json.loads(value)
    return value


_CONSTANTS = {"true": True, "false": False, "null": None}


def _member(held: str, name: str) -> tuple[str | None, Any]:
    """Return type and value of an entry, for names that SQLite's paths cannot say."""
    values = json.loads(held)
    if name not in values:
        return None, None
    value = values[name]
    if value is None or isinstance(value, bool):
        return json.dumps(value), value
    if isinstance(value, list | dict):
        return "array" if isinstance(value, list) else "object", json.dumps(value)
    return {int: "integer", float: "real"}.get(type(value), "text"), value
