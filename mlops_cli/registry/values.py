"""Which values a column of a model may have, and what to say of any other.

What a value may be, by the kind of its column:

- number: finite, and no larger than float32 holds unless the training data were larger, because
  scikit-learn's trees compute in float32; true and false are not numbers.
- integer: a whole number of 64 bits; `3.0` is one.
- boolean: true or false.
- category: a value that the training data had. A model has learned nothing about any other.
- text: any string.
- datetime: a string in ISO 8601.
- null where the training data had missing values.

A number outside the range of the training data is no error: telling that is the work of `drift`.
"""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mlops_cli.registry.signature import Column

FLOAT32_MAX = 3.4028234663852886e38
INT64 = 2**63
_MOST_KNOWN = 8
_MOST_CHARACTERS = 80


def misfit(column: Column, value: Any) -> str | None:
    """Return what is wrong with a JSON value, None when it fits.

    >>> misfit(Column("age", "number"), "abc")
    "must be a number, got the string 'abc'"
    """
    if value is not None:
        return _JUDGES[column.kind](column, value)
    if column.nullable:
        return None
    return "must not be null: the training data have no missing values here"


def limit(column: Column) -> float:
    """Return how large a number may be: as float32, or as the training data."""
    ends = (column.minimum, column.maximum)
    return max(FLOAT32_MAX, *(abs(end) for end in ends if isinstance(end, int | float)), 0.0)


def _number(column: Column, value: Any) -> str | None:
    if type(value) not in (int, float):
        return f"must be a number, got {described(value)}"
    if not _finite(value):
        return f"must be a finite number, got {described(value)}{_instead(column)}"
    if abs(value) > (most := limit(column)):
        return f"must be between -{most:.3g} and {most:.3g}, got {described(value)}"
    return None


def _integer(column: Column, value: Any) -> str | None:
    if type(value) not in (int, float) or not _finite(value) or value != int(value):
        return f"must be a whole number, got {described(value)}{_instead(column)}"
    if not -INT64 <= value < INT64:
        return f"must be a whole number of at most 64 bits, got {described(value)}"
    return None


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _instead(column: Column) -> str:
    return "; send null for a missing value" if column.nullable else ""


def _boolean(_: Column, value: Any) -> str | None:
    return None if type(value) is bool else f"must be true or false, got {described(value)}"


def _category(column: Column, value: Any) -> str | None:
    if column.categories is None:
        return _text(column, value)
    if any(type(value) is type(one) and value == one for one in column.categories):
        return None
    names = ", ".join(f"'{shown(str(one))}'" for one in column.categories[:_MOST_KNOWN])
    more = ", ..." if len(column.categories) > _MOST_KNOWN else ""
    return f"must be a value that the training data have ({names}{more}), got {described(value)}"


def _text(_: Column, value: Any) -> str | None:
    return None if type(value) is str else f"must be a string, got {described(value)}"


def _datetime(_: Column, value: Any) -> str | None:
    if is_moment(value):
        return None
    return f"must be a time such as '2026-01-31T12:00:00', got {described(value)}"


_JUDGES: dict[str, Callable[[Column, Any], str | None]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "category": _category,
    "text": _text,
    "datetime": _datetime,
}


def is_moment(value: Any) -> bool:
    """Return whether a value is a string in ISO 8601."""
    if type(value) is not str:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def counted(values: int) -> str:
    """Return a number of values in words.

    >>> counted(1), counted(3)
    ('1 value', '3 values')
    """
    return f"{values} value{'' if values == 1 else 's'}"


def described(value: Any) -> str:
    """Return what a JSON value is, in a client's words.

    >>> [described(v) for v in ("5.1", True, None, {}, float("inf"))]
    ["the string '5.1'", 'true', 'null', 'an object', 'Infinity']
    """
    if isinstance(value, str):
        return f"the string '{shown(value)}'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, int | float):
        return shown(str(value))
    return "a list" if isinstance(value, list) else "an object"


def shown(text: str) -> str:
    """Return text from a client, short and printable, for a message."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 3] + "..."
