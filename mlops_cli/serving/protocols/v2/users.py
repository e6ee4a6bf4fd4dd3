"""The key of a user in a request of version 2: among its parameters, or a tensor of its own.

What is no input of the model is taken out. A JSON head with bytes behind it keeps its length, which
a header states: what was taken out is filled up with blanks.
"""

from collections.abc import Collection
from itertools import chain
from typing import Any

import orjson

from mlops_cli.serving.protocols.v2.tensors import from_bytes
from mlops_cli.serving.refusal import Refused

HEAD = b"inference-header-content-length"
"""The header that says how many bytes of a body are JSON."""


def in_tensors(inputs: list[Any], field: str, *, keep: bool) -> list[Any]:
    """Return the values of a tensor in JSON that has a name, and take it out unless it is kept."""
    for place, one in enumerate(inputs):
        if isinstance(one, dict) and one.get("name") == field and isinstance(one.get("data"), list):
            if not keep:
                del inputs[place]
            return _flat(one["data"])
    return []


def in_binary(
    body: bytes, length: bytes, field: str, taken: Collection[str]
) -> tuple[list[Any], bytes]:
    """Return the values of a field in a body that is JSON up to `length`, and the body without it.

    `taken` are the inputs of the model, which stay. What is broken comes back as it is: who reads
    the whole request says why.
    """
    size = int(length) if length.isdigit() and len(length) < 19 else 0
    try:
        request = orjson.loads(body[:size])
        inputs = request["inputs"]
        parameters = request.get("parameters") or {}
        if field in parameters:
            return [parameters[field]], body
        sizes = [(one.get("parameters") or {}).get("binary_data_size") for one in inputs]
        names = [one["name"] for one in inputs]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [], body
    if field not in names or any(type(one) is not int for one in sizes if one is not None):
        return [], body
    place = names.index(field)
    found, raw = inputs[place], body[size:]
    start = sum(one or 0 for one in sizes[:place])
    end = start + (sizes[place] or 0)
    try:
        values = _values(found, raw[start:end], in_json=sizes[place] is None)
    except Refused:
        return [], body
    del inputs[place]
    head = orjson.dumps(request)
    if field in taken or len(head) > size:
        return values, body
    return values, head.ljust(size) + raw[:start] + raw[end:]


def _values(tensor: dict[str, Any], raw: bytes, *, in_json: bool) -> list[Any]:
    if in_json:
        data = tensor.get("data")
        return _flat(data) if isinstance(data, list) else []
    shape = tensor.get("shape")
    return list(from_bytes(tensor["name"], str(tensor.get("datatype")), shape or (), raw).values)


def _flat(data: list[Any]) -> list[Any]:
    """Return values without the one list around each that a shape of [rows, 1] may have."""
    if data and all(isinstance(one, list) for one in data):
        return list(chain.from_iterable(data))
    return data
