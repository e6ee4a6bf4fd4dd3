"""What only skl2onnx knows how to compile: one part of a model, over a table of doubles."""

import warnings
from typing import TYPE_CHECKING, Any

from mlops_cli.registry.compiled.graph import OPSET, Graph, NotCompiledError

if TYPE_CHECKING:
    import onnx

_TREES_OPSET = 3
"""The last that skl2onnx writes trees for."""
_UNFIT = frozenset({"TreeEnsembleClassifier", "TreeEnsembleRegressor"})
"""Trees within another model, which would give float32."""


def add_transformer(graph: Graph, step: Any, x: str, width: int) -> tuple[str, int]:
    """Add a transformer; return its output and how wide that is.

    Raises:
        NotCompiledError: skl2onnx cannot.
    """
    import numpy as np

    model = _converted(step, width)
    made = _added(graph, model, model.graph.output[0].name, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the columns have no names here
        return made, int(step.transform(np.zeros((1, width))).shape[1])


def add_predictor(
    graph: Graph, model: Any, x: str, width: int, *, shares: bool
) -> tuple[str, bool]:
    """Add a predictor, or its probabilities; return the output and whether it is whole numbers.

    Raises:
        NotCompiledError: skl2onnx cannot.
    """
    from onnx import TensorProto

    made = _converted(model, width)
    chosen = made.graph.output[1 if shares else 0]
    kind = chosen.type.tensor_type.elem_type
    if kind == TensorProto.STRING:
        raise NotCompiledError(f"the labels of {_name(model)} have no numbers in ONNX")
    whole = kind == TensorProto.INT64
    return _added(graph, made, chosen.name, x, whole=whole), whole


def _converted(part: Any, width: int) -> "onnx.ModelProto":
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType

    options = {id(part): {"zipmap": False}} if hasattr(part, "predict_proba") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made: onnx.ModelProto = convert_sklearn(
                part,
                initial_types=[("x", DoubleTensorType([None, width]))],
                options=options,
                target_opset={"": OPSET, "ai.onnx.ml": _TREES_OPSET},
            )
        except Exception as error:
            raise NotCompiledError(f"{_name(part)} has no compiled form") from error
    return made


def _added(
    graph: Graph, model: "onnx.ModelProto", output: str, x: str, *, whole: bool = False
) -> str:
    """Add what leads to one output of a model, as doubles unless `whole`."""
    _keep_only(model, output)
    for node in model.graph.node:
        if node.op_type in _UNFIT or any(one.HasField("g") for one in node.attribute):
            raise NotCompiledError(f"skl2onnx writes it with {node.op_type}, which gains nothing")
    name = graph.insert(model, x)
    return name if whole else graph.cast(name, "double")


def _keep_only(model: "onnx.ModelProto", output: str) -> None:
    """Take everything out of a model that does not lead to one of its outputs."""
    needed, kept = {output}, []
    for node in reversed(model.graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            kept.append(node)
    for held, fitting in (
        (model.graph.node, kept[::-1]),
        (model.graph.output, [one for one in model.graph.output if one.name == output]),
        (model.graph.initializer, [one for one in model.graph.initializer if one.name in needed]),
    ):
        copies = [type(one).FromString(one.SerializeToString()) for one in fitting]
        del held[:]
        held.extend(copies)


def _name(part: Any) -> str:
    return type(part).__name__
