"""The statistics of a column before and after, and whether the difference is worth a look."""

from collections.abc import Sequence
from math import isclose, isfinite

from mlops_cli.data.tables.change import ColumnStatistics, Statistic, Value
from mlops_cli.data.tables.profile import Column, Kind

_TOP = 5
_TOP_CELL = 80
MEAN_MOVED = 0.1
"""A mean that moved by this many standard deviations is noticeable."""
RATIO = 0.1
"""So is a spread, a range or a number of values that changed by this share of what it was,"""
MISSING_SHARE, WORD_SHARE = 0.01, 0.05
"""and a share of missing values, or of one word, that changed by this much."""

_Facts = dict[str, Value]


def column_statistics(
    name: str, old: Column, new: Column, kinds: tuple[Kind, Kind], rows: tuple[int, int]
) -> ColumnStatistics:
    """Return how a column changed; `kinds` and `rows` are those of the old and new version."""
    before, after = _facts(old, kinds[0], rows[0]), _facts(new, kinds[1], rows[1])
    noise = max(old.moments.std, new.moments.std) * 1e-10
    statistics = tuple(
        Statistic(one, *_settled(before.get(one), after.get(one), noise))
        for one in [*before, *(one for one in after if one not in before)]
    )
    noticeable = kinds[0] != kinds[1] or _moved(old, new, kinds[1], rows)
    about = any(
        kind in ("text", "date") and one.words is not None and one.words.counts is None
        for one, kind in ((old, kinds[0]), (new, kinds[1]))
    )
    return ColumnStatistics(
        name, noticeable, about, statistics, _top(old, kinds[0]), _top(new, kinds[1])
    )


def _facts(column: Column, kind: Kind, rows: int) -> _Facts:
    facts: _Facts = {"count": rows - column.missing, "missing": column.missing}
    moments, words = column.moments, column.words
    if kind == "boolean":
        facts["share true"] = _number(moments.mean)
    elif kind in ("integer", "number"):
        facts |= {
            "mean": _number(moments.mean),
            "std": _number(moments.std),
            "min": _number(moments.low),
            "max": _number(moments.high),
        }
    elif words is not None and kind in ("date", "text"):
        facts["distinct"] = words.distinct
        if kind == "date":
            facts |= {"first": words.low, "last": words.high}
        elif top := _top(column, kind):
            facts["most common"] = top[0][0]
    return facts


def _top(column: Column, kind: Kind) -> tuple[tuple[str, int], ...]:
    words = column.words
    if kind != "text" or words is None or words.counts is None:
        return ()
    first = sorted(words.counts.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
    return tuple((word[:_TOP_CELL], count) for word, count in first)


def _number(value: float) -> Value:
    if not isfinite(value):
        return str(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _settled(before: Value, after: Value, noise: float) -> tuple[Value, Value]:
    """Return both, made equal where they differ by nothing but the order of the summing."""
    if not isinstance(before, float | int) or not isinstance(after, float | int):
        return before, after
    exact = isinstance(before, int) and isinstance(after, int)
    if not exact and isclose(before, after, rel_tol=1e-10, abs_tol=noise):
        return before, before
    return before, after


def _moved(old: Column, new: Column, kind: Kind, rows: tuple[int, int]) -> bool:
    shares = [one.missing / max(count, 1) for one, count in zip((old, new), rows, strict=True)]
    if abs(shares[0] - shares[1]) >= MISSING_SHARE:
        return True
    if kind in ("boolean", "integer", "number"):
        return _numbers_moved(old, new)
    return _words_moved(old, new, kind)


def _numbers_moved(old: Column, new: Column) -> bool:
    a, b = old.moments, new.moments
    if not a.count or not b.count:
        return a.count != b.count
    facts: Sequence[float] = (a.mean, a.std, a.low, a.high, b.mean, b.std, b.low, b.high)
    if not all(map(isfinite, facts)):
        return [str(one) for one in facts[:4]] != [str(one) for one in facts[4:]]
    width = (a.high - a.low) * RATIO
    return (
        abs(a.mean - b.mean) > max(MEAN_MOVED * a.std, abs(a.mean) * 1e-10)
        or not isclose(a.std, b.std, rel_tol=RATIO)
        or abs(a.low - b.low) > max(width, abs(a.low) * 1e-10)
        or abs(a.high - b.high) > max(width, abs(a.high) * 1e-10)
    )


def _words_moved(old: Column, new: Column, kind: Kind) -> bool:
    a, b = old.words, new.words
    if a is None or b is None:
        return False
    if kind == "date" and (a.low, a.high) != (b.low, b.high):
        return True
    if a.counts is None or b.counts is None or kind == "date":
        return not isclose(a.distinct, b.distinct, rel_tol=RATIO)
    total, others = max(sum(a.counts.values()), 1), max(sum(b.counts.values()), 1)
    return any(
        abs(a.counts[word] / total - b.counts[word] / others) >= WORD_SHARE
        for word in {*a.counts, *b.counts}
    ) or not isclose(len(a.counts), len(b.counts), rel_tol=RATIO)
