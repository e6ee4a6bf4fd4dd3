"""The trees of XGBoost and LightGBM as a node of ONNX that adds them up as the library does.

LightGBM splits and adds in doubles, XGBoost in floats of 32 bits: so does the node, in the same
order, and what comes after the sum is computed in the library's own steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlops_cli.registry.compiled import trees
from mlops_cli.registry.compiled.categories import Known, Lookups
from mlops_cli.registry.compiled.graph import Graph, NotCompiledError
from mlops_cli.registry.compiled.parts import parted
from mlops_cli.registry.compiled.trees import Tree
from mlops_cli.registry.model_files.boosted import Boosted

if TYPE_CHECKING:
    import numpy as np

SINGLE_TOLERANCE = 1e-6
"""How far numbers may differ where the original itself computes in floats of 32 bits."""
_LIBRARIES = ("xgboost", "lightgbm")

NO_LOOKUPS = Lookups({}, {})

Link = Literal["identity", "sigmoid", "softmax", "exp", "each"]
"""What becomes of the sums; `each` is a sigmoid of each class by itself."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """All that a booster computes with."""

    trees: Sequence[tuple[Tree, int, "np.ndarray[Any, Any]"]]
    """Each tree, the sum that it adds to, and what its nodes are worth."""
    start: Sequence[float]
    """What each sum begins with."""
    link: Link
    slope: float = 1.0
    """Of a sigmoid."""
    rounds: int = 1
    """The sums are divided by that."""
    single: bool = False
    """Whether it computes in floats of 32 bits."""
    lookups: Lookups = NO_LOOKUPS
    """What is looked up of categories."""

    @property
    def nodes(self) -> int:
        """How many nodes all trees have."""
        return sum(len(tree.left) for tree, _, _ in self.trees)


def library(model: Any) -> str | None:
    """Return whose booster a model is or holds: `xgboost`, `lightgbm` or neither."""
    of = type(held(model)).__module__.partition(".")[0]
    return of if of in _LIBRARIES else None


def held(model: Any) -> Any:
    """Return the booster of a model that was loaded from a booster's own file; others as given."""
    return model.booster if isinstance(model, Boosted) else model


def is_single(model: Any) -> bool:
    """Return whether something in a model computes in floats of 32 bits all the way."""
    final = parted(model)[1]
    among = getattr(final, "estimators_", None)
    if isinstance(among, list) and any(is_single(one) for one in among):
        return True
    return library(final) == "xgboost"


def ensemble(model: Any) -> Ensemble:
    """Return what the booster of a model computes with.

    Raises:
        NotCompiledError: that cannot be said in trees of numbers.
    """
    if library(model) == "xgboost":
        from mlops_cli.registry.compiled import xgboost_trees

        return xgboost_trees.read(model)
    from mlops_cli.registry.compiled import lightgbm_trees

    return lightgbm_trees.read(model)


def categories(model: Any) -> Known:
    """Return the categories that a booster takes as they are, by the places of their columns.

    One in a pipeline is given numbers.
    """
    return model.categories if isinstance(model, Boosted) else {}


def add(graph: Graph, model: Any, x: str) -> tuple[str, bool]:
    """Add a booster; return its output, and whether that is a probability for each class.

    Raises:
        NotCompiledError: it has no compiled form.
    """
    made = ensemble(model)
    trees.check_size(made.nodes)
    if made.lookups.tables:
        x = made.lookups.add(graph, x)
    if made.single:
        x = graph.cast(x, "float")
    raw = trees.add_sums(graph, x, made.trees, start=made.start, single=made.single)
    if made.rounds != 1:
        raw = graph.add("Div", raw, graph.doubles(made.rounds))
    is_classifier = _is_classifier(model)
    if is_classifier and made.link in ("identity", "exp"):
        raise NotCompiledError("it gives scores, no probabilities")
    if not is_classifier and len(made.start) > 1:
        raise NotCompiledError("it gives more than one number for a row")
    found = (_single if made.single else _double)(graph, raw, made)
    if is_classifier and len(made.start) == 1:
        one = graph.cast(graph.doubles(1.0), "float") if made.single else graph.doubles(1.0)
        found = graph.add("Concat", graph.add("Sub", one, found), found, axis=1)
    return (graph.cast(found, "double") if made.single else found), is_classifier


def _is_classifier(model: Any) -> bool:
    if isinstance(model, Boosted):
        return model.classes is not None
    return hasattr(model, "predict_proba")


def _double(graph: Graph, raw: str, made: Ensemble) -> str:
    if made.link == "identity":
        return raw
    if made.link == "exp":
        return graph.add("Exp", raw)
    if made.link == "softmax":
        return graph.add("Softmax", raw, axis=1)
    scaled = raw if made.slope == 1 else graph.add("Mul", raw, graph.doubles(made.slope))
    return graph.add("Sigmoid", scaled)


def _single(graph: Graph, raw: str, made: Ensemble) -> str:
    """Add a link as XGBoost computes it: each step is rounded, so that even votes stay even."""
    if made.link == "identity":
        return raw
    if made.link == "exp":
        return _exp(graph, raw)
    if made.link == "softmax":
        lifted = graph.add("Sub", raw, graph.add("ReduceMax", raw, graph.whole(1), keepdims=1))
        shares = _exp(graph, lifted)
        total = graph.add("ReduceSum", graph.cast(shares, "double"), graph.whole(1), keepdims=1)
        return graph.add("Div", shares, graph.cast(total, "float"))
    one = graph.cast(graph.doubles(1.0), "float")
    return graph.add("Div", one, graph.add("Add", _exp(graph, graph.add("Neg", raw)), one))


def _exp(graph: Graph, x: str) -> str:
    """Add a power of e that is right to the last bit of a float."""
    return graph.cast(graph.add("Exp", graph.cast(x, "double")), "float")
