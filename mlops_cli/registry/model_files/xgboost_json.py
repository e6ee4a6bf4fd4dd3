"""XGBoost's models as JSON, as far as it takes to see that they stay within bounds."""

import json
from collections.abc import Mapping
from typing import Any

from mlops_cli.registry.model_files import ubjson
from mlops_cli.registry.model_files.tree_bounds import check_tree, need, numbers, whole, within

_OF_NODES = (
    *("base_weights", "default_left"),
    *("loss_changes", "split_conditions", "sum_hessian"),
)
_SHAPE = ("num_deleted", "num_feature", "num_nodes", "size_leaf_vector")
_MOST_CATEGORIES = 2**24
"""XGBoost's own limit; it keeps a bit for each."""


def read(data: bytes) -> Mapping[str, Any]:
    """Return the model in a file, JSON or UBJSON, once it is sure that it stays within bounds.

    XGBoost itself is given only what was read here: its own reader of UBJSON can be led astray.

    Raises:
        ValueError: it is no such file, or a tree leads out of its arrays.
    """
    begins = data[1:2].isspace() or data[1:2] == b'"'
    model: Mapping[str, Any] = json.loads(data) if begins else ubjson.decode(data)
    try:
        _check(model)
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"it lacks what a model has: {error}") from error
    return model


def _check(model: Mapping[str, Any]) -> None:
    learner = model["learner"]
    shape = learner["learner_model_param"]
    columns = int(shape["num_feature"])
    groups = max(1, int(shape["num_class"])) * max(1, int(shape.get("num_target", 1)))
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        weights = len(booster["model"]["weights"])
        need(weights == (columns + 1) * groups, "weights for another number of columns")
        return
    held = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    trees = held["trees"]
    told = whole(held["tree_info"])
    need(len(told) == len(trees) and within(told, groups), "a tree of a class that there is not")
    need(int(held["gbtree_model_param"]["num_trees"]) == len(trees), "another number of trees")
    need(int(held["gbtree_model_param"]["num_parallel_tree"]) > 0, "no trees in a round")
    if "iteration_indptr" in held:
        _check_bounds(held["iteration_indptr"], len(trees), "broken rounds")
    if "weight_drop" in booster:
        need(numbers(booster["weight_drop"]) == len(trees), "weights for another number of trees")
    for number, tree in enumerate(trees):
        _check_tree(tree, columns, f"tree {number}")
    if held.get("cats", {}).get("enc"):
        _check_names(held["cats"], columns)


def _check_bounds(bounds: Any, end: int, what: str) -> None:
    """Check that numbers rise from 0 to `end`."""
    told = whole(bounds)
    need(len(told) and told[0] == 0 and told[-1] == end, what)
    need((told[1:] >= told[:-1]).all(), what)


def _check_names(names: Mapping[str, Any], columns: int) -> None:
    """Check the names of the categories that it remembers of each column."""
    what = "broken names of categories"
    counts = []
    for one in names["enc"]:
        values = numbers(one["values"])
        counts.append(values if "type" in one else max(0, len(one["offsets"]) - 1))
        if "type" not in one and (one["offsets"] or values):
            _check_bounds(one["offsets"], values, what)
            need((abs(whole(one["values"])) < 256).all(), what)
    need(len(counts) == columns, what)
    segments = whole(names["feature_segments"]).tolist()
    need(segments == [sum(counts[:at]) for at in range(columns + 1)], what)
    places = whole(names["sorted_idx"]).tolist()
    need(len(places) == segments[-1], what)
    for start, count in zip(segments, counts, strict=False):
        need(sorted(places[start : start + count]) == list(range(count)), what)


def _check_tree(tree: Mapping[str, Any], columns: int, where: str) -> None:
    left, right = whole(tree["left_children"]), whole(tree["right_children"])
    features, kinds = whole(tree["split_indices"]), whole(tree["split_type"])
    parents = whole(tree["parents"])
    nodes = len(left)
    need(nodes > 0, f"{where} has no nodes")
    lengths = {len(one) for one in (right, features, kinds, parents)}
    lengths |= {numbers(tree[name]) for name in _OF_NODES}
    need(lengths == {nodes}, f"{where} lacks nodes")
    shape = {name: int(tree["tree_param"][name]) for name in _SHAPE}
    need(shape["num_nodes"] == nodes, f"{where} has another number of nodes")
    need(shape["num_feature"] == columns, f"{where} is for another number of columns")
    need(shape["size_leaf_vector"] in (0, 1), f"{where} has several values in a leaf")
    inner = left != -1
    need((inner == (right != -1)).all(), f"{where} has a node with one child")
    for side in (left, right):
        need(within(side[inner], nodes), f"{where} has a node that it lacks")
    need(within(features[inner], columns), f"{where} asks for a column that there is not")
    check_tree(inner, left, right, where)
    above = inner.nonzero()[0]
    for side in (left, right):
        need((parents[side[inner]] == above).all(), f"{where} has a child of another node")
    others = sorted({*range(nodes)} - {0, *left[inner].tolist(), *right[inner].tolist()})
    need(within(parents[others], nodes), f"{where} has a node that it lacks")
    _check_categories(tree, nodes, where)


def _check_categories(tree: Mapping[str, Any], nodes: int, where: str) -> None:
    known = whole(tree["categories"])
    starts, sizes = whole(tree["categories_segments"]), whole(tree["categories_sizes"])
    owners = whole(tree["categories_nodes"])
    need(len(starts) == len(sizes) == len(owners), f"{where} has broken categories")
    need(
        within(owners, nodes) and within(known, _MOST_CATEGORIES), f"{where} has broken categories"
    )
    need((starts >= 0).all() and (sizes >= 0).all(), f"{where} has broken categories")
    need((starts + sizes <= len(known)).all(), f"{where} has broken categories")
