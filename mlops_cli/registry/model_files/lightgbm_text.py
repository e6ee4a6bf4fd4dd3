"""LightGBM's text files, as far as it takes to see that they are whole and stay within bounds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.model_files.tree_bounds import check_tree, need, whole, within

if TYPE_CHECKING:
    import numpy as np

_CATEGORIES = "pandas_categorical:"
_FLOAT_FIELDS = frozenset(
    ["split_gain", "threshold", "leaf_value", "leaf_weight", "internal_value", "internal_weight"]
    + ["shrinkage", "leaf_const", "leaf_coeff"]
)
_LENGTHS = {"leaf": 0, "internal": -1, "split": -1}
"""By how a field begins: how many more values it has than there are leaves."""
_OTHER_LENGTHS = frozenset(["leaf_features", "leaf_coeff"])
_WHOLES = re.compile(r" *(-?\d{1,18}( +-?\d{1,18})* *)?|\d+")
_FLOATS = re.compile(r"(?i) *({0}( +{0})* *)?".format(r"-?(\d+(\.\d*)?(e[+-]?\d+)?|inf|nan)"))
_CATEGORY = 1  # the bit of `decision_type` that says so


@dataclass(frozen=True, slots=True)
class Text:
    """A model as LightGBM may read it: without how it was trained, which it reads carelessly."""

    model: str
    head: Mapping[str, str]


def read(data: bytes) -> Text:
    """Return the model in a file, once it is sure that it stays within bounds.

    Raises:
        ValueError: a tree leads out of its arrays, or the file was cut.
    """
    text = data.decode("utf-8")
    try:
        head = _check(text)
    except (KeyError, IndexError) as error:
        raise ValueError(f"it lacks what a model has: {error}") from error
    trees, ends, rest = text.partition("\nend of trees\n")
    named = [line for line in rest.splitlines() if line.startswith(_CATEGORIES)][-1:]
    return Text("\n".join([trees + ends, *named, ""]), head)


def _check(text: str) -> dict[str, str]:
    trees, ends, rest = text.partition("\nend of trees\n")
    need(ends, "it ends before its trees do")
    need("\nparameters:" not in rest or "\nend of parameters" in rest, "it ends too early")
    first, *blocks = trees.split("\nTree=")
    head = fields(first)
    columns = int(head["max_feature_idx"]) + 1
    need(0 < columns < 2**31, "a broken number of columns")
    for name in ("feature_names", "feature_infos"):
        need(len(head.get(name, "").split(" ")) == columns, f"{name} for another number of columns")
    each = int(head["num_tree_per_iteration"])
    need(each > 0 and int(head["num_class"]) > 0, "no classes")
    need(len(blocks) % each == 0, "trees for some of the classes alone")
    _check_sizes(head, text.encode()[: len(trees.encode()) + 2])
    for number, block in enumerate(blocks):
        _check_tree(fields(block), columns, f"tree {number}")
    return head


def fields(block: str) -> dict[str, str]:
    """Return the lines `NAME=VALUE` of the head or of one tree."""
    lines = (line.partition("=") for line in block.splitlines())
    return {name: value for name, mark, value in lines if mark}


def _check_sizes(head: Mapping[str, str], trees: bytes) -> None:
    """Check that the sizes by which LightGBM finds its trees lead to trees."""
    sizes = whole(head.get("tree_sizes", "").split())
    starts = list(_starts(trees))
    need(len(sizes) == len(starts), "sizes for another number of trees")
    at = starts[0] if starts else 0
    for start, size in zip(starts, sizes.tolist(), strict=True):
        need(at == start and size > 0, "a tree is not where its size says")
        at += size
    need(at <= len(trees) + 1, "the last tree is larger than it is")


def _starts(trees: bytes) -> Iterator[int]:
    at = trees.find(b"\nTree=")
    while at >= 0:
        yield at + 1
        at = trees.find(b"\nTree=", at + 1)


def _check_tree(tree: Mapping[str, str], columns: int, where: str) -> None:
    def array(name: str) -> "np.ndarray[Any, Any]":
        return whole(tree.get(name, "").split())

    for name, value in tree.items():
        form = _FLOATS if name in _FLOAT_FIELDS else _WHOLES
        need(form.fullmatch(value), f"{where} has no numbers in {name}")
    leaves, _ = int(tree["num_leaves"]), int(tree["num_cat"])
    need(0 < leaves < 2**31, f"{where} has no leaves")
    for name, value in tree.items():
        known = _LENGTHS.get(name.partition("_")[0])
        count = len(value.split())
        if known is not None and name not in _OTHER_LENGTHS and count:
            need(count == leaves + known, f"{where} has another number of {name}")
    need(len(tree.get("leaf_value", "").split()) == leaves, f"{where} lacks values of leaves")
    if leaves > 1:
        left, right = array("left_child"), array("right_child")
        kinds, features = array("decision_type"), array("split_feature")
        thresholds = tree.get("threshold", "").split()
        need(
            {len(one) for one in (left, right, kinds, features, thresholds)} == {leaves - 1},
            f"{where} lacks nodes",
        )
        for side in (left, right):
            need(within(~side[side < 0], leaves), f"{where} has a leaf that it lacks")
            need((side < leaves - 1).all(), f"{where} has a node that it lacks")
        need(within(features, columns), f"{where} asks for a column that there is not")
        check_tree(left == left, left, right, where)
        _check_categories(tree, kinds, thresholds, where)
    if tree.get("is_linear", "0") == "1":
        asked = array("leaf_features")
        need(within(asked, columns), f"{where} asks for a column that there is not")
        need(
            len(asked) == array("num_features").sum() == len(tree.get("leaf_coeff", "").split()),
            f"{where} lacks coefficients",
        )


def _check_categories(
    tree: Mapping[str, str], kinds: "np.ndarray[Any, Any]", thresholds: list[str], where: str
) -> None:
    count = int(tree["num_cat"])
    asked = [one for one, kind in zip(thresholds, kinds.tolist(), strict=True) if kind & _CATEGORY]
    need(within(whole(asked), count), f"{where} has categories that it lacks")
    if count:
        bounds = whole(tree.get("cat_boundaries", "").split())
        words = len(tree.get("cat_threshold", "").split())
        need(len(bounds) == count + 1 and bounds[0] == 0, f"{where} has broken categories")
        need((bounds[1:] >= bounds[:-1]).all(), f"{where} has broken categories")
        need(bounds[-1] == words, f"{where} has broken categories")
