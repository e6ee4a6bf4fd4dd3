"""A model as skops bytes that depend on the model alone.

skops names its parts by memory address, stamps them with the time, and NumPy keeps whatever
was in the gaps of a record array. Here the parts are numbered in reading order, the stamps are
fixed and the gaps are zero, so that training again gives the same file.
"""

import io
import json
import zipfile
from typing import Any

SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
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
    settled = names.settle(schema)
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for old, new in names.files.items():
                _write(archive, new, _without_gaps(old, parts[old]))
            _write(archive, SCHEMA, json.dumps(settled, separators=(",", ":")).encode())
        return buffer.getvalue()


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
