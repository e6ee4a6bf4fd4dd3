"""Tensors of the Open Inference Protocol, and their bytes.

Values are kept flat, in row-major order. In binary a tensor is its values in little-endian order
one after the other; a value of BYTES is preceded by its length, 4 bytes.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mlops_cli.registry.values import described, shown
from mlops_cli.serving.refusal import Refused

_LETTERS = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
DATATYPES = (*_LETTERS, "BYTES")
INTEGERS = frozenset(name for name in DATATYPES if "INT" in name)
FLOATS = frozenset({"FP16", "FP32", "FP64"})
_MOST_DIMENSIONS = 8
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Tensor:
    """Named values of one datatype; as many as the product of `shape`."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]
    finite: bool = True
    """Whether there is surely no NaN or infinity among the values."""


def size(name: str, datatype: Any, shape: Any) -> int:
    """Return how many values a tensor has.

    Raises:
        Refused: 400, there is no such datatype, or the shape is none.
    """
    if datatype not in DATATYPES:
        got = described(datatype)
        raise Refused(
            400, f"input '{shown(name)}': the datatype must be one of {_listed()}, got {got}"
        )
    fits = type(shape) in (list, tuple) and 1 <= len(shape) <= _MOST_DIMENSIONS
    if not fits or any(type(one) is not int or not 0 <= one < 2**31 for one in shape):
        raise Refused(
            400,
            f"input '{shown(name)}': the shape must be a list of 1 to {_MOST_DIMENSIONS} sizes,"
            f" got {shown(str(shape))}",
        )
    return math.prod(shape)


def from_json(name: str, datatype: str, shape: Sequence[int], data: Any) -> Tensor:
    """Return a tensor whose values are in JSON, flat or as nested lists.

    Raises:
        Refused: 400 or 422, the values are not those of such a tensor.
    """
    count = size(name, datatype, shape)
    if type(data) is not list:
        raise Refused(400, f"input '{shown(name)}': 'data' must be a list, got {described(data)}")
    flat = _flat(data, len(shape))
    if len(flat) != count:
        raise Refused(
            400,
            f"input '{shown(name)}': 'data' has {len(flat)} values, the shape"
            f" {list(shape)} {count}",
        )
    _check(name, datatype, shape, flat)
    return Tensor(name, datatype, tuple(shape), flat)


def from_bytes(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """Return a tensor whose values are in binary.

    Raises:
        Refused: 400 or 422, the bytes are not those of such a tensor.
    """
    count = size(name, datatype, shape)
    if datatype == "BYTES":
        return Tensor(name, datatype, tuple(shape), _texts(name, raw, count))
    form = struct.Struct(f"<{min(count, len(raw) + 1)}{_LETTERS[datatype]}")
    if form.size != len(raw):
        due = count * struct.calcsize(f"<{_LETTERS[datatype]}")
        raise Refused(
            400,
            f"input '{shown(name)}': there are {len(raw)} bytes of data, {datatype} of shape"
            f" {list(shape)} takes {due}",
        )
    values = form.unpack(raw)
    finite = datatype not in FLOATS or math.isfinite(sum(values))
    return Tensor(name, datatype, tuple(shape), values, finite)


def to_bytes(datatype: str, values: Sequence[Any]) -> bytes:
    """Return values in binary.

    >>> to_bytes("INT16", [258])[::-1].hex()
    '0102'
    """
    if datatype == "BYTES":
        encoded = [value.encode() for value in values]
        return b"".join(chain.from_iterable((_LENGTH.pack(len(one)), one) for one in encoded))
    return struct.pack(f"<{len(values)}{_LETTERS[datatype]}", *values)


def text(name: str, place: int, value: bytes) -> str:
    """Return a value of BYTES as text.

    Raises:
        Refused: 422, it is not UTF-8.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Refused(
            422, f"input '{shown(name)}': value {place} is not text in UTF-8: {shown(str(value))}"
        ) from None


def _texts(name: str, raw: bytes | memoryview, count: int) -> list[str]:
    values: list[str] = []
    place = 0
    while place < len(raw) and len(values) < count:
        if place + 4 > len(raw):
            break
        (length,) = _LENGTH.unpack_from(raw, place)
        end = place + 4 + length
        if end > len(raw):
            raise Refused(
                400,
                f"input '{shown(name)}': value {len(values)} has a length of {length} bytes,"
                f" which is more than is left",
            )
        values.append(text(name, len(values), bytes(raw[place + 4 : end])))
        place = end
    if len(values) != count or place != len(raw):
        raise Refused(
            400,
            f"input '{shown(name)}': the {len(raw)} bytes of data are not the {count} values of"
            " BYTES that its shape says",
        )
    return values


def _flat(data: list[Any], depth: int) -> list[Any]:
    """Return `data` without the nesting that a shape of `depth` sizes may have."""
    for _ in range(depth - 1):
        if not data or type(data[0]) is not list or any(type(one) is not list for one in data):
            break
        data = list(chain.from_iterable(data))
    return data


def _check(name: str, datatype: str, shape: Sequence[int], values: list[Any]) -> None:
    """Refuse with 422 values that are not of a datatype; null is left to the model's signature."""
    types = _TYPES[datatype]
    if types.issuperset(map(type, values)) and _in_range(datatype, values):
        return
    width = math.prod(shape[1:])
    for place, value in enumerate(values):
        if type(value) not in types or not _in_range(datatype, [value]):
            row = f"row {place // width}, " if width else ""
            raise Refused(
                422, f"{row}input '{shown(name)}' must be {datatype}, got {described(value)}"
            )


def _in_range(datatype: str, values: list[Any]) -> bool:
    if datatype not in INTEGERS:
        return True
    known = [value for value in values if value is not None]
    bits = int(datatype.removeprefix("U").removeprefix("INT"))
    low, high = (0, 2**bits) if datatype[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return not known or (low <= min(known) and max(known) < high)


def _types(datatype: str) -> frozenset[type]:
    own: tuple[type, ...] = (str,)
    if datatype == "BOOL":
        own = (bool,)
    elif datatype in INTEGERS:
        own = (int,)
    elif datatype in FLOATS:
        own = (int, float)
    return frozenset({*own, type(None)})


_TYPES = {datatype: _types(datatype) for datatype in DATATYPES}


def _listed() -> str:
    return ", ".join(DATATYPES)
