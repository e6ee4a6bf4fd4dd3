"""ONNX files: a graph of known operators, run by onnxruntime; no code.

Columns come from the graph's inputs: one input of width k is k columns, in their order; several
inputs are one column each. Two outputs, labels and probabilities, are a classifier.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.description import Label, Task
from mlops_cli.registry.model_files.kind import Kind, Reading, first_line
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.registry.signature import Kind as ColumnKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_TYPES: dict[str, tuple[str, ColumnKind]] = {
    "tensor(float)": ("float32", "number"),
    "tensor(double)": ("float64", "number"),
    "tensor(float16)": ("float16", "number"),
    **{
        f"tensor({kind})": (kind, "integer")
        for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    "tensor(bool)": ("bool", "boolean"),
    "tensor(string)": ("object", "text"),
}


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    dtype: str
    kind: ColumnKind
    width: int | None
    """How many columns it takes; None when each row is one value."""


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A session as a model."""

    session: Any
    inputs: tuple[_Input, ...]
    label: int | None
    """Which output has the labels; None: the largest probability says it."""
    shares: int | None
    """Which output has a probability for each class."""
    classes: tuple[Label, ...] | None
    type: str = "onnx.ModelProto"

    @property
    def task(self) -> Task:
        """Classification where there are classes; of all else the graph does not say."""
        return "other" if self.classes is None else "classification"

    @property
    def feature_names_in_(self) -> tuple[str, ...] | None:
        """The names of the inputs where each is one column."""
        if len(self.inputs) == 1 and self.inputs[0].width != 1:
            return None
        return tuple(one.name for one in self.inputs)

    @property
    def n_features_in_(self) -> int | None:
        """The number of columns."""
        widths = [1 if one.width is None else one.width for one in self.inputs]
        return None if 0 in widths else sum(widths)

    @property
    def signature(self) -> Signature | None:
        """What the graph says of its columns."""
        if not self.n_features_in_:
            return None
        if len(self.inputs) == 1 and self.inputs[0].width not in (None, 1):
            kind = self.inputs[0].kind
            return Signature(tuple(Column(f"x{i}", kind) for i in range(self.n_features_in_)))
        return Signature(tuple(Column(one.name, one.kind) for one in self.inputs))

    def predict(self, frame: "pd.DataFrame | np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Return what the graph answers, one for each row."""
        import numpy as np

        found = self._run(frame)
        if self.label is not None:
            return _flat(found[self.label])
        if self.classes is not None and self.shares is not None:
            best = self._table(found[self.shares]).argmax(axis=1)
            picked: np.ndarray[Any, Any] = np.take(self.classes, best)
            return picked
        return _flat(found[0])

    def predict_proba(self, frame: "pd.DataFrame | np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Return probabilities, shape (rows, classes)."""
        assert self.shares is not None
        found: np.ndarray[Any, Any] = self._table(self._run(frame)[self.shares])
        return found

    def _run(self, frame: "pd.DataFrame | np.ndarray[Any, Any]") -> list[Any]:
        try:
            found: list[Any] = self.session.run(None, self._feed(frame))
        except Exception as error:
            raise ValueError(_reason(error)) from error
        return found

    def _feed(self, frame: "pd.DataFrame | np.ndarray[Any, Any]") -> dict[str, Any]:
        import numpy as np

        if len(self.inputs) == 1:
            only = self.inputs[0]
            array = np.ascontiguousarray(np.asarray(frame).astype(only.dtype))
            return {only.name: array if only.width is not None else array.reshape(-1)}
        table: Any = frame
        feed = {}
        for at, one in enumerate(self.inputs):
            column = table[one.name] if hasattr(table, "columns") else table[:, at]
            array = np.asarray(column).astype(one.dtype)
            feed[one.name] = array if one.width is None else array.reshape(-1, 1)
        return feed

    def _table(self, shares: Any) -> "np.ndarray[Any, Any]":
        """Return probabilities as an array, also where the graph gives a mapping for each row."""
        import numpy as np

        if isinstance(shares, list):
            return np.array([[row[one] for one in self.classes or ()] for row in shares])
        table = np.asarray(shares)
        return np.column_stack([1 - table, table]) if table.ndim == 1 else table


def _reason(error: Exception) -> str:
    """Return what onnxruntime says, without its codes."""
    return first_line(error).rpartition(" : ")[2].partition(" Please fix")[0]


def _flat(values: Any) -> "np.ndarray[Any, Any]":
    import numpy as np

    array = np.asarray(values)
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array


def _save(model: Any, target: Path) -> None:
    target.write_bytes(model.SerializeToString(deterministic=True))


def _load(how: Reading) -> OnnxModel:
    import onnx
    import onnxruntime

    data = how.path.read_bytes()
    try:
        graph = onnx.load_model_from_string(data)
        _refuse_outside(graph, how.where)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(
            f"'{how.where}' is not an ONNX model that can run here: {_reason(error)}"
        ) from error
    inputs = tuple(_input(one, how.where) for one in session.get_inputs())
    known = how.described.classes or _labels(graph.graph)
    label, shares = _outputs(session.get_outputs(), known)
    return OnnxModel(session, inputs, label, shares, known if shares is not None else None)


def _refuse_outside(model: Any, where: str) -> None:
    """Refuse a graph whose weights are in other files, which nobody checked."""
    import onnx

    for tensor in (one for part in (model.graph, *model.functions) for one in _tensors(part)):
        if onnx.external_data_helper.uses_external_data(tensor):
            raise RequestError(
                f"'{where}' keeps weights in another file, which is no part of it",
                hint="save it in one file: onnx.save(model, PATH, save_as_external_data=False)",
            )


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield every constant of a graph, or of a function, and of the graphs inside it."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _input(one: Any, where: str) -> _Input:
    known = _TYPES.get(one.type)
    if known is None or len(one.shape) not in (1, 2):
        raise RequestError(
            f"'{where}' takes '{one.name}', a {one.type} of {len(one.shape)} dimensions, "
            "where only rows of columns can be given"
        )
    last = one.shape[1] if len(one.shape) == 2 else None
    width = None if len(one.shape) == 1 else last if isinstance(last, int) else 0
    return _Input(one.name, known[0], known[1], width)


def _labels(graph: Any) -> tuple[Label, ...] | None:
    """Return the labels of classes that some operator of the graph names; the last one counts."""
    found: tuple[Label, ...] | None = None
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_ints", "classlabels_int64s") and attribute.ints:
                found = tuple(int(one) for one in attribute.ints)
            elif attribute.name == "classlabels_strings" and attribute.strings:
                found = tuple(one.decode() for one in attribute.strings)
    return found


def _outputs(
    outputs: Sequence[Any], classes: tuple[Label, ...] | None
) -> tuple[int | None, int | None]:
    """Return which output has labels, and which probabilities, as far as that is clear."""
    if classes is None:
        return None, None
    label = shares = None
    for at, one in enumerate(outputs):
        rows = one.type.startswith(("seq(map", "tensor(float", "tensor(double"))
        if one.type in ("tensor(int64)", "tensor(string)", "tensor(int32)") and label is None:
            label = at
        elif rows and shares is None:
            shares = at
    return label, shares


KIND = Kind(
    file="model.onnx",
    suffixes=(".onnx",),
    libraries=("onnx", "onnxruntime", "numpy"),
    save=_save,
    load=_load,
)
