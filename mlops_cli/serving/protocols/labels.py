"""The body of `/feedback`: what turned out to be true of predictions, by their ids."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mlops_cli.data.feedback import AHEAD_US, Label, Recorded
from mlops_cli.data.prediction_log import is_prediction_id
from mlops_cli.registry.values import described, shown
from mlops_cli.serving.protocols import json_body
from mlops_cli.serving.refusal import MOST_PROBLEMS, Problem, Refused, refuse_values
from mlops_cli.serving.reply import JSON, Reply

_FORMS = (
    'send {"id": prediction id, "label": value} or {"feedback": [{"id": ..., "label": ...}, ...]};'
    ' each may have a "time" in ISO 8601'
)
_KEYS = frozenset({"id", "label", "time"})


def read(
    body: bytes, headers: Mapping[bytes, bytes], *, most: int, now_us: int | None = None
) -> list[Label]:
    """Return the labels in `body`, at most so many.

    Raises:
        Refused: 400, 413, 415, or 422 with the place of each label that is none.
    """
    json_body.check_type(headers)
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise Refused(400, f"the body is not JSON: {error.msg}, {place}") from None
    json_body.once(body, json_body.names(request))
    if type(request) is not dict:
        raise Refused(400, f"the body must be an object: {_FORMS}")
    given = request.get("feedback") if request.keys() == {"feedback"} else [request]
    if type(given) is not list or not given:
        raise Refused(400, _FORMS)
    if len(given) > most:
        raise Refused(
            413, f"{len(given)} labels are more than the {most} that one request may have"
        )
    now_us = time.time_ns() // 1000 if now_us is None else now_us
    return _labels(given, now_us)


def write(recorded: Recorded) -> Reply:
    """Return the answer: what became of the labels; 404 or 422 when none of them is kept."""
    said: dict[str, Any] = {
        "new": recorded.new,
        "replaced": recorded.replaced,
        "same": recorded.same,
        "unknown": recorded.unknown,
        "unlogged": recorded.unlogged,
        "strange": recorded.strange,
        "unusable": recorded.unusable,
        "examples": list(recorded.examples),
    }
    if recorded.kept or not (recorded.unknown or recorded.unusable):
        return Reply(orjson.dumps(said))
    named = shown(recorded.examples[0])
    said["error"] = (
        f"no prediction here has the id '{named}'"
        if recorded.unknown
        else f"the label of '{named}' cannot count with what the model answers"
    )
    return Reply(orjson.dumps(said), JSON, 404 if recorded.unknown else 422)


def _labels(given: list[Any], now_us: int) -> list[Label]:
    labels: list[Label] = []
    problems: list[Problem] = []
    for row, one in enumerate(given):
        found = _label(row, one, now_us)
        if isinstance(found, Label) and found.time_us > now_us + AHEAD_US:
            found = Problem(row, "time", "must not be still to come")
        if isinstance(found, Label):
            labels.append(found)
        else:
            problems.append(found)
    if problems:
        raise refuse_values(problems[:MOST_PROBLEMS], len(problems))
    return labels


def _label(row: int, one: Any, now_us: int) -> Label | Problem:
    if type(one) is not dict or not one.keys() <= _KEYS:
        raise Refused(400, f"label {row} must be an object of id, label and time: {_FORMS}")
    name, value, at = one.get("id"), one.get("label"), one.get("time")
    if type(name) is not str or not is_prediction_id(name):
        return Problem(row, "id", f"must be a prediction id, got {described(name)}")
    if value is None or type(value) in (list, dict):
        return Problem(row, "label", f"must be a value, got {described(value)}")
    if at is None:
        return Label(name, value, now_us)
    time_us = _moment_us(at)
    if time_us is None:
        return Problem(row, "time", f"must be a time in ISO 8601, got {described(at)}")
    return Label(name, value, time_us)


def _moment_us(at: Any) -> int | None:
    """Return microseconds since 1970; a time without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1_000_000)
