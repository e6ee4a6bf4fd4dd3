"""From the bytes of a request to those of its answer, the same for every protocol."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from mlops_cli.serving import body, keys
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.batch import Batcher, Waiting, Work
from mlops_cli.serving.guard.encoding import plain
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols.v2.users import HEAD
from mlops_cli.serving.reply import Reply
from mlops_cli.serving.router import Router
from mlops_cli.serving.routes import Receive, Scope
from mlops_cli.serving.routing import Routing
from mlops_cli.serving.shadow import Shadow
from mlops_cli.serving.validate import Table
from mlops_cli.serving.way import Way

_INLINE_BYTES = 64 * 1024
"""Larger bodies are read by a thread, so that small requests need not wait for them."""
_INLINE_ROWS = 500
"""Answers to more rows are written by that thread."""
_REQUEST = b"x-request-id"
_MOST_NAME = 200
_T = TypeVar("_T")
Take = Callable[[str, Collection[str]], bytes | None]
"""Takes the key in a field out of a request whose model has these inputs."""


class Routed(NamedTuple):
    """A request that is to be read, and what the log is told of it.

    Attributes:
        live: who answers it.
        key: what it was routed by.
        body: without what is no input.
        request: the name that it has.
    """

    live: Live
    key: str | None
    body: bytes
    request: str | None


class Predicting:
    """The path that all predictions take."""

    def __init__(
        self, router: Router, batcher: Batcher, shadow: Shadow, *, max_body_bytes: int
    ) -> None:
        """Let `router` choose versions, `batcher` ask them, and `shadow` see what they say."""
        self.router = router
        self._batcher = batcher
        self._shadow = shadow
        self._max_body_bytes = max_body_bytes
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="read")

    def close(self) -> None:
        """Stop the thread that reads large bodies."""
        self._readers.shutdown()

    async def answer(
        self,
        way: Way,
        scope: Scope,
        receive: Receive,
        model: str | None = None,
        version: str | None = None,
        *,
        take: Take | None = None,
    ) -> Reply:
        """Answer one request to `model`, which is not named where only one is served.

        Who names a `version` is answered by that one, if it answers anybody. `take` finds the key
        of a user in requests that are no JSON.

        Raises:
            Refused: it is turned down.
        """
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        data = await body.whole(receive, length, limit=self._max_body_bytes)
        if b"content-encoding" in headers:
            encoding = headers[b"content-encoding"]
            data = await self._aside(plain, data, encoding, self._max_body_bytes)
        live, key, data, request = self.routed(data, headers, model, version, take)
        if len(data) <= _INLINE_BYTES:
            table = way.read(data, headers, live)
        else:
            table = await self._aside(way.read, data, headers, live)
        answered = await self.predict(table, live, size=len(data), key=key, request=request)
        if table.rows <= _INLINE_ROWS:
            return way.write(answered, table)
        return await self._aside(way.write, answered, table)

    def routed(
        self,
        body: bytes,
        headers: Mapping[bytes, bytes],
        model: str | None,
        version: str | None,
        take: Take | None = None,
    ) -> Routed:
        """Return who answers a request to `model`, or to a `version` of it.

        Raises:
            Refused: 404, there is no such model or version here.
        """
        routing = self.router.slot(model).routing
        key = None
        if routing.by is not None or routing.fields:
            key, body = _key(routing, body, headers, take)
        live = routing.choose(key) if version is None else self.router.at(model, version)
        name = headers.get(_REQUEST)
        return Routed(
            live,
            None if key is None else key.decode("utf-8", "replace"),
            body,
            None if name is None else name.decode("latin-1")[:_MOST_NAME],
        )

    async def predict(
        self,
        table: Table,
        live: Live,
        *,
        size: int,
        key: str | None = None,
        request: str | None = None,
    ) -> Answered:
        """Return what `live` says of a table that fits it; `size` is that of the request.

        `key` is what it was routed by and `request` the name it has, for the log.

        Raises:
            Refused: the model fails on it, or too much is waiting.
        """
        waiting: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.put(live, table, waiting, size, key, request)
        answered = await waiting
        self.show(table, answered)
        return answered

    def put(
        self,
        live: Live,
        table: Table,
        waiting: Waiting,
        size: int,
        key: str | None,
        request: str | None,
    ) -> None:
        """Have `waiting` told what `live` says of a table; raises as `predict`."""
        self._batcher.put(Work(live, table, size, waiting, key, request))

    def show(self, table: Table, answered: Answered) -> None:
        """Let the shadow see what was answered, if there is one."""
        shadow = self.router.slots[answered.live.model].routing.shadow
        if shadow is not None:
            self._shadow.show(shadow, table, answered)

    async def _aside(self, function: Callable[..., _T], *arguments: Any) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, function, *arguments)


def _key(
    routing: Routing, data: bytes, headers: Mapping[bytes, bytes], take: Take | None
) -> tuple[bytes | None, bytes]:
    """Return the key of the user who asks, and the body without what is no input."""
    key = None if routing.by is None else keys.of_header(routing.by, headers)
    inputs = routing.main.signature.names
    length = headers.get(HEAD)
    for field in routing.fields:
        if take is not None:
            found = take(field, inputs)
        elif length is not None:
            found, data = keys.taken_out_of_binary(data, length, field, inputs)
        else:
            found, data = keys.taken_out(data, field, inputs)
        key = found if field == routing.by else key
    return key, data
