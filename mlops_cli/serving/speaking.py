"""Which protocols an application speaks besides its own: V2, MLflow's, and OpenAPI about all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mlops_cli.registry.values import shown
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.app import App
from mlops_cli.serving.live import Live
from mlops_cli.serving.openapi.document import document
from mlops_cli.serving.predicting import Way
from mlops_cli.serving.protocols import mlflow
from mlops_cli.serving.protocols.v2 import metadata, rest
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import JSON, Reply
from mlops_cli.serving.routes import Handler, Receive, Scope
from mlops_cli.serving.validate import Table

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
        _page(app, path, lambda scope: _json(metadata.model(_live(app, scope))))
        _page(app, f"{path}/ready", lambda scope: _ready(app, _live(app, scope)))
        app.routes.add(f"{path}/infer", _infer(app), methods=("POST",), predicts=True)


def _page(app: App, path: str, page: Callable[[Scope], Reply]) -> None:
    async def handler(scope: Scope, _receive: Receive) -> Reply:
        return page(scope)

    app.routes.add(path, handler)


def _infer(app: App) -> Handler:
    async def handler(scope: Scope, receive: Receive) -> Reply:
        named = scope["path_params"]
        version = named.get("version")
        way: Way = rest if version is None else _AtVersion(version)
        return await app.predicting.answer(way, scope, receive, named["name"])

    return handler


@dataclass(frozen=True, slots=True)
class _AtVersion:
    """V2 for those who say which version is to answer."""

    version: str

    def read(self, body: bytes, headers: Mapping[bytes, bytes], live: Live, /) -> Table:
        """Return the table of a request to this version."""
        check_version(live, self.version)
        return rest.read(body, headers, live)

    def write(self, answered: Answered, table: Table, /) -> Reply:
        """Return the answer."""
        return rest.write(answered, table)


def check_version(live: Live, version: str) -> None:
    """Refuse with 404 to answer for another version than the one that is served."""
    if version != str(live.version):
        raise Refused(
            404,
            f"version '{shown(version)}' of '{live.model}' is not served here: v{live.version} is",
        )


def _live(app: App, scope: Scope) -> Live:
    named = scope["path_params"]
    live = app.predicting.router.choose(named["name"], None)
    if "version" in named:
        check_version(live, named["version"])
    return live


def _ready(app: App, live: Live | None = None) -> Reply:
    ready = not app.draining
    said: dict[str, Any] = {"ready": ready}
    if live is not None:
        said = {"name": live.model, "version": str(live.version)} | said
    return Reply(orjson.dumps(said), JSON, 200 if ready else 503)


def _json(value: Any) -> Reply:
    return Reply(orjson.dumps(value))
