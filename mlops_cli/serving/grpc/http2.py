"""HTTP/2 as far as calls of gRPC need it that have one message each way.

Everything a client can make grow has a limit: the streams, what is received before it is read,
the time it takes, and how often streams are opened only to be reset.
"""

import asyncio
from typing import Any, Protocol

import orjson
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from mlops_cli.serving.grpc import status
from mlops_cli.serving.grpc.calls import PREFIX, Call, Headers, framed, message, timeout_s
from mlops_cli.serving.refusal import Refused

STREAMS = 100
WINDOW_BYTES = 1 << 20
BODY_S = 60.0
IDLE_S = 300.0
RESETS = 200
"""A connection may reset so many streams more than it has had answered."""
_HEAD_BYTES = 64 * 1024
_BODIES = 8
"""The messages of this many largest requests may gather on a connection."""


class Answerer(Protocol):
    """What answers the calls."""

    def admit(self, path: str, headers: Headers, address: str | None, /) -> None:
        """Let a call go on before its message has come, or raise Refused."""
        ...

    async def answer(self, path: str, message: bytes, headers: Headers, /) -> bytes:
        """Return the message that answers a call, or raise Refused."""
        ...


class Http2(asyncio.Protocol):
    """One connection of a client of gRPC."""

    def __init__(self, answerer: Answerer, *, limit: int) -> None:
        """Have `answerer` answer messages of up to `limit` bytes."""
        self._answerer = answerer
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._calls: dict[int, Call] = {}
        self._held = 0
        self._resets = 0
        self._paused = self._draining = False
        self._idle: asyncio.TimerHandle | None = None
        self._transport: Any = None
        self._address: str | None = None
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else None
        self._h2.initiate_connection()
        self._h2.update_settings(
            {
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: _HEAD_BYTES,
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
            }
        )
        self._h2.increment_flow_control_window(WINDOW_BYTES)
        self._flush()
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all calls."""
        self._wake()
        for call in self._calls.values():
            call.cancel()
        self._calls.clear()

    def data_received(self, data: bytes) -> None:
        """Read frames."""
        try:
            for event in self._h2.receive_data(data):
                self._handle(event)
        except ProtocolError:
            self._flush()
            self._transport.close()
            return
        self._flush()

    def pause_writing(self) -> None:
        """Hold back messages."""
        self._paused = True

    def resume_writing(self) -> None:
        """Send what was held back."""
        self._paused = False
        self._send_all()

    def shutdown(self) -> None:
        """Take no more calls, finish those under way, then close."""
        self._draining = True
        last = max(self._calls, default=self._h2.highest_inbound_stream_id)
        self._transport.write(GoAwayFrame(0, last_stream_id=last).serialize())
        self._close_if_done()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._begin(event)
        elif isinstance(event, DataReceived):
            self._receive(event)
        elif isinstance(event, StreamEnded):
            self._start(event.stream_id)
        elif isinstance(event, StreamReset):
            self._forget(event.stream_id)
            self._resets += 1
            if self._resets > RESETS:
                self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
                self._flush()
                self._transport.close()
        elif isinstance(event, WindowUpdated):
            self._send_all()
        elif isinstance(event, ConnectionTerminated):
            self._transport.close()

    def _begin(self, event: RequestReceived) -> None:
        stream = event.stream_id
        headers = {bytes(name): bytes(value) for name, value in event.headers}
        if self._draining:
            self._h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        elif not headers.get(b"content-type", b"").startswith(b"application/grpc"):
            self._refuse_http(stream)
        else:
            self._wake()
            due = self._loop.call_later(BODY_S, self._late, stream)
            self._calls[stream] = Call(headers, due=due)
            try:
                self._answerer.admit(_path(headers), headers, self._address)
            except Refused as refused:
                self._end_early(stream, refused)

    def _receive(self, event: DataReceived) -> None:
        """Gather a message, and let more come; what is too large ends the call."""
        size = event.flow_controlled_length or 0
        if size:
            self._h2.acknowledge_received_data(size, event.stream_id)
        call = self._calls.get(event.stream_id)
        if call is None or call.task is not None:
            return
        call.received += event.data
        self._held += len(event.data)
        if len(call.received) > self._limit + PREFIX or self._held > _BODIES * self._limit:
            self._end_early(
                event.stream_id, Refused(413, f"a message may have {self._limit} bytes at most")
            )

    def _start(self, stream: int) -> None:
        call = self._calls.get(stream)
        if call is not None and call.task is None and call.trailers is None:
            if call.due is not None:
                call.due.cancel()
            call.task = self._loop.create_task(self._serve(stream, call))

    async def _serve(self, stream: int, call: Call) -> None:
        """Answer one call, whatever comes of it."""
        try:
            body = message(call, limit=self._limit)
            self._release(call)
            async with asyncio.timeout(timeout_s(call.headers)):
                made = await self._answerer.answer(_path(call.headers), body, call.headers)
        except Refused as refused:
            self._finish(stream, call, b"", status.of(refused), refused.message)
        except TimeoutError:
            self._finish(stream, call, b"", status.DEADLINE_EXCEEDED, "the client's time is up")
        else:
            self._finish(stream, call, framed(made), status.OK, "")
        self._resets = max(self._resets - 1, 0)

    def _end_early(self, stream: int, refused: Refused) -> None:
        """Turn down a call whose message has not come, and hear no more of it."""
        call = self._calls[stream]
        if call.due is not None:
            call.due.cancel()
        self._finish(stream, call, b"", status.of(refused), refused.message)
        if not self._transport.is_closing():
            self._reset(stream)

    def _late(self, stream: int) -> None:
        if stream in self._calls:
            late = Refused(408, f"the message did not arrive within {BODY_S:.0f} s")
            self._end_early(stream, late)

    def _finish(self, stream: int, call: Call, data: bytes, code: int, said: str) -> None:
        if self._calls.get(stream) is not call:
            return
        call.unsent = data
        call.trailers = [("grpc-status", str(code))]
        if said:
            call.trailers.append(("grpc-message", status.written(said)))
        head = [(":status", "200"), ("content-type", "application/grpc")]
        try:
            self._h2.send_headers(stream, head)
        except ProtocolError:
            self._forget(stream)
            return
        self._send(stream, call)
        self._flush()

    def _send_all(self) -> None:
        for stream, call in list(self._calls.items()):
            if call.trailers is not None:
                self._send(stream, call)
        self._flush()

    def _send(self, stream: int, call: Call) -> None:
        """Send as much of an answer as the client's window takes, in the end the trailers."""
        assert call.trailers is not None
        try:
            while call.unsent and not self._paused:
                most = self._h2.local_flow_control_window(stream)
                size = min(most, self._h2.max_outbound_frame_size)
                if size <= 0:
                    return
                self._h2.send_data(stream, call.unsent[:size])
                call.unsent = call.unsent[size:]
                self._flush()
            if not call.unsent:
                self._h2.send_headers(stream, call.trailers, end_stream=True)
                self._forget(stream)
        except (ProtocolError, StreamClosedError):
            self._forget(stream)

    def _refuse_http(self, stream: int) -> None:
        """Answer what is HTTP/2, but not gRPC."""
        body = orjson.dumps({"error": "HTTP/2 is for gRPC here: ask by HTTP/1.1"})
        head = [
            (":status", "415"),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
        ]
        self._h2.send_headers(stream, head)
        self._h2.send_data(stream, body, end_stream=True)

    def _reset(self, stream: int) -> None:
        try:
            self._h2.reset_stream(stream, ErrorCodes.NO_ERROR)
        except ProtocolError:
            return
        self._flush()

    def _forget(self, stream: int) -> None:
        call = self._calls.pop(stream, None)
        if call is not None:
            self._release(call)
            if call.trailers is None:
                call.cancel()
        self._rest()
        self._close_if_done()

    def _release(self, call: Call) -> None:
        self._held -= len(call.received)
        call.received = bytearray()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _close_if_done(self) -> None:
        if self._draining and not self._calls:
            self._flush()
            self._transport.close()

    def _rest(self) -> None:
        """Have the connection closed if it stays without a call."""
        if not self._calls and self._idle is None:
            self._idle = self._loop.call_later(IDLE_S, self._transport.close)

    def _wake(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def _path(headers: Headers) -> str:
    return headers[b":path"].decode("latin-1")
