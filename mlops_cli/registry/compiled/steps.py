"""Transformers of numbers as nodes of ONNX, which compute in scikit-learn's own order."""

from collections.abc import Callable
from typing import Any

from mlops_cli.registry.compiled import others
from mlops_cli.registry.compiled.graph import Graph


def add(graph: Graph, step: Any, x: str, width: int) -> tuple[str, int]:
    """Add a fitted transformer of `width` numbers; return its output and how wide that is.

    Raises:
        NotCompiledError: it has no compiled form.
    """
    if step is None or step == "passthrough":
        return x, width
    known = _KNOWN.get(type(step).__name__)
    if known is not None and type(step).__module__.startswith("sklearn."):
        made = known(graph, step, x)
        if made is not None:
            return made
    if hasattr(step, "steps"):
        for _, part in step.steps:
            x, width = add(graph, part, x, width)
        return x, width
    return others.add_transformer(graph, step, x, width)


def _standard(graph: Graph, step: Any, x: str) -> tuple[str, int]:
    if step.with_mean:
        x = graph.add("Sub", x, graph.doubles(step.mean_))
    if step.with_std:
        x = graph.add("Div", x, graph.doubles(step.scale_))
    return x, step.n_features_in_


def _min_max(graph: Graph, step: Any, x: str) -> tuple[str, int] | None:
    if step.clip:
        return None
    x = graph.add("Mul", x, graph.doubles(step.scale_))
    return graph.add("Add", x, graph.doubles(step.min_)), step.n_features_in_


def _max_abs(graph: Graph, step: Any, x: str) -> tuple[str, int] | None:
    if getattr(step, "clip", False):
        return None
    return graph.add("Div", x, graph.doubles(step.scale_)), step.n_features_in_


def _robust(graph: Graph, step: Any, x: str) -> tuple[str, int]:
    if step.with_centering:
        x = graph.add("Sub", x, graph.doubles(step.center_))
    if step.with_scaling:
        x = graph.add("Div", x, graph.doubles(step.scale_))
    return x, step.n_features_in_


def _imputer(graph: Graph, step: Any, x: str) -> tuple[str, int] | None:
    """Add the filling of gaps; None where the gaps are not NaN, or some columns have no filling."""
    import numpy as np

    numbers = step.statistics_.dtype.kind in "fiu"
    if not (numbers and isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        return None
    if np.isnan(step.statistics_.astype(float)).any():
        return None
    width = step.n_features_in_
    filled = graph.add("Where", graph.add("IsNaN", x), graph.doubles(step.statistics_), x)
    if step.indicator_ is None:
        return filled, width
    places = [int(place) for place in step.indicator_.features_]
    gaps = graph.cast(graph.add("IsNaN", graph.take(x, places, width)), "double")
    return graph.add("Concat", filled, gaps, axis=1), width + len(places)


def _polynomial(graph: Graph, step: Any, x: str) -> tuple[str, int]:
    """Add products of columns: the first factors of all of them, times the second, and so on."""
    powers = step.powers_
    width = powers.shape[1]
    one = graph.add("Pow", graph.add("Gather", x, graph.whole(0), axis=1), graph.doubles(0.0))
    table = graph.add("Concat", x, one, axis=1)
    factors = [
        [column for column, power in enumerate(row) for _ in range(power)]
        for row in powers.tolist()
    ]
    product = ""
    for turn in range(max(1, *map(len, factors))):
        places = [row[turn] if turn < len(row) else width for row in factors]
        factor = graph.add("Gather", table, graph.whole(places), axis=1)
        product = graph.add("Mul", product, factor) if product else factor
    return product, len(factors)


def _chosen(graph: Graph, step: Any, x: str) -> tuple[str, int]:
    places = [int(place) for place in step.get_support(indices=True)]
    return graph.take(x, places, step.n_features_in_), len(places)


_FUNCTIONS = {"log": "Log", "exp": "Exp", "sqrt": "Sqrt", "absolute": "Abs", "abs": "Abs"}


def _function(graph: Graph, step: Any, x: str) -> tuple[str, int] | None:
    """Add a function of NumPy's that ONNX knows; None for any other."""
    name = getattr(step.func, "__name__", None)
    if step.kw_args:
        return None
    if step.func is None:
        return x, step.n_features_in_
    if type(step.func).__module__ != "numpy":
        return None
    if name == "log1p":
        return graph.add("Log", graph.add("Add", x, graph.doubles(1.0))), step.n_features_in_
    known = _FUNCTIONS.get(str(name))
    return None if known is None else (graph.add(known, x), step.n_features_in_)


_Known = Callable[[Graph, Any, str], tuple[str, int] | None]

_KNOWN: dict[str, _Known] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "PolynomialFeatures": _polynomial,
    "FunctionTransformer": _function,
    **dict.fromkeys(("SelectKBest", "SelectPercentile", "SelectFromModel"), _chosen),
    **dict.fromkeys(("VarianceThreshold", "RFE", "RFECV"), _chosen),
}
