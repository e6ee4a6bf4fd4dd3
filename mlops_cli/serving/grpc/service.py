"""GRPCInferenceService: V2's calls, answered by the same path as its REST."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from google.protobuf.message import DecodeError

from mlops_cli.serving.app import App
from mlops_cli.serving.grpc.calls import Headers
from mlops_cli.serving.grpc.infer import Infer
from mlops_cli.serving.guard.guard import Guard
from mlops_cli.serving.live import Live
from mlops_cli.serving.metrics import Metrics
from mlops_cli.serving.protocols.v2 import inference_pb2 as pb
from mlops_cli.serving.protocols.v2 import metadata
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.routes import Message, Scope

SERVICE = "/inference.GRPCInferenceService/"
_INFER = f"{SERVICE}ModelInfer"
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING, _NOT_SERVING = b"\x08\x01", b"\x08\x02"
_OPEN = frozenset({f"{SERVICE}ServerLive", f"{SERVICE}ServerReady", _HEALTH})


class Service:
    """Answers the calls of all connections."""

    def __init__(self, app: App, metrics: Metrics, guard: Guard) -> None:
        """Answer for `app`, count in `metrics`; who `guard` does not let pass is turned down."""
        self._app = app
        self._metrics = metrics
        self._tokens, self._rates = guard.tokens, guard.rates
        self._calls: Mapping[str, tuple[Any, Callable[[Any, bytes, Headers], Awaitable[bytes]]]] = {
            "ServerLive": (pb.ServerLiveRequest, self._live),
            "ServerReady": (pb.ServerReadyRequest, self._ready),
            "ModelReady": (pb.ModelReadyRequest, self._model_ready),
            "ServerMetadata": (pb.ServerMetadataRequest, self._server),
            "ModelMetadata": (pb.ModelMetadataRequest, self._model),
            "ModelInfer": (pb.ModelInferRequest, self._infer),
        }

    def admit(self, path: str, headers: Headers, address: str | None) -> None:
        """Refuse a call that needs a token and has none that is known, or that comes too soon."""
        if path in _OPEN:
            return
        try:
            if self._tokens is not None:
                self._tokens.check(headers.get(b"authorization"))
            if self._rates is not None:
                self._rates.check(path, headers, address)
        except Refused as refused:
            self._metrics.count(self._counted(path), refused.status)
            raise

    async def answer(self, path: str, message: bytes, headers: Headers) -> bytes:
        """Return the message that answers a call.

        Raises:
            Refused: it is turned down.
        """
        started = perf_counter()
        status = 200
        try:
            return await self._answer(path, message, headers)
        except Refused as refused:
            status = refused.status
            raise
        except Exception as error:
            status = 500
            raise Refused(500, self._app.failed(error)) from error
        finally:
            if path == _INFER:
                self._metrics.latency(perf_counter() - started)
            self._metrics.count(self._counted(path), status)

    def _counted(self, path: str) -> str:
        """Return what a call is counted as: strangers do not choose the names of metrics."""
        return path if path.removeprefix(SERVICE) in self._calls else "other"

    async def _answer(self, path: str, message: bytes, headers: Headers) -> bytes:
        if path == _HEALTH:
            return _NOT_SERVING if self._app.draining else _SERVING
        request_type, call = self._calls.get(path.removeprefix(SERVICE), (None, None))
        if call is None or request_type is None or not path.startswith(SERVICE):
            raise Refused(405, f"there is no such call here: {', '.join(self._calls)} are")
        try:
            request = request_type.FromString(message)
        except DecodeError:
            raise Refused(400, f"the message is no {request_type.DESCRIPTOR.name}") from None
        return await call(request, message, headers)

    async def _live(self, _request: Any, _message: bytes, _headers: Headers) -> bytes:
        return _bytes(pb.ServerLiveResponse(live=True))

    async def _ready(self, _request: Any, _message: bytes, _headers: Headers) -> bytes:
        return _bytes(pb.ServerReadyResponse(ready=not self._app.draining))

    async def _model_ready(self, request: Any, _message: bytes, _headers: Headers) -> bytes:
        self._lives(request.name, request.version)
        return _bytes(pb.ModelReadyResponse(ready=not self._app.draining))

    async def _server(self, _request: Any, _message: bytes, _headers: Headers) -> bytes:
        return _bytes(pb.ServerMetadataResponse(**metadata.server()))

    async def _model(self, request: Any, _message: bytes, _headers: Headers) -> bytes:
        lives = self._lives(request.name, request.version)
        return _bytes(pb.ModelMetadataResponse(**metadata.model(lives)))

    async def _infer(self, request: Any, message: bytes, headers: Headers) -> bytes:
        """Predict as for HTTP: what comes over the wire is a body with headers here too."""
        fields = [(name, value) for name, value in headers.items() if name not in _OURS]
        length = (b"content-length", b"%d" % len(message))
        scope: Scope = {"type": "http", "method": "POST", "headers": [*fields, length]}

        async def receive() -> Message:
            return {"type": "http.request", "body": message, "more_body": False}

        way = Infer(request)
        version = request.model_version or None
        reply = await self._app.predicting.answer(
            way, scope, receive, request.model_name, version, take=way.taken_out
        )
        return reply.body

    def _lives(self, name: str, version: str) -> tuple[Live, ...]:
        router = self._app.predicting.router
        return (router.at(name, version),) if version else router.slot(name).routing.answering


_OURS = frozenset({b"content-length", b"content-encoding"})


def _bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())
