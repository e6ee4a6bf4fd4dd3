"""MLflow's scoring protocol, `/invocations`: data frames, tensors by name or row, and CSV."""

import csv
import io
from collections.abc import Mapping
from itertools import islice
from typing import Any, Protocol

import orjson

from mlops_cli.registry.signature import Column
from mlops_cli.registry.values import counted, described, shown
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols import json_body
from mlops_cli.serving.protocols.missing import without_nan
from mlops_cli.serving.refusal import Problem, Refused, refuse_values
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.validate import Table, check_names

_BESIDE = frozenset({"params", "signature_name"})
_FORMS = (
    'send one of "dataframe_split", "dataframe_records", "instances" and "inputs", as MLflow does'
)
_MOST_FIELD_BYTES = 1 << 20


def read(body: bytes, headers: Mapping[bytes, bytes], live: Live) -> Table:
    """Return the checked table of a request; NaN is taken for what is missing.

    Raises:
        Refused: 400, 413, 415 or 422.
    """
    kind = json_body.check_type(headers, taken=("application/json", "text/csv"))
    if kind == "text/csv":
        return _csv(body, live)
    return json_body.read(
        body,
        live.validator,
        lambda value, *, finite: _table(value, body, live, finite=finite),
        lax=True,
    )


def write(answered: Answered, _table: Table) -> Reply:
    """Return the answer: `predictions`, which MLflow's clients read, and who made them."""
    live = answered.live
    return Reply(
        orjson.dumps(
            {
                "predictions": answered.answers.predictions,
                "model": live.model,
                "version": live.version,
                "ids": answered.ids,
            }
        )
    )


def _table(request: Any, body: bytes, live: Live, *, finite: bool) -> Table:
    if type(request) is not dict:
        raise Refused(400, f"the body must be an object: {_FORMS}")
    forms = [name for name in request if name not in _BESIDE]
    if len(forms) != 1 or forms[0] not in _READERS:
        unknown = [name for name in forms if name not in _READERS]
        what = f"'{shown(unknown[0])}' is not part of a request: " if unknown else ""
        raise Refused(400, what + _FORMS)
    if request.get("params"):
        raise Refused(400, "'params' are not taken: the model has none")
    json_body.once(body, json_body.names(request))
    return _READERS[forms[0]](request[forms[0]], live, finite=finite)


def _split(value: Any, live: Live, *, finite: bool) -> Table:
    if type(value) is not dict or not value.keys() <= {"columns", "data", "index"}:
        raise Refused(400, "'dataframe_split' must be an object with 'columns' and 'data'")
    names, data = value.get("columns"), value.get("data")
    if type(names) is not list or type(data) is not list:
        raise Refused(400, "'dataframe_split' must have the lists 'columns' and 'data'")
    if finite:
        return live.validator.split(names, data)
    return _columns(_across(names, data), live, finite=finite)


def _records(value: Any, live: Live, *, finite: bool) -> Table:
    if type(value) is not list:
        raise Refused(400, f"the rows must be a list, got {described(value)}")
    if finite or not all(type(row) is dict and row.keys() == value[0].keys() for row in value):
        return live.validator.rows(value, finite=finite)
    return _columns({name: [row[name] for row in value] for name in value[0]}, live, finite=finite)


def _instances(value: Any, live: Live, *, finite: bool) -> Table:
    if type(value) is list and value and type(value[0]) is dict:
        return _records(value, live, finite=finite)
    return _rows_of_values(value, live, finite=finite)


def _inputs(value: Any, live: Live, *, finite: bool) -> Table:
    if type(value) is not dict:
        return _instances(value, live, finite=finite)
    lists = {name: one if type(one) is list else [one] for name, one in value.items()}
    return _columns({name: _unnested(one) for name, one in lists.items()}, live, finite=finite)


class _Reader(Protocol):
    """Makes a table of the value of one form."""

    def __call__(self, value: Any, live: Live, /, *, finite: bool) -> Table:
        """Return the table, or raise Refused."""
        ...


_READERS: dict[str, _Reader] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


def _columns(columns: dict[str, Any], live: Live, *, finite: bool) -> Table:
    if not finite:
        columns = without_nan(columns, live.signature)
    return live.validator.columns(columns, finite=finite)


def _rows_of_values(value: Any, live: Live, *, finite: bool) -> Table:
    """Return the table of rows without names: in the order of the model's columns."""
    if type(value) is not list:
        raise Refused(400, f"the rows must be a list, got {described(value)}")
    names = list(live.signature.names)
    rows = [[row] for row in value] if len(names) == 1 and not _nested(value) else value
    if finite:
        return live.validator.split(names, rows)
    return _columns(_across(names, rows), live, finite=finite)


def _nested(value: list[Any]) -> bool:
    return bool(value) and type(value[0]) is list


def _unnested(values: list[Any]) -> list[Any]:
    """Return a column that was sent with shape [n, 1] as [n]."""
    if values and all(type(value) is list and len(value) == 1 for value in values):
        return [value[0] for value in values]
    return values


def _across(names: list[Any], data: list[Any]) -> dict[str, Any]:
    """Return rows of values by column, after the checks that the validator would make."""
    check_names(names)
    for number, row in enumerate(data):
        if type(row) is not list or len(row) != len(names):
            got = counted(len(row)) if type(row) is list else described(row)
            raise Refused(400, f"row {number} must be a list of {counted(len(names))}, got {got}")
    return dict(zip(names, map(list, zip(*data, strict=True)), strict=True)) if data else {}


def _csv(body: bytes, live: Live) -> Table:
    """Return the checked table of a CSV with a header line; an empty field is missing."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(400, f"the body is not text in UTF-8: byte {error.start}") from None
    csv.field_size_limit(_MOST_FIELD_BYTES)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(lines, None) or []
        rows = [row for row in islice(lines, live.validator.max_rows + 1) if row]
    except csv.Error as error:
        raise Refused(400, f"the body is not CSV: {error}") from None
    check_names(names)
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise Refused(
                400, f"row {number} has {len(row)} fields, the header line has {len(names)}"
            )
    if not rows:
        raise Refused(400, "there are no rows: send a header line and at least one more")
    known = {column.name: column for column in live.signature.columns}
    given = {
        name: _typed(known[name], values) if name in known else list(values)
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    return live.validator.columns(given)


def _typed(column: Column, values: tuple[str, ...]) -> list[Any]:
    """Return fields of CSV as JSON values of a column, or refuse them by row."""
    made: list[Any] = []
    problems: list[Problem] = []
    for row, text in enumerate(values):
        try:
            made.append(None if text == "" and column.nullable else _value(column, text))
        except ValueError:
            problems.append(
                Problem(row, column.name, f"must be {_due(column)}, got {described(text)}")
            )
    if problems:
        raise refuse_values(problems, len(problems))
    return made


def _value(column: Column, text: str) -> Any:
    if column.kind == "number":
        return _finite(text)
    if column.kind == "integer":
        return _whole(text)
    if column.kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if column.kind == "category":
        for category in column.categories or ():
            if text == str(category):
                return category
    return text


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise ValueError(text)
    return value


def _whole(text: str) -> int:
    if len(text) > 40:
        raise ValueError(text)
    try:
        return int(text)
    except ValueError:
        value = _finite(text)
        if value != int(value):
            raise
        return int(value)


def _due(column: Column) -> str:
    return "a whole number" if column.kind == "integer" else "a finite number"
