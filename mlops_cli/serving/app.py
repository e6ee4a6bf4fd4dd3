"""The ASGI application: a thin one, since a framework would cost more than the rest together."""

import os
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter

import orjson

from mlops_cli.registry.values import shown
from mlops_cli.serving.guard.guard import OPEN_TO_ALL, Guard
from mlops_cli.serving.guard.tokens import OPEN
from mlops_cli.serving.metrics import Metrics
from mlops_cli.serving.predicting import Predicting
from mlops_cli.serving.protocols import rows
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.routes import Handler, Receive, Route, Routes, Scope, Send
from mlops_cli.serving.way import Way


class App:
    """Answers requests by the table of `routes`, to which protocols add theirs."""

    def __init__(
        self,
        predicting: Predicting,
        metrics: Metrics,
        *,
        say: Callable[[str], None],
        guard: Guard = OPEN_TO_ALL,
    ) -> None:
        """Serve what `predicting` predicts, to whom `guard` lets pass.

        `say` is told of our faults.
        """
        self.draining = False
        self.routes = Routes()
        self.predicting = predicting
        self._metrics = metrics
        self._say = say
        self._tokens, self._rates = guard.tokens, guard.rates
        self.guarded = not (self._tokens is None and self._rates is None)
        """Whether `admit` has to be asked."""
        self._unknown = Route("other", self._nothing, ("*",), listed=False)
        if len(predicting.router.slots) == 1:
            self.add_way("/predict", rows)
        self.add_way("/models/{name}/predict", rows)

    def add_way(self, path: str, way: Way) -> None:
        """Answer predictions at `path` in this way; `{name}` and `{version}` in it say whose."""
        self.routes.add(path, self._predicts(way), methods=("POST",), way=way)

    def _predicts(self, way: Way) -> Handler:
        """Return the handler that answers predictions in this way."""

        async def handler(scope: Scope, receive: Receive) -> Reply:
            named = scope.get("path_params", {})
            model, version = named.get("name"), named.get("version")
            return await self.predicting.answer(way, scope, receive, model, version)

        return handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        route = self.routes.find(scope) or self._unknown
        try:
            if self.guarded:
                self.admit(scope["path"], dict(scope["headers"]), scope.get("client"))
            if scope["method"] not in route.methods and route is not self._unknown:
                reply = _options(route, scope["method"])
            else:
                reply = await route.handler(scope, receive)
        except Exception as error:  # noqa: BLE001  the process and its other requests live on
            reply = self.refusal(error)
        self.count(route, reply.status, started)
        await self._send(send, reply)

    def admit(
        self, path: str, headers: Mapping[bytes, bytes], client: tuple[str, int] | None
    ) -> None:
        """Let who asks at `path` from `client` pass, or refuse with 401 or 429."""
        if self._tokens is not None and path not in OPEN:
            self._tokens.check(headers.get(b"authorization"))
        if self._rates is not None:
            self._rates.check(path, headers, client and client[0])

    def refusal(self, error: Exception) -> Reply:
        """Return the answer to a request that is refused, or that we fail on."""
        if isinstance(error, Refused):
            return Reply(error.body(), status=error.status, headers=error.headers)
        return Reply(orjson.dumps({"error": self.failed(error)}), status=500)

    def count(self, route: Route, status: int, started: float) -> None:
        """Count an answered request, and the time since `started` if it asked to predict."""
        if route.way is not None:
            self._metrics.latency(perf_counter() - started)
        self._metrics.count(route.path, status)

    async def _send(self, send: Send, reply: Reply) -> None:
        head = [
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(reply.body)),
            *reply.headers,
        ]
        if self.draining:
            head.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        await send({"type": "http.response.body", "body": reply.body})

    async def _nothing(self, scope: Scope, _receive: Receive) -> Reply:
        near = self.routes.nearest(scope["path"])
        meant = "" if near is None else f" did you mean '{near}'?"
        raise Refused(
            404, f"there is nothing at '{shown(scope['path'])}':{meant} GET / lists what there is"
        )

    def failed(self, error: Exception) -> str:
        """Log a fault of ours, and return what the client is told: no more than where it is."""
        reference = os.urandom(4).hex()
        self._say(f"request {reference} failed:\n{''.join(traceback.format_exception(error))}")
        return f"the server failed; its log has this request as {reference}"


def _options(route: Route, method: str) -> Reply:
    """Return what may be done with a route, or refuse another method than to ask that."""
    allowed = ", ".join([*route.methods, "OPTIONS"])
    if method == "OPTIONS":
        return Reply(b"", headers=[(b"allow", allowed.encode())])
    if route.way is not None:
        what = "predictions are asked for with POST"
    else:
        what = f"'{route.path}' is asked for with {route.methods[0]}"
    raise Refused(405, what, headers=[(b"allow", allowed.encode())])
