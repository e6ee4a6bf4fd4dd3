"""The shortest way of a request for predictions: from the connection to the batch and back.

A task, a scope and the messages of ASGI cost more than what a small model says. A request that is
small, whole and usual needs none of them: it is read, routed, batched, counted and logged as every
other, and its answer is written where it arises. Whatever is unusual about a request sends it the
ordinary way, through `App`.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mlops_cli.serving.answered import Answered
from mlops_cli.serving.app import App
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.reply import JSON, Reply
from mlops_cli.serving.routes import Route, Scope
from mlops_cli.serving.validate import Table
from mlops_cli.serving.way import Way

MOST_BYTES = 8192
"""Longer bodies go the ordinary way, on which large ones are read by a thread."""
_MOST_PATHS = 1000
_CLOSE = (b"connection", b"close")

Headers = Sequence[tuple[bytes, bytes]]


class Target(NamedTuple):
    """What a path asks for: predictions in one way, of one model or version if it names them."""

    route: Route
    way: Way
    model: str | None
    version: str | None


class Line(Protocol):
    """A connection, as far as an answer needs it."""

    transport: Any
    server_state: Any

    def on_response_complete(self) -> None:
        """Go on with what came after the request, or wait for more."""
        ...


class Direct:
    """Asks and answers for all connections of one process."""

    def __init__(self, app: App) -> None:
        """Answer as `app` does."""
        self.app = app
        self._targets: dict[bytes, Target | None] = {}
        self._beginning = b""
        self._common: Headers | None = None

    def target(self, url: bytes) -> Target | None:
        """Return what is asked for at a path as it was sent; None is for the ordinary way."""
        try:
            return self._targets[url]
        except KeyError:
            found = self._found(url)
            if len(self._targets) < _MOST_PATHS:
                self._targets[url] = found
            return found

    def _found(self, url: bytes) -> Target | None:
        scope: Scope = {"path": url.decode("latin-1")}
        route = self.app.routes.find(scope)
        if route is None or route.way is None:
            return None  # as for every path with a query or an escape
        named = scope.get("path_params", {})
        return Target(route, route.way, named.get("name"), named.get("version"))

    def written(self, reply: Reply, common: Headers, *, close: bool) -> bytes:
        """Return an answer as it goes over the wire; `common` are headers that all answers have."""
        body = reply.body
        if common is not self._common:  # new once a second, for the date
            self._common = common
            lines = b"".join([b"%s: %s\r\n" % header for header in common])
            self._beginning = STATUS_LINE[200] + lines + b"content-type: application/json\r\n"
        if reply.status == 200 and reply.content_type is JSON and not reply.headers and not close:
            return b"%scontent-length: %d\r\n\r\n%s" % (self._beginning, len(body), body)
        headers = [
            *common,
            (b"content-type", reply.content_type),
            (b"content-length", b"%d" % len(body)),
            *reply.headers,
        ]
        if close and _CLOSE not in reply.headers:
            headers.append(_CLOSE)
        lines = b"".join([b"%s: %s\r\n" % header for header in headers])
        return STATUS_LINE[reply.status] + lines + b"\r\n" + body


class _Never:
    """Stands for the event by which uvicorn wakes a task, which there is none of."""

    def set(self) -> None:
        """Wake nobody."""


class Asked:
    """One request on its way; to the connection it is what a cycle of uvicorn's is."""

    __slots__ = (
        "_direct",
        "_line",
        "_started",
        "_table",
        "_target",
        "disconnected",
        "keep_alive",
        "response_complete",
        "scope",
    )
    message_event = _Never()

    def __init__(self, direct: Direct, line: Line, target: Target, scope: Any) -> None:
        self._direct = direct
        self._line = line
        self._target = target
        self._started = perf_counter()
        self._table: Table
        self.scope = scope
        self.keep_alive = True
        self.response_complete = False
        self.disconnected = False

    def ask(self, headers: Headers, body: bytes) -> None:
        """Read the request and put it in the batch, or refuse it."""
        target, app = self._target, self._direct.app
        try:
            named = dict(headers)
            if app.guarded:
                app.admit(target.route.path, named, self.scope.get("client"))
            live, key, body, request = app.predicting.routed(
                body, named, target.model, target.version
            )
            self._table = target.way.read(body, named, live)
            app.predicting.put(live, self._table, self, len(body), key, request)
        except Exception as error:  # noqa: BLE001  a refusal, or a fault that costs one request
            self._end(app.refusal(error))

    def done(self) -> bool:
        """Return whether nobody waits any more."""
        return self.disconnected

    def set_result(self, answered: Answered) -> None:
        """Write the answer."""
        app, table = self._direct.app, self._table
        try:
            app.predicting.show(table, answered)
            reply = self._target.way.write(answered, table)
        except Exception as error:  # noqa: BLE001  a fault that costs one request
            reply = app.refusal(error)
        self._end(reply)

    def set_exception(self, refused: Refused) -> None:
        """Write why there is no answer."""
        self._end(self._direct.app.refusal(refused))

    def _end(self, reply: Reply) -> None:
        line, app = self._line, self._direct.app
        app.count(self._target.route, reply.status, self._started)
        self.response_complete = True
        if not self.disconnected:
            close = app.draining or not self.keep_alive or _CLOSE in reply.headers
            common = line.server_state.default_headers
            line.transport.send(self._direct.written(reply, common, close=close))
            if close:
                line.transport.close()
        line.on_response_complete()
