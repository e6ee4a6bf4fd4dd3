"""The protocol of `/predict`: rows or columns as JSON, predictions with their ids back."""

from collections.abc import Mapping
from typing import Any

import orjson

from mlops_cli.serving import request
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Live
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.validate import Table


def read(body: bytes, headers: Mapping[bytes, bytes], live: Live) -> Table:
    """Return the checked table of a request.

    Raises:
        Refused: it is none, or does not fit the model.
    """
    request.check_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
    return request.read(body, live.validator)


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
