"""The ASGI application: a thin one, since a framework would cost more than the rest together."""

import asyncio
import os
import traceback
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from time import perf_counter
from typing import Any

import orjson

from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.registry.values import shown
from mlops_cli.serving import request
from mlops_cli.serving.batch import Batcher
from mlops_cli.serving.live import Live, Slot, example
from mlops_cli.serving.metrics import CONTENT_TYPE, Metrics, Page, labelled
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Table

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_JSON = b"application/json"
_INLINE_BYTES = 64 * 1024
"""Larger bodies are read by a thread, so that small requests need not wait for them."""
_DISCARD_TIMES = 4
"""A body this many times too large is still read to its end, so that the client sees why."""
_BODY_S = 60.0
"""A body must have arrived by then."""

Answer = tuple[int, bytes, bytes]
"""Status, content type, body."""


class App:
    """Answers requests with what is in the slot."""

    def __init__(
        self,
        slot: Slot,
        batcher: Batcher,
        log: PredictionWriter,
        *,
        max_body_bytes: int,
        say: Callable[[str], None],
    ) -> None:
        """Serve `slot` through `batcher`, which logs to `log`; `say` is told of our faults."""
        self.draining = False
        self.metrics = Metrics()
        self._slot = slot
        self._batcher = batcher
        self._log = log
        self._max_body_bytes = max_body_bytes
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._say = say
        self._pages: dict[str, Callable[[], Answer]] = {
            "/": self._overview,
            "/health": self._health,
            "/ready": self._ready,
            "/metrics": self._metrics,
        }

    def close(self) -> None:
        """Stop the threads that read bodies."""
        self._readers.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        headers: Sequence[tuple[bytes, bytes]] = ()
        started = perf_counter()
        try:
            if path == "/predict":
                status, kind, body = await self._predict(scope, receive)
            else:
                status, kind, body = self._page(path, scope["method"])
        except Refused as refused:
            status, kind, body = refused.status, _JSON, refused.body()
            headers = refused.headers
        except Exception as error:  # noqa: BLE001  the process and its other requests live on
            status, kind, body = 500, _JSON, self._failed(error)
        if path == "/predict":
            self.metrics.latency_s.observe(perf_counter() - started)
        known = path == "/predict" or path in self._pages
        self.metrics.count(path if known else "other", status)
        await self._send(send, status, kind, body, headers)

    async def _send(
        self,
        send: Send,
        status: int,
        kind: bytes,
        body: bytes,
        headers: Sequence[tuple[bytes, bytes]],
    ) -> None:
        head = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *headers]
        if self.draining:
            head.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _predict(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise Refused(405, "predictions are asked for with POST", headers=[(b"allow", b"POST")])
        kind = encoding = length = None
        for name, value in scope["headers"]:
            if name == b"content-type":
                kind = value
            elif name == b"content-length":
                length = value
            elif name == b"content-encoding":
                encoding = value
        body = await self._body(receive, length)
        request.check_type(kind, encoding)
        live = self._slot.live
        table = await self._table(body, live)
        answer = await self._batcher.submit(live, table, size=len(body))
        key = (live.model, live.version)
        predictions = self.metrics.predictions
        predictions[key] = predictions.get(key, 0) + table.rows
        return 200, _JSON, answer

    async def _table(self, body: bytes, live: Live) -> Table:
        if len(body) <= _INLINE_BYTES:
            return request.read(body, live.validator)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, request.read, body, live.validator)

    async def _body(self, receive: Receive, length: bytes | None) -> bytes:
        """Return the whole body, or refuse it: 413 when too large, 408 when too slow."""
        limit = self._max_body_bytes
        if length is not None and int(length) > _DISCARD_TIMES * limit:
            raise self._too_large()
        message = await receive() if length else None
        if message and not message.get("more_body") and message["type"] == "http.request":
            body = message["body"]
        else:
            body = await self._long_body(receive, message, limit)
        if len(body) > limit:
            raise self._too_large()
        return bytes(body)

    async def _long_body(self, receive: Receive, message: Message | None, limit: int) -> bytes:
        """Return a body that comes in pieces; of one that is too large, more than `limit`."""
        parts: list[bytes] = []
        kept = seen = 0
        try:
            async with asyncio.timeout(_BODY_S):
                while True:
                    message = message or await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "the connection was closed within the body")
                    part = message.get("body", b"")
                    seen += len(part)
                    if kept <= limit:
                        parts.append(part)
                        kept += len(part)
                    if not message.get("more_body") or seen > _DISCARD_TIMES * limit:
                        return b"".join(parts)
                    message = None
        except TimeoutError:
            raise Refused(
                408,
                f"the body did not arrive within {_BODY_S:.0f} s",
                headers=[(b"connection", b"close")],
            ) from None

    def _too_large(self) -> Refused:
        return Refused(
            413,
            f"the body has more than the {self._max_body_bytes} bytes that a request may have:"
            " send the rows in several requests",
            headers=[(b"connection", b"close")],
        )

    def _page(self, path: str, method: str) -> Answer:
        page = self._pages.get(path)
        if page is None:
            known = ", ".join(["/predict", *self._pages])
            raise Refused(404, f"there is nothing at '{shown(path)}': this server has {known}")
        if method not in {"GET", "HEAD"}:
            raise Refused(405, f"'{path}' is read with GET", headers=[(b"allow", b"GET, HEAD")])
        return page()

    def _health(self) -> Answer:
        return 200, _JSON, b'{"status":"ok"}'

    def _ready(self) -> Answer:
        live = self._slot.live
        status = "draining" if self.draining else "ready"
        body = {
            "status": status,
            "model": live.model,
            "version": live.version,
            "failure": self._slot.failure,
        }
        return 503 if self.draining else 200, _JSON, orjson.dumps(body)

    def _overview(self) -> Answer:
        live = self._slot.live
        body = {
            "model": live.model,
            "version": live.version,
            "version_id": live.version_id,
            "reference": live.reference,
            "since": live.since,
            "failure": self._slot.failure,
            "endpoints": ["/predict", *self._pages],
            "inputs": [
                {key: value for key, value in asdict(column).items() if value is not None}
                for column in live.signature.columns
            ],
            "example": {"rows": [example(live.signature)]},
        }
        return 200, _JSON, orjson.dumps(body, option=orjson.OPT_INDENT_2)

    def _metrics(self) -> Answer:
        return 200, CONTENT_TYPE, self._metrics_page().text()

    def _metrics_page(self) -> Page:
        page, counted, live, log = Page(), self.metrics, self._slot.live, self._log.counters
        page.add(
            "mlo_requests_total",
            "counter",
            "Requests answered, by path and status",
            labelled(("path", "status"), counted.requests),
        )
        page.add_histogram(
            "mlo_request_seconds",
            "Time to answer /predict, whole body to answer",
            counted.latency_s,
        )
        page.add(
            "mlo_predictions_total",
            "counter",
            "Rows predicted, by model and version",
            labelled(("model", "version"), counted.predictions),
        )
        about = (
            ("model", live.model),
            ("version", str(live.version)),
            ("version_id", live.version_id),
            ("reference", live.reference),
        )
        page.add("mlo_model_info", "gauge", "The version that answers", [(about, 1)])
        for name, kind, meaning, value in (
            ("mlo_model_swaps_total", "counter", "Versions swapped in", self._slot.swaps),
            (
                "mlo_model_failures_total",
                "counter",
                "Versions that did not load",
                self._slot.failures,
            ),
            (
                "mlo_model_behind",
                "gauge",
                "1 while the version due does not load",
                self._slot.failure is not None,
            ),
            ("mlo_batches_total", "counter", "Calls into the model", self._batcher.batches),
            ("mlo_waiting_rows", "gauge", "Rows that wait for the model", self._batcher.rows),
            ("mlo_log_written_total", "counter", "Predictions in the log", log.written),
            (
                "mlo_log_dropped_total",
                "counter",
                "Predictions answered but not logged",
                log.dropped,
            ),
            (
                "mlo_log_failures_total",
                "counter",
                "Refusals of the disk under the log",
                log.failures,
            ),
            (
                "mlo_log_waiting_rows",
                "gauge",
                "Predictions that wait for the log",
                self._log.waiting,
            ),
        ):
            page.add(name, kind, meaning, [((), int(value))])
        return page

    def _failed(self, error: Exception) -> bytes:
        reference = os.urandom(4).hex()
        self._say(f"request {reference} failed:\n{''.join(traceback.format_exception(error))}")
        return orjson.dumps(
            {"error": f"the server failed; its log has this request as {reference}"}
        )
