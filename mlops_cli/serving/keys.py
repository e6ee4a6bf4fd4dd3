"""The key of a user in a request, by which experiments divide them.

It may be in a header, or in the body: beside the rows, among the parameters of the V2 protocol, or
in each row or a tensor, where it is taken out unless the model has an input of that name. The same
user is the same key in every protocol.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from mlops_cli.registry.routes import HEADER
from mlops_cli.serving.protocols import json_body
from mlops_cli.serving.protocols.v2 import users
from mlops_cli.serving.refusal import Refused

_PARAMETERS = ("parameters", "params")
_ROWS = ("rows", "dataframe_records", "instances")
_COLUMNS = ("columns", "inputs")


def of_header(by: str, headers: Mapping[bytes, bytes]) -> bytes | None:
    """Return the key in the header that `by` names; None without it, or if `by` is a field."""
    if not by.startswith(HEADER):
        return None
    return headers.get(by.removeprefix(HEADER).lower().encode("latin-1", "replace")) or None


def taken_out(data: bytes, field: str, inputs: Collection[str]) -> tuple[bytes | None, bytes]:
    """Return the key in the field of a body, and the body without it.

    A body that has no such field, or is no JSON, comes back as it is.

    Raises:
        Refused: 422, rows of different users are in one request; 400, a name stands twice in one
            object, which nobody would see in what is left.
    """
    if field.encode() not in data:
        return None, data
    try:
        request = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None, data
    if not isinstance(request, dict):
        return None, data
    json_body.once(data, json_body.names(request))
    found = _found(request, field, keep=field in inputs)
    if not found:
        return None, data
    return one(found, field), orjson.dumps(request)


def taken_out_of_binary(
    data: bytes, length: bytes, field: str, inputs: Collection[str]
) -> tuple[bytes | None, bytes]:
    """Return what `taken_out` does, for a body that is JSON only up to `length` bytes.

    Raises:
        Refused: 422, rows of different users are in one request.
    """
    if field.encode() not in data:
        return None, data
    found, left = users.in_binary(data, length, field, inputs)
    return one(found, field), left


def one(found: Sequence[Any], field: str) -> bytes | None:
    """Return the key that all values of a field are; None where there is none.

    Raises:
        Refused: 422, they are those of different users.
    """
    if any(value != found[0] for value in found):
        raise Refused(
            422, f"the rows have more than one '{field}': send those of one user in one request"
        )
    return _text(found[0]) if found else None


def _found(request: dict[str, Any], field: str, *, keep: bool) -> list[Any]:
    """Return the values of a field wherever it stands, and take it out there."""
    for name in _PARAMETERS:
        parameters = request.get(name)
        if isinstance(parameters, dict) and field in parameters:
            return [parameters.pop(field)]
    if field in request:
        return [request.pop(field)]
    take = _read if keep else _popped
    for name in _ROWS:
        if isinstance(rows := request.get(name), list):
            return [take(row, field) for row in rows if isinstance(row, dict) and field in row]
    split = request.get("dataframe_split", request)
    if isinstance(split, dict) and isinstance(split.get("data"), list):
        return _of_split(split, field, keep=keep)
    if isinstance(tensors := request.get("inputs"), list):
        return users.in_tensors(tensors, field, keep=keep)
    for name in _COLUMNS:
        if isinstance(columns := request.get(name), dict) and field in columns:
            values = take(columns, field)
            return values if isinstance(values, list) else [values]
    return []


def _of_split(split: dict[str, Any], field: str, *, keep: bool) -> list[Any]:
    names, rows = split.get("columns"), split["data"]
    if not isinstance(names, list) or field not in names:
        return []
    place = names.index(field)
    if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
        return []
    found = [row[place] for row in rows]
    if not keep:
        for row in (names, *rows):
            del row[place]
    return found


def _read(row: dict[str, Any], field: str) -> Any:
    return row[field]


def _popped(row: dict[str, Any], field: str) -> Any:
    return row.pop(field)


def _text(value: Any) -> bytes | None:
    """Return a key as bytes, the same for 7 and "7"; None for what is no key."""
    if isinstance(value, str):
        return value.encode() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value).encode()
    return None
