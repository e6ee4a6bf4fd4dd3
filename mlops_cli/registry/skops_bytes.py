"""A model as skops bytes that depend on the model alone.

skops names its parts by memory address, stamps them with the time, and NumPy keeps whatever
was in the gaps of a record array. Here the parts are numbered in reading order, the stamps are
fixed and the gaps are zero, so that training again gives the same file. Members of a set come in
an order of their own, since Python's is another in each process. What scikit-learn's vectorizers
of text keep of the stop words that they have checked is an address too, and becomes 0: it is
looked at only to check them once, and after loading it is that of no object anyway.
"""

import io
import json
import sys
import zipfile
from typing import Any

SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ADDRESS = "_stop_words_id"
_OWNER_CAN_READ = 0o600 << 16


def dump(model: Any) -> bytes:
    """Return `model` in the skops format.

    Raises:
        Exception: whatever skops or the model raises when some part of it has no such form.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        schema = json.loads(archive.read(SCHEMA))
        parts = {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}
    names = _Names(parts)
    settled = names.settle(_ordered(schema))
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for old, new in names.files.items():
                _write(archive, new, _without_gaps(old, parts[old]))
            _write(archive, SCHEMA, json.dumps(settled, separators=(",", ":")).encode())
        return buffer.getvalue()


def _ordered(node: Any) -> Any:
    """Return `node` of the schema without the orders and addresses of this process."""
    if isinstance(node, list):
        return [_ordered(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _ordered(value) for key, value in node.items()}
    kind = node.get("__loader__"), node.get("__module__"), node.get("__class__")
    if kind[0] == "SetNode":
        node["content"] = sorted(node["content"], key=_nameless)
    elif kind == ("ConstructorFromReduceNode", "builtins", "frozenset"):
        for members in node["content"]["content"]:  # what its constructor takes: a list
            members["content"] = sorted(members["content"], key=_nameless)
    elif _is_vectorizer(node):
        state = node["content"]["content"]
        if _ADDRESS in state:
            state[_ADDRESS]["content"] = "0"
    return node


def _nameless(node: Any) -> str:
    """Return a node as text, without the ids in it."""
    return json.dumps(_without_ids(node), sort_keys=True)


def _without_ids(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_ids(one) for one in node]
    if isinstance(node, dict):
        return {key: _without_ids(value) for key, value in node.items() if key != "__id__"}
    return node


def _is_vectorizer(node: dict[str, Any]) -> bool:
    """Return whether a node is a vectorizer of scikit-learn, or of a class made of one.

    What the model is made of has been imported, so nothing is here.
    """
    text = sys.modules.get("sklearn.feature_extraction.text")
    if text is None or node.get("__loader__") != "ObjectNode" or not node.get("content"):
        return False
    kind = getattr(sys.modules.get(node["__module__"]), node["__class__"], None)
    return isinstance(kind, type) and issubclass(kind, text._VectorizerMixin)


class _Names:
    """New names for ids and files, given out in the order of the schema."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = parts
        self._ids: dict[int, int] = {}
        self.files: dict[str, str] = {}

    def settle(self, node: Any) -> Any:
        """Return `node` of the schema with all names replaced."""
        if isinstance(node, list):
            return [self.settle(value) for value in node]
        if isinstance(node, dict):
            return {key: self._value(key, value) for key, value in node.items()}
        return node

    def _value(self, key: str, value: Any) -> Any:
        if key == "__id__" and isinstance(value, int):
            return self._ids.setdefault(value, len(self._ids) + 1)
        if key == "file" and isinstance(value, str) and value in self._parts:
            suffix = value.rpartition(".")[2]
            return self.files.setdefault(value, f"{len(self.files)}.{suffix}")
        return self.settle(value)


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = _OWNER_CAN_READ
    archive.writestr(entry, data)


def _without_gaps(name: str, data: bytes) -> bytes:
    """Return an array's file with zeros between the fields of its records."""
    if not name.endswith(".npy"):
        return data
    import numpy as np

    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    clean = np.zeros(array.shape, array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()
