"""A graph of ONNX that is being built, in double precision from end to end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx

OPSET = 21
TREES_OPSET = 5
"""Of `ai.onnx.ml`: the first whose trees take, hold and give doubles."""
_IR_VERSION = 10
INPUT = "x"
TREES = "ai.onnx.ml"


class NotCompiledError(Exception):
    """A model, or a part of one, has no compiled form; the message says why in plain words."""


class Graph:
    """Nodes and constants, named in the order in which they come, so that equal models agree."""

    def __init__(self, width: int) -> None:
        """Begin a graph over rows of `width` doubles, whose name is `INPUT`."""
        self.width = width
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        from onnx import helper

        name = f"n{len(self._nodes)}"
        node = helper.make_node(op, list(inputs), [name], domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def constant(self, value: "np.ndarray[Any, Any]") -> str:
        """Add a constant array and return its name."""
        import numpy as np
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def doubles(self, value: Any) -> str:
        """Add numbers as a constant of doubles, at least one-dimensional."""
        import numpy as np

        return self.constant(np.atleast_1d(np.asarray(value, dtype=np.float64)))

    def whole(self, value: Any) -> str:
        """Add whole numbers as a constant, at least one-dimensional."""
        import numpy as np

        return self.constant(np.atleast_1d(np.asarray(value, dtype=np.int64)))

    def cast(self, name: str, dtype: str) -> str:
        """Add a change of type, to `float`, `double` or `int64`."""
        from onnx import TensorProto

        kinds = {
            "float": TensorProto.FLOAT,
            "double": TensorProto.DOUBLE,
            "int64": TensorProto.INT64,
        }
        return self.add("Cast", name, to=kinds[dtype])

    def as_float32(self, name: str) -> str:
        """Add the rounding to float32 that scikit-learn's trees begin with; doubles come out."""
        return self.cast(self.cast(name, "float"), "double")

    def take(self, name: str, places: Sequence[int], width: int) -> str:
        """Add the choice of some of a table's `width` columns, nothing where it takes all."""
        if list(places) == list(range(width)):
            return name
        return self.add("Gather", name, self.whole(list(places)), axis=1)

    def insert(self, other: "onnx.ModelProto", x: str) -> str:
        """Add all nodes of a model with one input and one output, applied to `x`.

        Its names are given anew: skl2onnx takes some of them from memory addresses.
        """
        mark = f"s{len(self._nodes)}_"
        names = {"": "", other.graph.input[0].name: x}
        for constant in other.graph.initializer:
            names[constant.name] = constant.name = f"{mark}c{len(names)}"
            self._constants.append(constant)
        for node in other.graph.node:
            node.name = ""
            node.input[:] = [names[name] for name in node.input]
            for place, name in enumerate(node.output):
                names[name] = node.output[place] = f"{mark}n{len(names)}" if name else ""
            self._nodes.append(node)
        return names[other.graph.output[0].name]

    def to_bytes(self, output: str, name: str, *, whole: bool, metadata: str) -> bytes:
        """Return the finished file, which gives `output` under `name`; equal graphs, equal bytes.

        The output is of whole numbers or of doubles; `metadata` is kept under the key `mlo`.
        """
        from onnx import TensorProto, helper

        nodes = [*self._nodes, helper.make_node("Identity", [output], [name])]
        kind = TensorProto.INT64 if whole else TensorProto.DOUBLE
        graph = helper.make_graph(
            nodes,
            "model",
            [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, ["rows", self.width])],
            [helper.make_tensor_value_info(name, kind, None)],
            initializer=self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(TREES, TREES_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="mlo")
        model.ir_version = _IR_VERSION
        helper.set_model_props(model, {"mlo": metadata})
        data: bytes = model.SerializeToString(deterministic=True)
        return data
