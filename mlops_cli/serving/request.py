"""The body of a request: bytes to rows or columns, or a refusal that says what is wrong."""

import json
from typing import Any

import orjson

from mlops_cli.registry.values import shown
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Table, Validator

_KEYS = frozenset({"rows", "columns"})
_FORMS = 'send {"rows": [{field: value, ...}, ...]} or {"columns": {field: [value, ...], ...}}'


def read(body: bytes, validator: Validator) -> Table:
    """Return the table in `body`, checked.

    Raises:
        Refused: 400 for what is no request, 413 for too many rows, 422 for values that do
            not fit the model.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        refusal = Refused(400, f"the body is not JSON: {error.msg}, {_place(error)}")
        request = _with_non_finite(body, refusal)
        _table(request, validator, finite=False)
        raise refusal from error
    return _table(request, validator, finite=True)


def check_type(content_type: bytes | None, encoding: bytes | None) -> None:
    """Refuse with 415 a body that is not plain JSON, by its headers.

    A missing type is refused too: browsers send such bodies across sites unasked.
    """
    if content_type != b"application/json":
        got = (content_type or b"").decode("latin-1")
        kind, _, parameter = got.partition(";")
        charset = parameter.strip().lower().removeprefix("charset=").strip('"')
        if kind.strip().lower() != "application/json" or charset not in {"", "utf-8", "utf8"}:
            said = f"got '{shown(got)}'" if got else "got none"
            raise Refused(
                415,
                f"the content type must be application/json, {said}: send the header"
                " 'Content-Type: application/json'",
            )
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise Refused(
            415,
            f"the content encoding '{shown(encoding.decode('latin-1'))}' is not taken:"
            " send plain JSON",
        )


def _table(request: Any, validator: Validator, *, finite: bool) -> Table:
    if type(request) is not dict:
        raise Refused(400, f"the body must be an object: {_FORMS}")
    if len(request) != 1 or request.keys().isdisjoint(_KEYS):
        for name in request:
            if name not in _KEYS:
                raise Refused(400, f"'{shown(name)}' is not part of a request: {_FORMS}")
        raise Refused(400, _FORMS)
    if (rows := request.get("rows")) is not None:
        if type(rows) is not list:
            raise Refused(400, f"'rows' must be a list of objects: {_FORMS}")
        return validator.rows(rows, finite=finite)
    if (columns := request.get("columns")) is not None:
        if type(columns) is not dict:
            raise Refused(400, f"'columns' must be an object of lists: {_FORMS}")
        return validator.columns(columns, finite=finite)
    raise Refused(400, _FORMS)


def _with_non_finite(body: bytes, refusal: Refused) -> Any:
    """Return a body that would be JSON but for NaN, Infinity or a number beyond float64.

    It is read only to say in which row and field. Any other body raises `refusal`.
    """
    if not (b"NaN" in body or b"Infinity" in body or "infinity" in refusal.message):
        raise refusal
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise refusal from None


def _place(error: orjson.JSONDecodeError) -> str:
    return f"line {error.lineno} column {error.colno}"
