"""The trees of XGBoost, from the JSON in which it keeps them."""

import json
import math
from collections.abc import Mapping
from typing import Any

from mlops_cli.registry.compiled.boosters import Ensemble, Link, categories, held
from mlops_cli.registry.compiled.categories import SPLIT, Sets
from mlops_cli.registry.compiled.graph import NotCompiledError
from mlops_cli.registry.compiled.trees import Tree

_LINKS: dict[str, Link] = {
    **dict.fromkeys(("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror"), "identity"),
    **dict.fromkeys(("reg:squaredlogerror", "reg:quantileerror"), "identity"),
    **dict.fromkeys(("rank:pairwise", "rank:ndcg", "rank:map", "binary:logitraw"), "identity"),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), "sigmoid"),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), "exp"),
    "multi:softprob": "softmax",
}


def read(model: Any) -> Ensemble:
    """Return what a booster of XGBoost, or what holds one, computes with.

    Raises:
        NotCompiledError: that cannot be said in trees of numbers.
    """
    missing = getattr(model, "missing", math.nan)
    if missing is not None and missing == missing:  # NaN is not itself
        raise NotCompiledError(f"it takes {missing} for a missing value")
    booster = model.get_booster() if hasattr(model, "get_booster") else held(model)
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    boosting, shape = learner["gradient_booster"], learner["learner_model_param"]
    if boosting["name"] not in ("gbtree", "dart"):
        raise NotCompiledError(f"it was boosted by {boosting['name']}, not by trees")
    if int(shape.get("num_target", 1)) > 1:
        raise NotCompiledError("it predicts more than one target")
    objective = str(learner["objective"]["name"])
    if objective not in _LINKS:
        raise NotCompiledError(f"its objective is {objective}")
    of_all = boosting.get("gbtree", boosting)["model"]
    weights = boosting.get("weight_drop") or [1.0] * len(of_all["trees"])
    asked = _asked(booster, of_all, fitted=held(model) is model)
    targets = of_all["tree_info"][:asked]
    link = _LINKS[objective]
    sets = Sets(int(shape["num_feature"]), categories(model))
    trees, lookups = sets.finish(
        [
            (_tree(tree, sets), target, _worth(tree, weight))
            for tree, target, weight in zip(
                of_all["trees"][:asked], targets, weights[:asked], strict=True
            )
        ]
    )
    return Ensemble(
        trees=trees,
        start=_start(str(shape["base_score"]), link, max(1, int(shape["num_class"]))),
        link=link,
        single=True,
        lookups=lookups,
    )


def _asked(booster: Any, model: Mapping[str, Any], *, fitted: bool) -> int:
    """Return how many trees are asked: scikit-learn's interface stops where training did."""
    best = booster.attr("best_iteration")
    if best is None or not (fitted or booster.attr("scikit_learn")):
        return len(model["trees"])
    return int(model["iteration_indptr"][int(best) + 1])


def _tree(tree: Mapping[str, Any], sets: Sets) -> Tree:
    """Return a tree. XGBoost goes left below a split: at most the float before it.

    By categories it goes right with those of a set.
    """
    import numpy as np

    splits = np.asarray(tree["split_conditions"], dtype=np.float32)
    features = np.asarray(tree["split_indices"])
    gaps_left = np.asarray(tree["default_left"], dtype=np.int64)
    below = np.nextafter(splits, np.float32(-np.inf)).astype(np.float64)
    segments = zip(tree["categories_segments"], tree["categories_sizes"], strict=True)
    for node, (first, count) in zip(tree["categories_nodes"], segments, strict=True):
        column = int(features[node])
        goes_left = np.ones(sets.values(column))
        goes_left[tree["categories"][first : first + count]] = 0.0
        goes_left[-2] = gaps_left[node]
        features[node], below[node] = sets.number(column, goes_left), SPLIT
    return Tree(
        np.asarray(tree["left_children"]),
        np.asarray(tree["right_children"]),
        features,
        below,
        gaps_left,
    )


def _worth(tree: Mapping[str, Any], weight: float) -> Any:
    """Return what the leaves of a tree are worth, which DART gives a weight."""
    import numpy as np

    held = np.asarray(tree["split_conditions"], dtype=np.float32)
    return (held * np.float32(weight)).astype(np.float64)


def _start(written: str, link: Link, sums: int) -> list[float]:
    """Return what the sums begin with, which is kept as a prediction."""
    import numpy as np

    one = np.float32(1)
    found = np.atleast_1d(np.asarray(json.loads(written), dtype=np.float32))
    if link == "sigmoid":
        found = -np.log(one / found - one)
    elif link == "exp":
        found = np.log(found)
    spread: list[float] = np.broadcast_to(found, (sums,)).astype(np.float64).tolist()
    return spread
