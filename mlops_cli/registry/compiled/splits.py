"""Rows that lie just beside what a model's trees split by, where a rounding would tip them over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.compiled import boosters, layout, trees
from mlops_cli.registry.compiled.layout import Layout, Place
from mlops_cli.registry.compiled.parts import order, parted
from mlops_cli.registry.compiled.trees import Tree
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.signature import Signature, fitted_names

if TYPE_CHECKING:
    import numpy as np

_SPLITS = 1_200
"""So many splits are looked at, spread over all trees."""
_POOL = 1_000
_HALVINGS = 70

Row = list[Any]


@dataclass(frozen=True, slots=True)
class _Split:
    """A split on the way of a row: of which of the numbers that reach the trees, and where."""

    row: int
    feature: int
    threshold: float


def beside(
    model: Any, signature: Signature, known: Sequence[Row], rng: "np.random.Generator"
) -> list[Row]:
    """Return rows on, just above and just below splits that rows like them really come to.

    `known` are rows to begin with. Where transformers come before the trees, the value of a
    column that tips a row over is found by halving. Empty for a model without trees.
    """
    before, final = parted(model)
    held = _trees(final)
    if not held:
        return []
    pool = list(known[:_POOL])
    reach = _reach(before, signature)
    if not before and boosters.library(final) is not None:
        reach = _straight(model, final, signature)
    found = reach([list(values) for values in zip(*pool, strict=True)])
    chosen = _splits(held, found, rng)
    owner = _owners(reach, signature, pool[0])
    placed = [(split, owner[split.feature]) for split in chosen if split.feature in owner]
    tips = _tips(reach, signature, pool, placed)
    return [
        row
        for (split, column), tip in zip(placed, tips, strict=True)
        for row in _rows(signature, column, pool[split.row], tip)
    ]


def _trees(final: Any) -> list[Tree]:
    """Return the trees of a model; scikit-learn's that split by categories are not among them."""
    if boosters.library(final) is not None:
        return [tree for tree, _, _ in boosters.ensemble(final).trees if len(tree.left) > 1]
    if hasattr(final, "_predictors"):
        held = [one.nodes for stage in final._predictors for one in stage]
        return [trees.of_histogram(nodes) for nodes in held if not nodes["is_categorical"].any()]
    if hasattr(final, "tree_"):
        return [trees.of_sklearn(final.tree_)]
    estimators = getattr(final, "estimators_", None)
    if estimators is None:
        return []
    every = estimators.ravel() if hasattr(estimators, "ravel") else estimators
    return [trees.of_sklearn(one.tree_) for one in every if hasattr(one, "tree_")]


_Reach = Callable[[Sequence[Sequence[Any]]], "np.ndarray[Any, Any]"]


def _reach(before: Sequence[Any], signature: Signature) -> _Reach:
    """Return a function from values by column to the numbers that reach the trees."""
    import numpy as np

    build = compile_frame(signature)

    def reach(columns: Sequence[Sequence[Any]]) -> "np.ndarray[Any, Any]":
        rows: Any = build(columns)
        if before and fitted_names(before[0]) is None:
            rows = rows.to_numpy()
        for step in before:
            rows = step.transform(rows)
        rows = rows.toarray() if hasattr(rows, "toarray") else rows
        return np.asarray(rows, dtype=np.float64)

    return reach


def _straight(model: Any, final: Any, signature: Signature) -> _Reach:
    """Return the same for a booster that takes columns as they come, categories among them."""
    lookups = boosters.ensemble(final).lookups
    places = [Place(one, lookups.known.get(at)) for at, one in enumerate(order(model, signature))]
    table = layout.table(Layout(len(signature.columns), tuple(places), "value", None))
    return lambda columns: lookups.beside(table(columns))


def _splits(
    held: Sequence[Tree], rows: "np.ndarray[Any, Any]", rng: "np.random.Generator"
) -> list[_Split]:
    """Return splits that rows come to, as many of each tree."""
    found = []
    every = max(1, len(held) // _SPLITS)
    each = max(1, _SPLITS // len(held))
    for tree in held[::every]:
        for row in rng.integers(0, len(rows), each).tolist():
            way = _way(tree, rows[row])
            if way:
                node = way[int(rng.integers(len(way)))]
                found.append(_Split(row, int(tree.feature[node]), float(tree.threshold[node])))
    return found


def _way(tree: Tree, row: "np.ndarray[Any, Any]") -> list[int]:
    """Return the inner nodes that a row passes."""
    way, node = [], 0
    while tree.left[node] >= 0:
        way.append(node)
        value = row[tree.feature[node]]
        gap = value != value
        left = bool(tree.missing_left[node]) if gap else value <= tree.threshold[node]
        node = int(tree.left[node] if left else tree.right[node])
    return way


def _owners(reach: _Reach, signature: Signature, row: Row) -> dict[int, int]:
    """Return by which column of numbers each number before the trees is moved."""
    import numpy as np

    owners = {}
    for place, column in enumerate(signature.columns):
        if column.kind in ("number", "integer"):
            both = [[value, value] for value in row]
            both[place] = list(_ends(signature, place))
            first, second = reach(both)
            owners.update(dict.fromkeys(np.flatnonzero(first != second).tolist(), place))
    return owners


def _ends(signature: Signature, place: int) -> tuple[Any, Any]:
    """Return values well below and well above all that a column had."""
    column = signature.columns[place]
    low, high = column.minimum, column.maximum
    if not (isinstance(low, int | float) and isinstance(high, int | float)):
        low, high = -1e6, 1e6
    spread = (high - low) or 1
    kind = int if column.kind == "integer" else float
    return kind(low - spread), kind(high + spread)


def _tips(
    reach: _Reach, signature: Signature, pool: Sequence[Row], splits: Sequence[tuple[_Split, int]]
) -> list[Any]:
    """Return for each split the last value of its column, from below, before the row tips over."""
    import numpy as np

    if not splits:
        return []
    rows = [list(pool[split.row]) for split, _ in splits]
    features = [split.feature for split, _ in splits]
    thresholds = np.array([split.threshold for split, _ in splits])
    ends = [_ends(signature, column) for _, column in splits]
    lows, highs = [low for low, _ in ends], [high for _, high in ends]
    wholes = [signature.columns[column].kind == "integer" for _, column in splits]

    def below(values: Sequence[Any]) -> "np.ndarray[Any, Any]":
        for row, (_, column), value in zip(rows, splits, values, strict=True):
            row[column] = value
        numbers = reach([list(column) for column in zip(*rows, strict=True)])
        found: np.ndarray[Any, Any] = numbers[np.arange(len(rows)), features] <= thresholds
        return found

    below_low = below(lows)
    for _ in range(_HALVINGS):
        middles = list(map(_middle, lows, highs, wholes))
        if middles == lows:
            break
        same = (below(middles) == below_low).tolist()
        for place, (middle, is_same) in enumerate(zip(middles, same, strict=True)):
            (lows if is_same else highs)[place] = middle
    return lows


def _middle(low: Any, high: Any, whole: Any) -> Any:
    if whole:
        return low + (high - low) // 2
    middle = low + (high - low) / 2
    return low if middle >= high else middle


def _rows(signature: Signature, column: int, row: Row, tip: Any) -> list[Row]:
    whole = signature.columns[column].kind == "integer"
    values = (tip - 1, tip, tip + 1) if whole else _neighbours(tip)
    return [[*row[:column], value, *row[column + 1 :]] for value in values]


def _neighbours(value: float) -> list[float]:
    """Return a number, those next to it, and those of float32 around it."""
    import numpy as np

    near = np.float32(value)
    with np.errstate(over="ignore"):
        around = [
            near,
            np.nextafter(near, np.float32(-np.inf)),
            np.nextafter(near, np.float32(np.inf)),
        ]
    ends = [value, float(np.nextafter(value, -np.inf)), float(np.nextafter(value, np.inf))]
    between = (float(near) + float(around[2])) / 2  # where rounding to float32 turns
    return [*ends, *map(float, around), between]
