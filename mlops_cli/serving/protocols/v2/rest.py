"""Version 2 of the protocol by HTTP: tensors as JSON, or as bytes behind a JSON head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from mlops_cli.registry.values import described, shown
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols import json_body
from mlops_cli.serving.protocols.v2 import columns
from mlops_cli.serving.protocols.v2.tensors import Tensor, from_bytes, from_json, to_bytes
from mlops_cli.serving.protocols.v2.users import HEAD
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import JSON, Reply
from mlops_cli.serving.validate import Table

BINARY = b"application/octet-stream"
_FORM = (
    'send {"inputs": [{"name": ..., "shape": [rows, ...], "datatype": ..., "data": [...]}, ...]}'
)
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of its answer: its id, and the outputs, each in binary or not."""

    id: str
    outputs: tuple[tuple[str, bool], ...]


def read(body: bytes, headers: Mapping[bytes, bytes], live: Live) -> Table:
    """Return the checked table of a request to infer.

    Raises:
        Refused: 400, 413, 415 or 422.
    """
    _check_type(headers)
    head, raw = _split(body, headers.get(HEAD))

    def make(value: Any, *, finite: bool) -> Table:
        json_body.once(head, json_body.names(value))
        asked = _asked(value, live)
        tensors = _tensors(value, raw, finite=finite)
        return replace(columns.table(tensors, live), asked=asked)

    return json_body.read(head, live.validator, make)


def write(answered: Answered, table: Table) -> Reply:
    """Return the answer: the outputs that were asked for, those in binary behind the JSON."""
    asked: Asked = table.asked
    outputs, raw = [], []
    for name, binary in asked.outputs:
        tensor = columns.output(name, answered)
        record: dict[str, Any] = {
            "name": name,
            "shape": list(tensor.shape),
            "datatype": tensor.datatype,
        }
        if binary:
            data = to_bytes(tensor.datatype, tensor.values)
            record["parameters"] = {"binary_data_size": len(data)}
            raw.append(data)
        else:
            record["data"] = tensor.values
        outputs.append(record)
    live = answered.live
    said = {"model_name": live.model, "model_version": str(live.version), "outputs": outputs}
    head = orjson.dumps({"id": asked.id} | said if asked.id else said)
    if not raw:
        return Reply(head, JSON)
    length = (HEAD, b"%d" % len(head))
    return Reply(b"".join((head, *raw)), BINARY, headers=[length])


def choose_outputs(
    names: Sequence[tuple[str, bool]], live: Live, *, binary: bool = False
) -> tuple[tuple[str, bool], ...]:
    """Return the outputs to answer with: those named, or all of the model's.

    Raises:
        Refused: 400, the model has no such output.
    """
    known = [one.name for one in columns.outputs(live)]
    for place, (name, _) in enumerate(names):
        if name not in known:
            raise Refused(
                400, f"there is no output '{shown(name)}': the model has {', '.join(known)}"
            )
        if name in [other for other, _ in names[:place]]:
            raise Refused(400, f"the output '{name}' is asked for more than once")
    return tuple(names) or tuple((name, binary) for name in known)


def _check_type(headers: Mapping[bytes, bytes]) -> None:
    """Refuse other content types. None at all is taken, as the usual clients send none.

    But not from a page of another site, whose requests a browser marks with their origin.
    """
    if b"content-type" in headers or b"origin" in headers:
        json_body.check_type(headers, taken=("application/json", BINARY.decode()))


def _split(body: bytes, length: bytes | None) -> tuple[bytes, memoryview]:
    """Return the JSON of a body, and the bytes behind it."""
    if length is None:
        return body, memoryview(b"")
    head = int(length) if length.isdigit() and len(length) < 19 else -1
    if not 0 < head <= len(body):
        raise Refused(
            400,
            f"Inference-Header-Content-Length must be from 1 to {len(body)}, the bytes of the"
            f" body, got '{shown(length.decode('latin-1'))}'",
        )
    return body[:head], memoryview(body)[head:]


def _asked(request: Any, live: Live) -> Asked:
    if type(request) is not dict or type(request.get("inputs")) is not list:
        raise Refused(400, _FORM)
    name = request.get("id", "")
    if type(name) is not str or len(name) > _LONGEST_ID:
        raise Refused(400, f"'id' must be a string of at most {_LONGEST_ID} characters")
    binary = _parameters(request).get("binary_data_output") is True
    wanted = request.get("outputs") or []
    if type(wanted) is not list or any(type(one) is not dict for one in wanted):
        raise Refused(400, "'outputs' must be a list of objects, each with a name")
    names = [
        (str(one.get("name")), _parameters(one).get("binary_data", binary) is True)
        for one in wanted
    ]
    return Asked(name, choose_outputs(names, live, binary=binary))


def _parameters(record: dict[str, Any]) -> dict[str, Any]:
    found = record.get("parameters")
    if found is not None and type(found) is not dict:
        raise Refused(400, f"'parameters' must be an object, got {described(found)}")
    return found or {}


def _tensors(request: Any, raw: memoryview, *, finite: bool) -> list[Tensor]:
    tensors = []
    taken = 0
    for place, record in enumerate(request["inputs"]):
        if type(record) is not dict or type(record.get("name")) is not str:
            raise Refused(400, f"input {place} must be an object with a name: {_FORM}")
        size = _parameters(record).get("binary_data_size")
        if size is not None:
            end = _end(record["name"], size, taken, raw)
            tensors.append(_binary(record, raw[taken:end]))
            taken = end
        else:
            if "data" not in record:
                raise Refused(400, f"input '{shown(record['name'])}' has no 'data'")
            tensors.append(
                replace(from_json(*_described(record), data=record["data"]), finite=finite)
            )
    if taken != len(raw):
        raise Refused(400, f"{len(raw) - taken} bytes behind the tensors belong to none of them")
    return tensors


def _binary(record: dict[str, Any], raw: memoryview) -> Tensor:
    if "data" in record:
        raise Refused(
            400, f"input '{shown(record['name'])}' has both 'data' and 'binary_data_size'"
        )
    return from_bytes(*_described(record), raw=raw)


def _described(record: dict[str, Any]) -> tuple[str, Any, Any]:
    return record["name"], record.get("datatype"), record.get("shape")


def _end(name: str, size: Any, taken: int, raw: memoryview) -> int:
    if type(size) is not int or not 0 <= size <= len(raw) - taken:
        raise Refused(
            400,
            f"input '{shown(name)}': 'binary_data_size' must be from 0 to {len(raw) - taken}, the"
            f" bytes that are left, got {described(size)}",
        )
    return taken + size
