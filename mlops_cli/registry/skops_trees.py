"""Whether what skops doubts by its type alone is harmless in this file: trees, and numpy's dtypes.

scikit-learn follows a tree's node numbers without looking at bounds, so skops leaves trees to
be trusted by hand: a crafted file could read foreign memory. Here the numbers are looked at
before anything is built. Trees that pass are as harmless as the rest of scikit-learn; of
anything unusual we say nothing, and the types stay untrusted. A dtype, as imputers keep theirs, is
kept as an empty array of it, which numpy reads without running anything.
"""

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlops_cli.core.ids import object_id

if TYPE_CHECKING:
    import numpy as np

TREE = "sklearn.tree._tree.Tree"
PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
DTYPE = "numpy.dtype"
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting."
_FAMILY = (
    "sklearn.tree._classes.",
    "sklearn.ensemble._forest.",
    "sklearn.ensemble._gb.",
    "sklearn.ensemble._iforest.",
    _BOOSTING,
)
"""Models that hand their rows to their trees as they are, checked for width only once."""
_CODE = frozenset({"FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode"})
_MOST_COLUMNS = 2**31
_NO_LEAF = -1

Node = dict[str, Any]


class _DoubtError(Exception):
    """Something is not as scikit-learn itself would have written it."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """The models that a part of the file belongs to, as far as they hand rows down."""

    width: int | None = None
    """How many columns the rows surely have."""
    boosting: bool = False


@dataclass(slots=True)
class _Walk:
    archive: zipfile.ZipFile
    seen: dict[Any, Node] = field(default_factory=dict)
    sound: set[str] = field(default_factory=set)

    def visit(self, node: Any, owner: _Owner) -> None:
        """Look at every part of the file below `node`."""
        if isinstance(node, list):
            for value in node:
                self.visit(value, owner)
        elif isinstance(node, dict):
            if "__loader__" in node:
                owner = self._one(node, owner)
            for value in node.values():
                self.visit(value, owner)

    def _one(self, node: Node, owner: _Owner) -> _Owner:
        """Check one part; return what is known to those inside it."""
        known = self.seen.setdefault(node.get("__id__", id(node)), node)
        _need(known == node or self._content(known) == self._content(node))
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if name == TREE:
            self._tree(node, owner)
            self.sound.add(name)
        elif name == PREDICTOR:
            self._predictor(node, owner)
            self.sound.add(name)
        elif name == DTYPE:
            _need(node["__loader__"] == "DTypeNode" and self._array(node["content"]).size == 0)
            self.sound.add(name)
        elif node["__loader__"] == "ObjectNode":
            return _inside(name, node, owner)
        return owner

    def _content(self, node: Any) -> Any:
        """Return `node` without the names in it: skops keeps one of the parts of equal name.

        An object asked twice for its state gives equal parts under different names.
        """
        if isinstance(node, list):
            return [self._content(value) for value in node]
        if not isinstance(node, dict):
            return node
        found = {key: self._content(value) for key, value in node.items() if key != "__id__"}
        if isinstance(found.get("file"), str):
            found["file"] = object_id(self.archive.read(found["file"]))
        return found

    def _tree(self, node: Node, owner: _Owner) -> None:
        from sklearn.tree._tree import NODE_DTYPE

        _need(node["__loader__"] == "TreeNode" and owner.width is not None)
        args = node["__reduce__"]["args"]
        _need(args["__loader__"] == "TupleNode" and len(args["content"]) == 3)
        columns, outputs = _whole(args["content"][0]), _whole(args["content"][2])
        classes = self._array(args["content"][1])
        _need(0 < columns < _MOST_COLUMNS and classes.dtype == "int64")
        _need(classes.shape == (outputs,) and outputs > 0 and int(classes.min()) > 0)
        state = _attributes(node["content"])
        nodes, values = self._array(state["nodes"]), self._array(state["values"])
        count = len(nodes)
        _need(nodes.dtype == NODE_DTYPE and nodes.ndim == 1 and count > 0)
        _need(_whole(state["node_count"]) == count and values.dtype == "float64")
        _need(values.shape == (count, outputs, int(classes.max())))
        inner = nodes["left_child"] != _NO_LEAF
        width = min(columns, owner.width or 0)
        _need(_within(inner, nodes["left_child"], nodes["right_child"], nodes["feature"], width))
        depth = _depth(inner, nodes["left_child"], nodes["right_child"])
        _need(depth <= _whole(state["max_depth"]) <= count)

    def _predictor(self, node: Node, owner: _Owner) -> None:
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

        _need(node["__loader__"] == "ObjectNode" and owner.boosting)
        nodes = self._array(_attributes(node["content"])["nodes"])
        _need(nodes.dtype == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1 and len(nodes) > 0)
        inner = nodes["is_leaf"] == 0
        _need(not nodes["is_categorical"].any())
        width = owner.width or 0
        _need(_within(inner, nodes["left"], nodes["right"], nodes["feature_idx"], width))

    def _array(self, node: Node) -> "np.ndarray[Any, Any]":
        import numpy as np

        _need(node["__loader__"] == "NdArrayNode" and node["type"] == "numpy")
        data = self.archive.read(node["file"])
        array: np.ndarray[Any, Any] = np.load(io.BytesIO(data), allow_pickle=False)
        return array


def sound_types(data: bytes) -> frozenset[str]:
    """Return which of the doubted types in the skops file `data` are sound wherever they occur.

    Empty when there are none, or when anything in the file is not as it should be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read("schema.json"))
            _need(schema["protocol"] == _protocol())
            walk = _Walk(archive)
            walk.visit(schema, _Owner())
    except (_DoubtError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        return frozenset()
    return frozenset(walk.sound)


def _protocol() -> int:
    """Return the protocol that skops writes now, the only one whose form is known here."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(0))) as archive:
        return int(json.loads(archive.read("schema.json"))["protocol"])


def _inside(name: str, node: Node, owner: _Owner) -> _Owner:
    """Return what the parts of the object `node` know of the rows that reach them."""
    if not name.startswith(_FAMILY):
        return _Owner()
    attributes = _attributes(node["content"])
    if "n_features_in_" not in attributes:
        return _Owner()
    _need(not any(value["__loader__"] in _CODE for value in attributes.values()))
    width = _whole(attributes["n_features_in_"])
    if "_max_features" in attributes:
        _need(_whole(attributes["_max_features"]) == width)
    boosting = name.startswith(_BOOSTING) and _is_none(attributes.get("_preprocessor"))
    known = width if owner.width is None else min(width, owner.width)
    return replace(owner, width=known, boosting=boosting)


def _attributes(node: Node) -> dict[str, Node]:
    """Return the values of a dict whose keys are all plain strings."""
    _need(node["__loader__"] == "DictNode" and node["__class__"] == "dict")
    kinds = node["key_types"]["content"]
    _need(len(kinds) == len(node["content"]))
    _need(all((kind["__module__"], kind["__class__"]) == ("builtins", "str") for kind in kinds))
    found: dict[str, Node] = node["content"]
    return found


def _whole(node: Node) -> int:
    _need(node["__loader__"] == "JsonNode")
    value = json.loads(node["content"])
    _need(type(value) is int)
    return int(value)


def _is_none(node: Node | None) -> bool:
    return node is None or (node["__loader__"] == "JsonNode" and node["content"] == "null")


def _within(
    inner: "np.ndarray[Any, Any]",
    left: "np.ndarray[Any, Any]",
    right: "np.ndarray[Any, Any]",
    feature: "np.ndarray[Any, Any]",
    width: int,
) -> bool:
    """Return whether each inner node leads on to later nodes and asks for a column there is."""
    import numpy as np

    here = np.arange(len(inner))[inner]
    ends = [side[inner].astype("int64") for side in (left, right)]
    onward = all(((side > here) & (side < len(inner))).all() for side in ends)
    asked = feature[inner].astype("int64")
    return bool(onward and ((asked >= 0) & (asked < width)).all())


def _depth(
    inner: "np.ndarray[Any, Any]", left: "np.ndarray[Any, Any]", right: "np.ndarray[Any, Any]"
) -> int:
    """Return the number of steps on the longest way down; every step leads onward."""
    import numpy as np

    level, depth = np.array([0]), 0
    while (level := level[inner[level]]).size:
        level = np.unique(np.concatenate([left[level], right[level]]))
        depth += 1
    return depth


def _need(holds: bool) -> None:  # noqa: FBT001 - reads like an assert, and is not optimised away
    if not holds:
        raise _DoubtError
