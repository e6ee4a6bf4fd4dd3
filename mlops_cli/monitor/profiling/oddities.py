"""What about a column should be looked at before a model learns from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.numeric import never_repeat
from mlops_cli.monitor.tested import percent

_FEWEST_ROWS = 20
"""In fewer rows any column may be distinct, or always the same, by chance."""
_NEARLY = 0.99
_MOSTLY = 0.5
_FEW = 0.2
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_MISSING = frozenset({"", "?", "-", "--", "n/a", "na", "none", "null", "nil", "nan", "unknown"})


def of_column(column: Distribution) -> Iterator[str]:
    """Yield what is odd about a column, in words; nothing of most columns."""
    if column.kind == "empty":
        if column.rows:
            yield "no row has a value"
        return
    if column.nulls > _MOSTLY * column.rows:
        yield f"{percent(column.nulls / column.rows)} of the rows have no value"
    if column.infinite:
        yield f"{column.infinite:,} infinite value{'' if column.infinite == 1 else 's'}"
    if column.present >= _FEWEST_ROWS:
        yield from _spread(column)
    if column.categories:
        yield from _texts(column)


def _spread(column: Distribution) -> Iterator[str]:
    if column.distinct == 1:
        yield "constant: every value is the same"
        return
    if never_repeat(column) or (column.names and column.distinct == column.present):
        yield "every value is different, as in an id"
    elif column.names:
        share = column.distinct / column.present
        yield f"{percent(share)} of the values are distinct: names, not categories"
    counts = column.categories.values() if column.kind == "category" else column.counts.tolist()
    most = max(counts, default=0) / column.present
    if most >= _NEARLY:
        yield f"nearly constant: {percent(most)} of the values are the same"


def _texts(column: Distribution) -> Iterator[str]:
    """Yield what is odd about categories: numbers or dates among them, or spelled in two ways."""
    rows = sum(column.categories.values())
    numbers = sum(count for text, count in column.categories.items() if _is_number(text))
    dates = sum(count for text, count in column.categories.items() if _DATE.fullmatch(text))
    if numbers > _FEW * rows and numbers < rows:
        others = [text for text in column.categories if not _is_number(text)]
        share = percent(numbers / rows)
        yield f"mixed: {share} are numbers, and others are not, as {_quoted(others)}"
    elif numbers == rows:
        yield "numbers that are kept as text"
    elif dates == rows:
        yield "dates that are kept as text"
    gaps = [text for text in column.categories if text.strip().lower() in _MISSING]
    if gaps:
        yield f"{_quoted(gaps)} may stand for a missing value"
    if twice := _spelled_twice(column):
        yield f"{_quoted(twice)} differ only in case or spaces"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in _MISSING


def _spelled_twice(column: Distribution) -> list[str]:
    """Return the first categories that differ in nothing but case and spaces."""
    seen: dict[str, str] = {}
    for text in sorted(column.categories):
        plain = " ".join(text.split()).casefold()
        if plain in seen:
            return [seen[plain], text]
        seen[plain] = text
    return []


def _quoted(texts: list[str]) -> str:
    told = [f"'{text if len(text) <= 20 else text[:19] + '…'}'" for text in sorted(texts)[:3]]
    return " and ".join(told) if len(told) < 3 else ", ".join(told)
