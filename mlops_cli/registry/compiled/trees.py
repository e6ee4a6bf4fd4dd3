"""Trees of scikit-learn as one node of ONNX that holds doubles.

A forest's leaves are numbered, and the probabilities looked up by these numbers: so each tree is
walked once, however many classes there are, and the sum is made in scikit-learn's own order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.compiled.graph import TREES, Graph, NotCompiledError

if TYPE_CHECKING:
    import numpy as np

MOST_NODES = 1_000_000
"""A larger ensemble would take minutes and hundreds of megabytes."""
_SUM = 1


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree by node: where it asks what, and what its leaves are worth.

    `left` and `right` are -1 at leaves. A row goes left when its value is at most the threshold,
    and, where it lacks the value, when `missing_left`.
    """

    left: "np.ndarray[Any, Any]"
    right: "np.ndarray[Any, Any]"
    feature: "np.ndarray[Any, Any]"
    threshold: "np.ndarray[Any, Any]"
    missing_left: "np.ndarray[Any, Any]"

    @property
    def is_leaf(self) -> "np.ndarray[Any, Any]":
        """Which of the nodes are leaves."""
        found: np.ndarray[Any, Any] = self.left < 0
        return found


def of_sklearn(tree: Any) -> Tree:
    """Return a tree of a forest, of gradient boosting or alone."""
    import numpy as np

    missing = getattr(tree, "missing_go_to_left", None)
    if missing is None:
        missing = np.zeros(tree.node_count)
    return Tree(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        missing.astype(np.int64),
    )


def of_histogram(nodes: Any) -> Tree:
    """Return a tree of histogram gradient boosting.

    Raises:
        NotCompiledError: it splits by categories.
    """
    import numpy as np

    if nodes["is_categorical"].any():
        raise NotCompiledError("its trees split by categories")
    leaf = nodes["is_leaf"] != 0
    return Tree(
        np.where(leaf, -1, nodes["left"].astype(np.int64)),
        np.where(leaf, -1, nodes["right"].astype(np.int64)),
        nodes["feature_idx"].astype(np.int64),
        nodes["num_threshold"],
        nodes["missing_go_to_left"].astype(np.int64),
    )


def check_size(count: int) -> None:
    """Refuse an ensemble of so many nodes that compiling it would not pay.

    Raises:
        NotCompiledError: it is too large.
    """
    if count > MOST_NODES:
        raise NotCompiledError(
            f"its trees have {count:,} nodes, and more than {MOST_NODES:,} are not compiled"
        )


@dataclass(slots=True)
class _Parts:
    """The attributes of a node `TreeEnsemble`: inner nodes and leaves, each in one list."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    true_leaf: list[int] = field(default_factory=list)
    false_leaf: list[int] = field(default_factory=list)
    true_next: list[int] = field(default_factory=list)
    false_next: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def append(self, tree: Tree, target: int, values: "np.ndarray[Any, Any]") -> None:
        """Add a tree whose nodes are worth `values` to one target."""
        import numpy as np

        leaf = tree.is_leaf
        if leaf[0]:
            self.constant(target, float(values[0]))
            return
        inner = ~leaf
        here, below = len(self.features), len(self.targets)
        place = np.where(leaf, below + np.cumsum(leaf) - 1, here + np.cumsum(inner) - 1)
        left, right = tree.left[inner], tree.right[inner]
        self.roots.append(here)
        self.features += tree.feature[inner].tolist()
        self.splits += tree.threshold[inner].tolist()
        self.missing += tree.missing_left[inner].tolist()
        self.true_leaf += leaf[left].astype(int).tolist()
        self.false_leaf += leaf[right].astype(int).tolist()
        self.true_next += place[left].tolist()
        self.false_next += place[right].tolist()
        self.targets += [target] * int(leaf.sum())
        self.weights += values[leaf].tolist()

    def constant(self, target: int, value: float) -> None:
        """Add a tree that says the same of every row."""
        here, below = len(self.features), len(self.targets)
        self.roots.append(here)
        self.features.append(0)
        self.splits.append(0.0)
        self.missing.append(1)
        self.true_leaf.append(1)
        self.false_leaf.append(1)
        self.true_next.append(below)
        self.false_next.append(below)
        self.targets.append(target)
        self.weights.append(value)

    def add(self, graph: Graph, x: str, targets: int, *, single: bool = False) -> str:
        """Add the node, and return its output: a sum for each target.

        It takes and gives doubles, or where `single` floats of 32 bits.
        """
        import numpy as np
        from onnx import numpy_helper

        kind = np.float32 if single else np.float64
        return graph.add(
            "TreeEnsemble",
            x,
            domain=TREES,
            aggregate_function=_SUM,
            post_transform=0,
            n_targets=targets,
            tree_roots=self.roots,
            nodes_featureids=self.features,
            nodes_splits=numpy_helper.from_array(np.array(self.splits, kind)),
            nodes_modes=numpy_helper.from_array(np.zeros(len(self.splits), np.uint8)),
            nodes_missing_value_tracks_true=self.missing,
            nodes_trueleafs=self.true_leaf,
            nodes_falseleafs=self.false_leaf,
            nodes_truenodeids=self.true_next,
            nodes_falsenodeids=self.false_next,
            leaf_targetids=self.targets,
            leaf_weights=numpy_helper.from_array(np.array(self.weights, kind)),
        )


def add_votes(graph: Graph, x: str, trees: Sequence[tuple[Tree, "np.ndarray[Any, Any]"]]) -> str:
    """Add the mean over trees of what the leaves hold, shape (rows, classes).

    Each tree comes with an array of shape (nodes, classes).
    """
    import numpy as np

    parts, tables, count = _Parts(), [], 0
    for target, (tree, values) in enumerate(trees):
        leaf = tree.is_leaf
        numbers = np.zeros(len(leaf))
        numbers[leaf] = count + np.arange(int(leaf.sum()))
        count += int(leaf.sum())
        tables.append(values[leaf])
        parts.append(tree, target, numbers)
    places = graph.cast(parts.add(graph, x, len(trees)), "int64")
    votes = graph.add("Gather", graph.doubles(np.concatenate(tables)), places, axis=0)
    total = graph.add("ReduceSum", votes, graph.whole(1), keepdims=0)
    return graph.add("Div", total, graph.doubles(len(trees))) if len(trees) > 1 else total


def add_sums(
    graph: Graph,
    x: str,
    trees: Iterable[tuple[Tree, int, "np.ndarray[Any, Any]"]],
    *,
    start: Sequence[float],
    single: bool = False,
) -> str:
    """Add the sums of trees by target, each beginning with its `start`, shape (rows, targets).

    Each tree comes with its target and the worth of its nodes. They are added in this order, as
    doubles, or where `single` as floats of 32 bits, which `x` then holds.
    """
    parts = _Parts()
    for target, value in enumerate(start):
        parts.constant(target, value)
    for tree, target, values in trees:
        parts.append(tree, target, values)
    return parts.add(graph, x, len(start), single=single)
