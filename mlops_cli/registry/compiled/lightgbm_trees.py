"""The trees of LightGBM, from the text in which it keeps them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.compiled.boosters import Ensemble, Link, categories, held
from mlops_cli.registry.compiled.categories import SPLIT, Sets
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.compiled.trees import Tree
from mlops_cli.registry.model_files.lightgbm_text import fields

if TYPE_CHECKING:
    import numpy as np

_LINKS: dict[str, Link] = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile"), "identity"),
    **dict.fromkeys(("mape", "lambdarank", "rank_xendcg"), "identity"),
    **dict.fromkeys(("binary", "cross_entropy"), "sigmoid"),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    "multiclass": "softmax",
    "multiclassova": "each",
}
_BY_CATEGORY, _DEFAULT_LEFT = 1, 2
_NO_GAPS, _ZERO_IS_GAP = 0, 1
"""Bits of `decision_type`, and what the two bits after them say of missing values."""
_ZERO = 1.0000000180025095e-35
"""What is nearer to 0 than that is 0 to LightGBM."""


def read(model: Any) -> Ensemble:
    """Return what a booster of LightGBM, or what holds one, computes with.

    Raises:
        NotCompiledError: that cannot be said in trees of numbers.
    """
    booster = held(getattr(model, "booster_", model))
    text = booster.model_to_string(num_iteration=None)
    head_text, *blocks = text.partition("\nend of trees\n")[0].split("\nTree=")
    head = fields(head_text)
    objective, *options = head.get("objective", "none").split(" ")
    if objective not in _LINKS or "sqrt" in options:
        raise NotCompiledError(f"its objective is {' '.join([objective, *options])}")
    sums = int(head["num_tree_per_iteration"])
    slopes = [option.partition(":")[2] for option in options if option.startswith("sigmoid:")]
    averaged = "average_output" in head_text.splitlines()
    sets = Sets(int(head["max_feature_idx"]) + 1, categories(model))
    every = [_tree(fields(block), sets) for block in blocks]
    trees, lookups = sets.finish(
        [(tree, number % sums, worth) for number, (tree, worth) in enumerate(every)]
    )
    return Ensemble(
        trees=trees,
        start=[0.0] * sums,
        link=_LINKS[objective],
        slope=float(slopes[0]) if slopes else 1.0,
        rounds=max(1, len(blocks) // sums) if averaged else 1,
        lookups=lookups,
    )


def _tree(tree: Mapping[str, str], sets: Sets) -> "tuple[Tree, np.ndarray[Any, Any]]":
    """Return a tree, whose leaves come after its other nodes, and what these are worth."""
    import numpy as np

    if tree.get("is_linear", "0") == "1":
        raise NotCompiledError("its leaves hold linear models")

    def array(name: str, kind: Any) -> "np.ndarray[Any, Any]":
        return np.array(tree.get(name, "").split(), dtype=kind)

    leaves = int(tree["num_leaves"])
    inner = leaves - 1
    rest = np.zeros(leaves)
    none = np.full(leaves, -1)
    left, right = array("left_child", np.int64)[:inner], array("right_child", np.int64)[:inner]
    splits = array("threshold", np.float64)[:inner]
    kinds = array("decision_type", np.int64)[:inner]
    features = array("split_feature", np.int64)[:inner]
    by_set = (kinds & _BY_CATEGORY) > 0
    for node in np.flatnonzero(by_set).tolist():
        goes_left = _members(tree, int(splits[node]), sets.values(int(features[node])))
        features[node], splits[node] = sets.number(int(features[node]), goes_left), SPLIT
    made = Tree(
        np.concatenate([np.where(left < 0, inner + ~left, left), none]),
        np.concatenate([np.where(right < 0, inner + ~right, right), none]),
        np.concatenate([features, none + 1]),
        np.concatenate([_beyond_zero(splits), rest]),
        np.concatenate([_gaps_left(splits, kinds), none + 1]),
    )
    return made, np.concatenate([np.zeros(inner), array("leaf_value", np.float64)])


def _members(tree: Mapping[str, str], which: int, values: int) -> "np.ndarray[Any, Any]":
    """Return which values are in a set of categories, that is kept as bits; no others are."""
    import numpy as np

    first, end = map(int, tree["cat_boundaries"].split()[which : which + 2])
    words = np.array(tree["cat_threshold"].split()[first:end], dtype="<u4")
    bits = np.unpackbits(words.view(np.uint8), bitorder="little").astype(np.float64)
    found = np.zeros(values)
    count = min(len(bits), values - 2)
    found[:count] = bits[:count]
    return found


def _beyond_zero(splits: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return the same splits of numbers of which those nearest to 0 count as 0."""
    import numpy as np

    near = np.abs(splits) < _ZERO
    return np.where(near, np.where(splits < 0, -_ZERO, _ZERO), splits)


def _gaps_left(
    splits: "np.ndarray[Any, Any]", kinds: "np.ndarray[Any, Any]"
) -> "np.ndarray[Any, Any]":
    """Return whether missing values go left.

    Where the training data had none they count as 0; some models take each 0 for a missing one.
    """
    import numpy as np

    by_number = (kinds & _BY_CATEGORY) == 0
    zero_left = splits >= 0
    default_left = (kinds & _DEFAULT_LEFT) > 0
    gaps = (kinds >> 2) & 3
    if (by_number & (gaps == _ZERO_IS_GAP) & (zero_left != default_left)).any():
        raise NotCompiledError("its trees take zeros for missing values")
    return np.where(gaps == _NO_GAPS, zero_left, default_left).astype(np.int64)
