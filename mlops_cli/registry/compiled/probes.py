"""The rows on which a compiled model has to agree with the original."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.compiled import splits
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.registry.values import limit

if TYPE_CHECKING:
    import numpy as np
    import pandas

FEWEST = 10_000
"""How many rows are compared at least."""
_SAMPLE = 4_000
_EDGE_ROWS = 3
_FAR = 1e12
_SPARE = 500
"""For rows with an absurd number, which the original may refuse."""
_MOST_EDGES = 60
_JITTER = 1e-3

Row = list[Any]


@dataclass(frozen=True, slots=True)
class Probes:
    """Rows of JSON values in the order of a signature."""

    rows: list[Row]


def make(model: Any, signature: Signature, data: "pandas.DataFrame | None") -> Probes:
    """Return at least `FEWEST` rows: of the training table, beside splits, at edges and ends.

    Equal arguments give equal rows. Without a table the signature says what is usual.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    seen = _sample(signature, data, rng) if data is not None and len(data) else []
    jittered = _jittered(signature, seen, rng, _SAMPLE - len(seen)) if seen else []
    known = [*seen, *jittered] or _made_up(signature, rng, _SAMPLE)
    rows = [*known, *_edges(signature, known)]
    rows += splits.beside(model, signature, known, rng)
    rows += _jittered(signature, known, rng, FEWEST + _SPARE - len(rows))
    return Probes(rows)


def _sample(
    signature: Signature, data: "pandas.DataFrame", rng: "np.random.Generator"
) -> list[Row]:
    """Return rows of the training table, all or some at random."""
    if any(column.name not in data.columns for column in signature.columns):
        return []
    if len(data) > _SAMPLE:
        data = data.iloc[sorted(rng.choice(len(data), _SAMPLE, replace=False).tolist())]
    held = [_values(column, data[column.name]) for column in signature.columns]
    return [list(row) for row in zip(*held, strict=True)]


def _values(column: Column, values: "pandas.Series[Any]") -> list[Any]:
    """Return a column of the training table as JSON values that the signature takes."""
    gaps = values.isna().tolist()
    return [
        None if gap else _value(column, value)
        for value, gap in zip(values.tolist(), gaps, strict=True)
    ]


def _value(column: Column, value: Any) -> Any:
    if column.kind == "number":
        number = float(value)
        return number if math.isfinite(number) else _middle(column)
    if column.kind == "integer":
        return int(value)
    if column.kind == "boolean":
        return bool(value)
    return value if isinstance(value, str | int | float) else str(value)


def _jittered(
    signature: Signature, known: Sequence[Row], rng: "np.random.Generator", count: int
) -> list[Row]:
    """Return rows like those that are known, a little moved in their numbers."""
    made = []
    scales = [_spread(column) * _JITTER for column in signature.columns]
    for place in rng.integers(0, len(known), max(count, 0)).tolist():
        moves = rng.normal(size=len(scales)).tolist()
        made.append(
            [
                value + move * scale if type(value) is float and column.kind == "number" else value
                for value, move, scale, column in zip(
                    known[place], moves, scales, signature.columns, strict=True
                )
            ]
        )
    return made


def _made_up(signature: Signature, rng: "np.random.Generator", count: int) -> list[Row]:
    """Return rows at random within what the signature says."""
    columns = [_random(column, rng, count) for column in signature.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _random(column: Column, rng: "np.random.Generator", count: int) -> list[Any]:
    found: list[Any]
    if column.kind == "number":
        found = (_middle(column) + _spread(column) * (rng.random(count) - 0.5)).tolist()
    elif column.kind == "integer":
        low = int(_middle(column) - _spread(column) / 2)
        found = rng.integers(low, low + int(_spread(column)) + 1, count).tolist()
    elif column.kind == "boolean":
        found = (rng.random(count) < 0.5).tolist()
    else:
        known = list(column.categories or ("",))
        found = [known[place] for place in rng.integers(0, len(known), count).tolist()]
    if column.nullable:
        found[::10] = [None] * len(found[::10])
    return found


def _edges(signature: Signature, known: Sequence[Row]) -> Iterator[Row]:
    """Yield some rows with each column in turn at each of its ends, or each category."""
    for place, column in enumerate(signature.columns):
        for value in _ends(column):
            is_far = type(value) in (int, float) and abs(value) > _FAR
            for row in known[: 1 if is_far else _EDGE_ROWS]:
                yield [*row[:place], value, *row[place + 1 :]]


def _ends(column: Column) -> list[Any]:
    ends: list[Any] = [None] if column.nullable else []
    if column.kind == "boolean":
        return [*ends, True, False]
    if column.kind in ("number", "integer"):
        middle, spread = _middle(column), _spread(column)
        far = [middle - spread, middle - spread / 2, middle, middle + spread / 2, middle + spread]
        if column.kind == "integer":
            return [*ends, 0, *(int(value) for value in far), 2**53, -(2**63), 2**63 - 1]
        most = limit(column)
        return [*ends, 0.0, -0.0, *far, most, -most, 5e-324, 1e-40]
    if column.kind == "text":
        ends += ["", "mlo: a value that was never seen", "\N{SNOWMAN}"]
    return [*ends, *(column.categories or ())[:_MOST_EDGES]]


def _middle(column: Column) -> float:
    low, high = column.minimum, column.maximum
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(low + (high - low) / 2)
    return 0.0


def _spread(column: Column) -> float:
    """Return how far the values of a column lie apart; 2 where that is not known."""
    low, high = column.minimum, column.maximum
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(high - low) or 2.0
    return 2.0
