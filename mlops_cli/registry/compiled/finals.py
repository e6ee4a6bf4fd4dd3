"""What predicts at the end of a model, as nodes of ONNX: linear models, trees, and any other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlops_cli.registry.compiled import boosters, others, steps, trees
from mlops_cli.registry.compiled.graph import Graph, NotCompiledError
from mlops_cli.registry.compiled.parts import parted
from mlops_cli.registry.compiled.trees import Tree

if TYPE_CHECKING:
    import numpy as np

Output = Literal["shares", "index", "value"]
"""A probability for each class, the place of the class among all, or the prediction itself."""


@dataclass(frozen=True, slots=True)
class Final:
    """The output of a graph, and what it means."""

    name: str
    output: Output
    whole: bool = False
    """Whether it gives whole numbers."""


def add(graph: Graph, model: Any, x: str, width: int) -> Final:
    """Add a fitted classifier, regressor or the like over `width` numbers.

    Raises:
        NotCompiledError: it has no compiled form.
    """
    if _targets(model) != 1:
        raise NotCompiledError("it predicts more than one target")
    if boosters.library(model) is not None:
        name, shares = boosters.add(graph, model, x)
        return Final(name, "shares" if shares else "value")
    known = _known(model)
    if known is not None:
        made = known(graph, model, x)
        if made is not None:
            return made
    return _other(graph, model, x, width)


def _targets(model: Any) -> int:
    """Return how many columns a model predicts; the outputs of a network are its classes."""
    classes = getattr(model, "classes_", None)
    if classes is not None:
        return len(classes) if isinstance(classes, list) else 1
    return int(getattr(model, "n_outputs_", 1))


def _other(graph: Graph, model: Any, x: str, width: int) -> Final:
    classes = getattr(model, "classes_", None)
    shares = classes is not None and hasattr(model, "predict_proba")
    if classes is not None and not shares:
        model = _numbered(model)
    name, whole = others.add_predictor(graph, model, x, width, shares=shares)
    if classes is None:
        return Final(name, "value", whole)
    return Final(name, "shares" if shares else "index", whole)


def _numbered(model: Any) -> Any:
    """Return a classifier like `model` that says the places of its labels."""
    import copy

    import numpy as np

    numbered = copy.copy(model)
    try:
        numbered.classes_ = np.arange(len(model.classes_))
    except AttributeError as error:
        raise NotCompiledError(f"{type(model).__name__} has no compiled form") from error
    return numbered


def _linear(graph: Graph, model: Any, x: str) -> str:
    """Add a matrix product and the intercept: shape (rows, targets)."""
    import numpy as np

    weights = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64)).T
    total = graph.add("MatMul", x, graph.constant(weights))
    return graph.add("Add", total, graph.doubles(model.intercept_))


def _regression(graph: Graph, model: Any, x: str) -> Final | None:
    if model.coef_.ndim > 1 and model.coef_.shape[0] > 1:
        raise NotCompiledError("it predicts more than one target")
    return Final(_linear(graph, model, x), "value")


def _logistic(graph: Graph, model: Any, x: str) -> Final | None:
    scores = _linear(graph, model, x)
    if len(model.classes_) == 2:
        return Final(_two(graph, graph.add("Sigmoid", scores)), "shares")
    return Final(graph.add("Softmax", scores, axis=1), "shares")


def _decision(graph: Graph, model: Any, x: str) -> Final | None:
    """Add a linear classifier without probabilities."""
    if hasattr(model, "predict_proba"):
        return None
    chosen = _greatest(graph, _linear(graph, model, x), len(model.classes_))
    return Final(chosen, "index", whole=True)


def _greatest(graph: Graph, scores: str, classes: int) -> str:
    """Add the choice of a class by its score; of two classes, the second's score against 0."""
    if classes == 2:
        return graph.cast(graph.add("Greater", scores, graph.doubles(0.0)), "int64")
    return graph.add("ArgMax", scores, axis=1, keepdims=0)


def _two(graph: Graph, second: str) -> str:
    """Add the probabilities of two classes from that of the second."""
    return graph.add("Concat", graph.add("Sub", graph.doubles(1.0), second), second, axis=1)


def _tree(graph: Graph, model: Any, x: str) -> Final | None:
    return _votes(graph, [model], x, is_classifier=hasattr(model, "classes_"))


def _forest(graph: Graph, model: Any, x: str) -> Final | None:
    return _votes(graph, model.estimators_, x, is_classifier=hasattr(model, "classes_"))


def _votes(graph: Graph, estimators: Any, x: str, *, is_classifier: bool) -> Final:
    held = [one.tree_ for one in estimators]
    trees.check_size(sum(tree.node_count for tree in held))
    x = graph.as_float32(x)
    if is_classifier:
        leaves = [(trees.of_sklearn(tree), tree.value[:, 0, :]) for tree in held]
        return Final(trees.add_votes(graph, x, leaves), "shares")
    sums = [(trees.of_sklearn(tree), 0, tree.value[:, 0, 0]) for tree in held]
    total = trees.add_sums(graph, x, sums, start=[0.0])
    return Final(graph.add("Div", total, graph.doubles(len(held))), "value")


def _boosting(graph: Graph, model: Any, x: str) -> Final | None:
    stages = model.estimators_
    trees.check_size(sum(one.tree_.node_count for one in stages.ravel()))
    start = _start(model)
    if start is None:
        return None

    def each() -> Iterator[tuple[Tree, int, "np.ndarray[Any, Any]"]]:
        for stage in stages:
            for target, one in enumerate(stage):
                values = model.learning_rate * one.tree_.value[:, 0, 0]
                yield trees.of_sklearn(one.tree_), target, values

    raw = trees.add_sums(graph, graph.as_float32(x), each(), start=start)
    if not hasattr(model, "classes_"):
        return Final(raw, "value")
    if type(model._loss).__name__ not in ("HalfBinomialLoss", "HalfMultinomialLoss"):
        return None
    return _shares(graph, raw, len(model.classes_))


def _voting(graph: Graph, model: Any, x: str) -> Final | None:
    """Add the mean of several models, weighted as it was fitted."""
    is_classifier = hasattr(model, "classes_")
    if is_classifier and model.voting != "soft":
        return None
    weights = model._weights_not_none or [1.0] * len(model.estimators_)
    total = ""
    for one, weight in zip(model.estimators_, weights, strict=True):
        part, width = x, int(model.n_features_in_)
        for step in parted(one)[0]:
            part, width = steps.add(graph, step, part, width)
        final = add(graph, parted(one)[1], part, width)
        name = final.name if is_classifier else graph.add("Reshape", final.name, graph.whole([-1]))
        weighted = graph.add("Mul", name, graph.doubles(float(weight)))
        total = graph.add("Add", total, weighted) if total else weighted
    mean = graph.add("Div", total, graph.doubles(float(sum(weights))))
    return Final(mean, "shares" if is_classifier else "value")


def _start(model: Any) -> list[float] | None:
    """Return what boosting begins with, None when that depends on the row."""
    import numpy as np

    first = model.init_
    if not (first == "zero" or type(first).__name__ in ("DummyClassifier", "DummyRegressor")):
        return None
    found: list[float] = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))[
        0
    ].tolist()
    return found


def _histogram(graph: Graph, model: Any, x: str) -> Final | None:
    stages = model._predictors
    trees.check_size(sum(len(one.nodes) for stage in stages for one in stage))
    if getattr(model, "_preprocessor", None) is not None:
        raise NotCompiledError("its trees split by categories")

    def each() -> Iterator[tuple[Tree, int, "np.ndarray[Any, Any]"]]:
        for stage in stages:
            for target, one in enumerate(stage):
                yield trees.of_histogram(one.nodes), target, one.nodes["value"]

    start = model._baseline_prediction.ravel().tolist()
    raw = trees.add_sums(graph, x, each(), start=start)
    if hasattr(model, "classes_"):
        return _shares(graph, raw, len(model.classes_))
    link = type(model._loss.link).__name__
    if link == "LogLink":
        return Final(graph.add("Exp", raw), "value")
    return Final(raw, "value") if link == "IdentityLink" else None


def _shares(graph: Graph, raw: str, classes: int) -> Final:
    if classes == 2:
        return Final(_two(graph, graph.add("Sigmoid", raw)), "shares")
    return Final(graph.add("Softmax", raw, axis=1), "shares")


_Known = Callable[[Graph, Any, str], Final | None]
_LINEAR = (
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV"),
    *("BayesianRidge", "ARDRegression", "HuberRegressor", "SGDRegressor", "Lars", "LassoLars"),
    *("LinearSVR", "QuantileRegressor", "TheilSenRegressor", "LassoLarsIC"),
)
_DECISIONS = ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "Perceptron")

_KNOWN: dict[str, _Known] = {
    **dict.fromkeys(_LINEAR, _regression),
    **dict.fromkeys(_DECISIONS, _decision),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV"), _logistic),
    "LinearDiscriminantAnalysis": _logistic,
    **dict.fromkeys(("VotingClassifier", "VotingRegressor"), _voting),
    **dict.fromkeys(("DecisionTreeClassifier", "DecisionTreeRegressor"), _tree),
    **dict.fromkeys(("ExtraTreeClassifier", "ExtraTreeRegressor"), _tree),
    **dict.fromkeys(("RandomForestClassifier", "RandomForestRegressor"), _forest),
    **dict.fromkeys(("ExtraTreesClassifier", "ExtraTreesRegressor"), _forest),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _boosting),
    **dict.fromkeys(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), _histogram
    ),
}


def _known(model: Any) -> _Known | None:
    kind = type(model)
    return _KNOWN.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
