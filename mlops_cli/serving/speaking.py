"""Which protocols an application speaks besides its own: V2, MLflow's, and OpenAPI about all."""

from collections.abc import Callable
from typing import Any

import orjson

from mlops_cli.serving.app import App
from mlops_cli.serving.live import Live
from mlops_cli.serving.openapi.document import document
from mlops_cli.serving.protocols import mlflow
from mlops_cli.serving.protocols.v2 import metadata, rest
from mlops_cli.serving.reply import JSON, Reply
from mlops_cli.serving.routes import Receive, Scope

_PLAIN = b"text/plain; charset=utf-8"


def teach(app: App, *, guarded: bool = False) -> None:
    """Have `app` speak all protocols; `guarded` says that it asks for a token."""
    _teach_v2(app)
    app.add_way("/models/{name}/invocations", mlflow)
    router = app.predicting.router
    if len(router.slots) == 1:
        app.add_way("/invocations", mlflow)
    _page(app, "/ping", lambda _: Reply(b"\n", _PLAIN))
    _page(app, "/version", lambda _: Reply(metadata.VERSION.encode(), _PLAIN))

    def described(_: Scope) -> Reply:
        lives = [slot.live for slot in router.slots.values()]
        return _json(document(lives, guarded=guarded))

    _page(app, "/openapi.json", described)


def _teach_v2(app: App) -> None:
    _page(app, "/v2", lambda _: _json(metadata.server()))
    _page(app, "/v2/health/live", lambda _: _json({"live": True}))
    _page(app, "/v2/health/ready", lambda _: _ready(app))
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        _page(app, path, lambda scope: _json(metadata.model(_lives(app, scope))))
        _page(app, f"{path}/ready", lambda scope: _ready(app, _lives(app, scope)[0]))
        app.add_way(f"{path}/infer", rest)


def _page(app: App, path: str, page: Callable[[Scope], Reply]) -> None:
    async def handler(scope: Scope, _receive: Receive) -> Reply:
        return page(scope)

    app.routes.add(path, handler)


def _lives(app: App, scope: Scope) -> tuple[Live, ...]:
    """Return the versions that a path is about: one, or all that answer."""
    named = scope["path_params"]
    router = app.predicting.router
    if "version" in named:
        return (router.at(named["name"], named["version"]),)
    return router.slot(named["name"]).routing.answering


def _ready(app: App, live: Live | None = None) -> Reply:
    ready = not app.draining
    said: dict[str, Any] = {"ready": ready}
    if live is not None:
        said = {"name": live.model, "version": str(live.version)} | said
    return Reply(orjson.dumps(said), JSON, 200 if ready else 503)


def _json(value: Any) -> Reply:
    return Reply(orjson.dumps(value))
