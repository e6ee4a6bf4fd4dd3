"""mlo's own protocol, `/predict`: JSON by rows, by columns, or as pandas splits a table."""

from collections.abc import Mapping
from typing import Any

import orjson

from mlops_cli.registry.values import shown
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols import json_body
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.validate import Table, Validator

_ROWS = {"rows"}
_COLUMNS = {"columns"}
_SPLIT = ({"columns", "data"}, {"columns", "data", "index"})
_KEYS = frozenset({"rows", "columns", "data", "index"})
_FORMS = (
    'send {"rows": [{field: value, ...}, ...]}, {"columns": {field: [value, ...], ...}} or'
    ' {"columns": [field, ...], "data": [[value, ...], ...]}'
)


def read(body: bytes, headers: Mapping[bytes, bytes], live: Live) -> Table:
    """Return the table in `body`, checked.

    Raises:
        Refused: 400 for what is no request, 413 for too many rows, 415 for another content
            type, 422 for values that do not fit the model.
    """
    json_body.check_type(headers)
    return parse(body, live.validator)


def parse(body: bytes, validator: Validator) -> Table:
    """Return the table in `body`, checked; raises as `read`."""
    return json_body.read(
        body, validator, lambda value, *, finite: _table(value, body, validator, finite=finite)
    )


def write(answered: Answered, _table: Table) -> Reply:
    """Return the answer: model, version, and for each row its id, prediction and shares."""
    live, answers = answered.live, answered.answers
    predictions: list[dict[str, Any]] = [
        {"id": name, "prediction": prediction}
        for name, prediction in zip(answered.ids, answers.predictions, strict=True)
    ]
    if answers.shares is not None and live.classes is not None:
        names = live.class_names
        for prediction, shares in zip(predictions, answers.shares, strict=True):
            prediction["probabilities"] = dict(zip(names, shares, strict=True))
    body = {"model": live.model, "version": live.version, "predictions": predictions}
    return Reply(orjson.dumps(body))


def _table(request: Any, body: bytes, validator: Validator, *, finite: bool) -> Table:
    if type(request) is not dict:
        raise Refused(400, f"the body must be an object: {_FORMS}")
    given = request.keys()
    if given == _ROWS:
        return _by_rows(request["rows"], body, validator, finite=finite)
    if given == _COLUMNS:
        columns = request["columns"]
        if type(columns) is not dict:
            raise Refused(400, f"'columns' must be an object of lists: {_FORMS}")
        json_body.once(body, 1 + len(columns))
        return validator.columns(columns, finite=finite)
    if given in _SPLIT:
        names, data = request["columns"], request["data"]
        if type(names) is not list or type(data) is not list:
            raise Refused(400, f"'columns' and 'data' must be lists: {_FORMS}")
        json_body.once(body, len(request))
        return validator.split(names, data, finite=finite)
    unknown = [name for name in request if name not in _KEYS]
    what = f"'{shown(unknown[0])}' is not part of a request: " if unknown else ""
    raise Refused(400, what + _FORMS)


def _by_rows(rows: Any, body: bytes, validator: Validator, *, finite: bool) -> Table:
    if type(rows) is not list:
        raise Refused(400, f"'rows' must be a list of objects: {_FORMS}")
    table = validator.rows(rows, finite=finite)
    json_body.once(body, 1 + len(rows) * len(table.columns))
    return table
