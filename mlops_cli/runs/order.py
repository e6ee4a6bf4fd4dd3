"""The order of a list of runs, found by SQLite."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mlops_cli.errors import RequestError
from mlops_cli.runs.filters import COLUMNS, Column, Names, Sql, metric_number, typed
from mlops_cli.runs.index import Index

FINITE = "BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
"""What a number must be to be compared with others."""
_TOLD = re.compile(r"\btold\.")


class _Key(NamedTuple):
    """What to sort by, and which way."""

    column: Column
    descends: bool

    @property
    def way(self) -> str:
        return "DESC" if self.descends else "ASC"


def ordered(index: Index, where: Sql, sort: Sequence[str], limit: int | None) -> list[int]:
    """Return the numbers of the runs that `where` holds for, sorted; see `listing.listing`.

    Raises:
        RequestError: no run has what is to be sorted by.
    """
    keys = [_key(index, text.strip()) for one in sort for text in one.split(",")]
    most = -1 if limit is None else limit
    if not keys:
        return _numbers(index, Sql("runs"), where, _by(()), most)
    if keys[0].column.group == "metrics":
        return _by_metric(index, where, keys[0], _by(keys[1:]), most)
    return _numbers(index, Sql("runs"), where, _by(keys), most)


def _by(keys: Sequence[_Key]) -> Sql:
    parts = [_rank(key) for key in keys]
    text = ", ".join([*(part.text for part in parts), "runs.started DESC, runs.id"])
    return Sql(text, tuple(value for part in parts for value in part.values))


def _key(index: Index, text: str) -> _Key:
    name = text.removeprefix("-")
    names = Names(index)
    column = names.find(name)
    if column is None:
        _, hint = names.unknown(name)
        if not hint.endswith("?"):
            hint = f"a metric, a parameter, or one of: {', '.join(COLUMNS[:7])}"
        raise RequestError(f"no run has '{name}' to sort by", hint=hint)
    return _Key(column, name == text)


def _by_metric(index: Index, where: Sql, key: _Key, then: Sql, limit: int) -> list[int]:
    """Walk the index that is sorted by the values of the metric, only as far as need be."""
    number = metric_number(index, key.column.name)
    found: list[int] = []
    for test in (FINITE, f"NOT {FINITE}", "IS NULL"):
        if len(found) == limit:
            return found
        source = Sql("metrics CROSS JOIN runs ON runs.n = metrics.run")
        part = Sql(
            f"metrics.name = ? AND metrics.value {test} AND {where.text}", (number, *where.values)
        )
        order = Sql(f"metrics.value {key.way}, {then.text}", then.values)
        found += _numbers(index, source, part, order, _left(limit, found))
    if len(found) != limit:
        rest = Sql(
            f"{where.text} AND runs.n NOT IN "  # noqa: S608  our own text
            "(SELECT run FROM metrics WHERE metrics.name = ?)",
            (*where.values, number),
        )
        found += _numbers(index, Sql("runs"), rest, then, _left(limit, found))
    return found


def _left(limit: int, found: Sequence[int]) -> int:
    return -1 if limit < 0 else limit - len(found)


def _numbers(index: Index, source: Sql, where: Sql, order: Sql, limit: int) -> list[int]:
    told = "JOIN told ON told.run = runs.n" if _TOLD.search(where.text + order.text) else ""
    rows = index.connection.execute(
        f"SELECT runs.n FROM {source.text} {told} WHERE {where.text} "  # noqa: S608  our own text
        f"ORDER BY {order.text} LIMIT ?",
        (*source.values, *where.values, *order.values, limit),
    )
    return [int(row[0]) for row in rows]


def _rank(key: _Key) -> Sql:
    """Return SQL that sorts numbers first, then texts, then what is not finite, then nothing."""
    kind, value = typed(key.column)
    of_text = 2 if key.column.group == "metrics" else 1
    text = (
        f"CASE WHEN {kind.text} IN ('integer', 'real', 'true', 'false') THEN 0 "
        f"WHEN {kind.text} IS NULL OR {kind.text} = 'null' THEN 3 ELSE {of_text} END, "
        f"{value.text} {key.way}"
    )
    return Sql(text, (*kind.values * 3, *value.values))
