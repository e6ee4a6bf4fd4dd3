"""The document itself: paths, what they take and answer, and how they refuse."""

from collections.abc import Sequence
from typing import Any

from mlops_cli import __version__
from mlops_cli.serving.live import Live, example
from mlops_cli.serving.openapi import schemas
from mlops_cli.serving.openapi.schemas import Schema
from mlops_cli.serving.protocols.v2 import columns

_REFUSALS = {
    "400": "It is no request, or has no rows",
    "404": "There is no such model or version here",
    "408": "The body did not arrive in time",
    "413": "It has too many rows or bytes",
    "415": "Its content type or encoding is not taken",
    "422": "A value does not fit the model; the answer names row and field",
    "429": "This client asks too often; `Retry-After` says when to come again",
    "500": "The model failed; the answer has a reference to the server's log",
    "503": "Too much work waits; `Retry-After` says when to come again",
}
_TEXT: Schema = {"type": "string"}
_ANY: Schema = {"type": "object"}


def document(lives: Sequence[Live], *, guarded: bool) -> dict[str, Any]:
    """Return the description of a server that answers with `lives`, one for each model.

    `guarded` says that it asks for a token.
    """
    paths: dict[str, Any] = {}
    for live in lives:
        paths |= _model(live)
    if len(lives) == 1:
        paths |= {"/predict": _predict(lives[0], "predict")}
        paths |= {"/invocations": _invocations(lives[0], "invocations")}
    paths |= {"/feedback": _feedback()} | _pages()
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": ", ".join(f"{live.model} v{live.version}" for live in lives),
            "version": __version__,
            "description": "Predictions by models that are versioned with mlo",
        },
        "paths": paths,
        "components": {"schemas": {"Error": schemas.ERROR}},
    }
    if guarded:
        made["security"] = [{"token": []}]
        made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return made


def _model(live: Live) -> dict[str, Any]:
    base = f"/models/{live.model}"
    v2 = f"/v2/models/{live.model}"
    versions = f"{v2}/versions/{live.version}"
    described = _read("What the model takes and answers, in V2", _ANY)
    ready = _read("Whether the model answers", _ANY)
    return {
        f"{base}/predict": _predict(live, f"predict {live.model}"),
        f"{base}/invocations": _invocations(live, f"invocations {live.model}"),
        v2: described,
        f"{v2}/ready": ready,
        f"{v2}/infer": _infer(live, f"infer {live.model}"),
        versions: described,
        f"{versions}/ready": ready,
        f"{versions}/infer": _infer(live, f"infer {live.model} {live.version}"),
    }


def _predict(live: Live, name: str) -> dict[str, Any]:
    return _asked(
        name,
        "Predict rows",
        takes={
            "application/json": _content(schemas.request(live), {"rows": [example(live.signature)]})
        },
        answers=schemas.answer(live),
    )


def _invocations(live: Live, name: str) -> dict[str, Any]:
    records = {"dataframe_records": [example(live.signature)]}
    return _asked(
        name,
        "Predict rows, as MLflow's scoring server does",
        takes={
            "application/json": _content(schemas.invocation(live), records),
            "text/csv": {"schema": _TEXT},
        },
        answers=schemas.invoked(live),
    )


def _infer(live: Live, name: str) -> dict[str, Any]:
    row = example(live.signature)
    inputs = [
        {"name": one.name, "datatype": one.datatype, "shape": [1], "data": [row[one.name]]}
        for one in columns.inputs(live.signature)
    ]
    takes = _content(schemas.tensors("inputs"), {"inputs": inputs})
    return _asked(
        name,
        "Predict tensors by the Open Inference Protocol V2",
        takes={"application/json": takes},
        answers=schemas.tensors("outputs"),
    )


def _feedback() -> dict[str, Any]:
    label = {"id": "d0994802491ac3fb-0", "label": "yes"}
    return _asked(
        "feedback",
        "Tell what turned out to be true of predictions",
        takes={"application/json": _content(schemas.FEEDBACK, label)},
        answers=schemas.RECORDED,
    )


def _asked(name: str, summary: str, *, takes: dict[str, Any], answers: Schema) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name.replace(" ", "_"),
            "summary": summary,
            "requestBody": {"required": True, "content": takes},
            "responses": _responses(answers, _REFUSALS),
        }
    }


def _pages() -> dict[str, Any]:
    return {
        "/": _read("The model, its inputs and an example", _ANY),
        "/health": _read("Whether the process lives", _ANY),
        "/ready": _read("Whether requests should be sent here", _ANY),
        "/metrics": _read("Counters for Prometheus", _TEXT, kind="text/plain"),
        "/ping": _read("Whether the process lives, as MLflow asks", _TEXT, kind="text/plain"),
        "/version": _read("The version of mlo", _TEXT, kind="text/plain"),
        "/openapi.json": _read("This description", _ANY),
        "/v2": _read("The server, in V2", _ANY),
        "/v2/health/live": _read("Whether the process lives, in V2", _ANY),
        "/v2/health/ready": _read("Whether requests should be sent here, in V2", _ANY),
    }


def _read(summary: str, schema: Schema, *, kind: str = "application/json") -> dict[str, Any]:
    responses = _responses(schema, {"503": "Not while the server is ending"}, kind=kind)
    return {"get": {"summary": summary, "responses": responses}}


def _responses(
    schema: Schema, refusals: dict[str, str], *, kind: str = "application/json"
) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    told = refusals | {"default": "Refused"}
    return {
        "200": {"description": "Answered", "content": {kind: {"schema": schema}}},
        **{status: {"description": what, "content": error} for status, what in told.items()},
    }


def _content(schema: Schema, instance: Any) -> dict[str, Any]:
    return {"schema": schema, "examples": {"one row": {"value": instance}}}
