"""ModelInfer: tensors in a message to a table, and answers to a message."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlops_cli.registry.values import shown
from mlops_cli.serving import keys
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols.v2 import columns, rest
from mlops_cli.serving.protocols.v2 import inference_pb2 as pb
from mlops_cli.serving.protocols.v2.tensors import (
    FLOATS,
    Tensor,
    from_bytes,
    from_json,
    text,
    to_bytes,
)
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.validate import Table

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where the values of a datatype are; FP16 is sent in raw bytes only."""


@dataclass(frozen=True, slots=True)
class Infer:
    """One request to infer, which is a way of predicting; see `predicting.Way`."""

    request: Any

    def read(self, _body: bytes, _headers: Mapping[bytes, bytes], live: Live, /) -> Table:
        """Return the checked table of the request.

        Raises:
            Refused: 400, 413 or 422.
        """
        request = self.request
        names = [(one.name, False) for one in request.outputs]
        asked = rest.choose_outputs(names, live)
        return replace(columns.table(_tensors(request), live), asked=asked)

    def taken_out(self, field: str, inputs: Collection[str]) -> bytes | None:
        """Return the key of a user among the parameters, or in a tensor that is taken out.

        A tensor that is an input of the model stays.

        Raises:
            Refused: 422, rows of different users are in one request.
        """
        request = self.request
        if field in request.parameters:
            said = request.parameters[field]
            return keys.one([getattr(said, said.WhichOneof("parameter_choice") or "", None)], field)
        for place, one in enumerate(request.inputs):
            if one.name == field:
                found = keys.one(_tensors(request)[place].values, field)
                if field not in inputs:
                    del request.inputs[place]
                    if request.raw_input_contents:
                        del request.raw_input_contents[place]
                return found
        return None

    def write(self, answered: Answered, table: Table, /) -> Reply:
        """Return the answer as a message; its values in raw bytes, if the request had them so."""
        live = answered.live
        made = pb.ModelInferResponse(
            model_name=live.model, model_version=str(live.version), id=self.request.id
        )
        raw = bool(self.request.raw_input_contents)
        for name, _ in table.asked:
            tensor = columns.output(name, answered)
            output = made.outputs.add(name=name, datatype=tensor.datatype, shape=tensor.shape)
            if raw:
                made.raw_output_contents.append(to_bytes(tensor.datatype, tensor.values))
            else:
                _put(output.contents, tensor)
        return Reply(made.SerializeToString(), b"application/grpc")


def _tensors(request: Any) -> list[Tensor]:
    raw = request.raw_input_contents
    if not raw:
        return [_tensor(one) for one in request.inputs]
    if len(raw) != len(request.inputs):
        raise Refused(
            400, f"there are {len(request.inputs)} inputs, but raw contents of {len(raw)}"
        )
    return [
        from_bytes(one.name, one.datatype, tuple(one.shape), data)
        for one, data in zip(request.inputs, raw, strict=True)
    ]


def _tensor(one: Any) -> Tensor:
    place = _CONTENTS.get(one.datatype)
    if place is None:  # no datatype at all, or one that is sent in raw bytes
        return from_bytes(one.name, one.datatype, tuple(one.shape), b"")
    values: Sequence[Any] = list(getattr(one.contents, place))
    others = [field.name for field, _ in one.contents.ListFields() if field.name != place]
    if others:
        raise Refused(
            400, f"input '{shown(one.name)}' is {one.datatype}, but has {others[0]}: send {place}"
        )
    if one.datatype == "BYTES":
        values = [text(one.name, number, value) for number, value in enumerate(values)]
    made = from_json(one.name, one.datatype, tuple(one.shape), values)
    return replace(made, finite=one.datatype not in FLOATS or math.isfinite(sum(values)))


def _put(contents: Any, tensor: Tensor) -> None:
    values = tensor.values
    if tensor.datatype == "BYTES":
        values = [value.encode() for value in values]
    getattr(contents, _CONTENTS[tensor.datatype]).extend(values)
