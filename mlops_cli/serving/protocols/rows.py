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
    if headers.get(b"content-type") != b"application/json":
        json_body.check_type(headers)
    return parse(body, live.validator)


def parse(body: bytes, validator: Validator) -> Table:
    """Return the table in `body`, checked; raises as `read`."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return json_body.read(
            body, validator, lambda value, *, finite: _table(value, body, validator, finite=finite)
        )
    try:
        return _table(request, body, validator, finite=True)
    except Refused:  # what stands twice is worse than what else is wrong, and may be why
        json_body.once(body, json_body.names(request))
        raise


def write(answered: Answered, _table: Table) -> Reply:
    """Return the answer: model, version, and for each row its id, prediction and shares."""
    live, answers = answered.live, answered.answers
    if len(answers.predictions) == 1:
        return Reply(_lone(answered))
    predictions: list[dict[str, Any]] = [
        {"id": name, "prediction": prediction}
        for name, prediction in zip(answered.ids, answers.predictions, strict=True)
    ]
    if answers.shares is not None and live.classes is not None:
        names = live.class_names
        for prediction, shares in zip(predictions, answers.shares, strict=True):
            prediction["probabilities"] = dict(zip(names, shares, strict=True))
    return Reply(b'%b,"predictions":%b}' % (live.named, orjson.dumps(predictions)))


def _lone(answered: Answered) -> bytes:
    """Return the answer to one row, put together from pieces: most requests are of one."""
    live, answers = answered.live, answered.answers
    said = orjson.dumps(answers.predictions[0])
    if answers.shares is not None and live.classes is not None:
        shares = orjson.dumps(dict(zip(live.class_names, answers.shares[0], strict=True)))
        said = b'%b,"probabilities":%b' % (said, shares)
    name = b"%b-%d" % (answered.segment.encode(), answered.first)
    return b'%b,"predictions":[{"id":"%b","prediction":%b}]}' % (live.named, name, said)


def _table(request: Any, body: bytes, validator: Validator, *, finite: bool) -> Table:
    if type(request) is not dict:
        raise Refused(400, f"the body must be an object: {_FORMS}")
    form = "rows" if len(request) == 1 and "rows" in request else _form(request)
    if form == "rows":
        rows = request["rows"]
        if type(rows) is not list:
            raise Refused(400, f"'rows' must be a list of objects: {_FORMS}")
        table = validator.rows(rows, finite=finite)
        keys = 1 + len(rows) * len(table.columns)
    elif form == "columns":
        columns = request["columns"]
        if type(columns) is not dict:
            raise Refused(400, f"'columns' must be an object of lists: {_FORMS}")
        table = validator.columns(columns, finite=finite)
        keys = 1 + len(columns)
    else:
        names, data = request["columns"], request["data"]
        if type(names) is not list or type(data) is not list:
            raise Refused(400, f"'columns' and 'data' must be lists: {_FORMS}")
        table = validator.split(names, data, finite=finite)
        keys = len(request)
    if body.count(b":") > keys:
        json_body.once(body, keys, table.columns)
    return table


def _form(request: dict[str, Any]) -> str:
    """Return which form a request has that is not one of rows."""
    if request.keys() == _COLUMNS:
        return "columns"
    if request.keys() in _SPLIT:
        return "split"
    unknown = [name for name in request if name not in _KEYS]
    what = f"'{shown(unknown[0])}' is not part of a request: " if unknown else ""
    raise Refused(400, what + _FORMS)
