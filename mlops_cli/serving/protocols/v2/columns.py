"""Tensors to the columns of a model, and a model's answers to tensors.

A request has a tensor for each column, by its name and of shape [n] or [n, 1], or a single tensor
of shape [n, columns] with the columns in the order of the signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlops_cli.registry.signature import Column, Signature
from mlops_cli.registry.values import shown
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols.missing import without_nan
from mlops_cli.serving.protocols.v2.tensors import FLOATS, INTEGERS, Tensor
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Table

_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}
PREDICT, SHARES, IDS = "predict", "predict_proba", "prediction_id"


@dataclass(frozen=True, slots=True)
class Description:
    """A tensor as a model's metadata have it; -1 stands for the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


def table(tensors: Sequence[Tensor], live: Live) -> Table:
    """Return the checked table of a request's tensors.

    NaN in a tensor of numbers stands for a missing value, where the model takes one.

    Raises:
        Refused: 400, 413 or 422.
    """
    columns = live.signature.columns
    if _is_matrix(tensors, columns):
        given = _of_matrix(tensors[0], columns)
    else:
        given = _of_tensors(tensors, columns)
    finite = all(tensor.finite for tensor in tensors)
    if not finite:
        given = without_nan(given, live.signature)
    return live.validator.columns(given, finite=finite)


def inputs(signature: Signature) -> list[Description]:
    """Return the tensors that a model takes, one for each column."""
    return [Description(column.name, datatype(column), (-1,)) for column in signature.columns]


def datatype(column: Column) -> str:
    """Return the datatype that suits a column; categories that are no text have their own."""
    if column.kind == "category" and column.categories:
        return of_values(column.categories)
    return _DATATYPES.get(column.kind, "BYTES")


def of_values(values: Sequence[Any]) -> str:
    """Return the datatype that holds all of some JSON values.

    >>> of_values([1, 2]), of_values([1, 2.5]), of_values(["a"]), of_values([True])
    ('INT64', 'FP64', 'BYTES', 'BOOL')
    """
    types = set(map(type, values))
    if types == {bool}:
        return "BOOL"
    if types == {int} and min(values) >= -(2**63) and max(values) < 2**63:
        return "INT64"
    return "FP64" if types and types <= {int, float} else "BYTES"


def outputs(live: Live) -> list[Description]:
    """Return the tensors that a model answers with."""
    _, shape = _flat([live.sample])
    made = [Description(PREDICT, _predicted(live), (-1, *shape[1:]))]
    if live.classes is not None:
        made.append(Description(SHARES, "FP64", (-1, len(live.classes))))
    return [*made, Description(IDS, "BYTES", (-1,))]


def output(name: str, answered: Answered) -> Tensor:
    """Return one of a model's answers by its name, which is one of `outputs`."""
    answers = answered.answers
    if name == IDS:
        return Tensor(IDS, "BYTES", (answered.rows,), answered.ids)
    if name == SHARES and answers.shares is not None:
        width = len(answers.shares[0]) if answers.shares else 0
        flat = [share for shares in answers.shares for share in shares]
        return Tensor(SHARES, "FP64", (answered.rows, width), flat)
    return _prediction(answered.live, answers.predictions)


def _prediction(live: Live, values: list[Any]) -> Tensor:
    values, shape = _flat(values)
    datatype = _predicted(live) if live.classes is not None else of_values(values)
    if datatype == "BYTES":
        values = [value if isinstance(value, str) else str(value) for value in values]
    return Tensor(PREDICT, datatype, shape, values)


def _flat(values: list[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """Return answers in one list, and the shape they have; a model of two targets says two each."""
    shape: tuple[int, ...] = (len(values),)
    while values and isinstance(values[0], list):
        shape = (*shape, len(values[0]))
        values = [value for one in values for value in one]
    return values, shape


def _predicted(live: Live) -> str:
    if live.classes is not None:
        return of_values(live.classes)
    return "FP64" if live.sample is None else of_values(_flat([live.sample])[0])


def _is_matrix(tensors: Sequence[Tensor], columns: Sequence[Column]) -> bool:
    if len(tensors) != 1 or len(tensors[0].shape) != 2:
        return False
    width = tensors[0].shape[1]
    return width == len(columns) and (width > 1 or tensors[0].name != columns[0].name)


def _of_matrix(tensor: Tensor, columns: Sequence[Column]) -> dict[str, list[Any]]:
    width = len(columns)
    return {
        column.name: _adapted(column, tensor.datatype, list(tensor.values[place::width]))
        for place, column in enumerate(columns)
    }


def _of_tensors(tensors: Sequence[Tensor], columns: Sequence[Column]) -> dict[str, list[Any]]:
    known = {column.name: column for column in columns}
    given: dict[str, list[Any]] = {}
    for tensor in tensors:
        if tensor.name in given:
            raise Refused(400, f"input '{shown(tensor.name)}' is there more than once")
        if len(tensor.shape) > 1 and tensor.shape[1:] != (1,) * (len(tensor.shape) - 1):
            raise Refused(400, _wrong_shape(tensor, columns, alone=len(tensors) == 1))
        column = known.get(tensor.name)
        values = list(tensor.values)
        given[tensor.name] = values if column is None else _adapted(column, tensor.datatype, values)
    return given


def _wrong_shape(tensor: Tensor, columns: Sequence[Column], *, alone: bool) -> str:
    said = f"input '{shown(tensor.name)}' has the shape {list(tensor.shape)}: "
    if alone and tensor.name not in {column.name for column in columns}:
        return said + f"a single tensor must be [rows, {len(columns)}], in the model's order"
    return said + "a tensor of one column must be [rows] or [rows, 1]"


def _adapted(column: Column, datatype: str, values: list[Any]) -> list[Any]:
    """Return values with the types that the column has, where a tensor can only say numbers."""
    if column.kind == "boolean" and (datatype in FLOATS or datatype in INTEGERS):
        return [bool(value) if value in (0, 1) else value for value in values]
    if column.kind == "category" and column.categories:
        if datatype in FLOATS and of_values(column.categories) == "INT64":
            return [int(one) if one is not None and one == one // 1 else one for one in values]
        if datatype in INTEGERS and of_values(column.categories) == "FP64":
            return [None if value is None else float(value) for value in values]
    return values
