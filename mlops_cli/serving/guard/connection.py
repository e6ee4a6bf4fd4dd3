"""One connection: how long it may take to ask, how much head it may send, and what it speaks.

HTTP/1.1 is read by uvicorn's protocol, on httptools. A connection that begins as HTTP/2 does is
handed to gRPC's, so that both are served at one port.
"""

import asyncio
import resource
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlops_cli.serving.corked import Corked
from mlops_cli.serving.direct import MOST_BYTES, Asked, Direct, Target

HEAD_S = 10.0
"""The head of a request must have arrived that long after the connection or its first byte."""
HEAD_BYTES = 64 * 1024
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_UNUSUAL = frozenset({b"transfer-encoding", b"content-encoding", b"upgrade"})
"""Headers of requests that go the ordinary way."""
_DIGITS = 6
_SPARE = 128
"""Descriptors that are kept back for files."""
_REFUSAL = (
    b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"connection: close\r\n%s\r\n%s"
)

Upgrade = Callable[[], asyncio.Protocol]
"""Makes the protocol of a connection that speaks HTTP/2."""


class Connection(HttpToolsProtocol):
    """HTTP/1.1 with limits. Make a subclass with `speaking` to have it speak HTTP/2 too."""

    upgrade: Upgrade | None = None
    direct: Direct | None = None
    """Answers usual requests for predictions; all others are the ASGI application's."""
    most: int | None = None
    """As many connections at once; None stands for what the system lets a process have."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._speaks_http = False
        self._first = b""
        self._piece_bytes = 0
        self._head_bytes = 0
        self._uncertain_bytes = 0
        self._head_due: asyncio.TimerHandle | None = None
        self._next: asyncio.Protocol | None = None
        self._target: Target | None = None
        self._body = b""
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or turn it away when there are too many."""
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]
        if len(self.connections) > (self.most or _most()):
            self._refuse(b"503 Service Unavailable", "too many connections", b"retry-after: 1\r\n")
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._head_came()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        if self._next is not None:
            self._next.connection_lost(exc)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a piece of a request."""
        if not self._speaks_http:
            self._first_data(data)
            return
        before = self.scope
        self._piece_bytes = len(data)
        HttpToolsProtocol.data_received(self, data)
        if self._target is not None:
            self._take_the_ordinary_way()  # its body goes on
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:  # of what it parses there is no head yet
            self._still_in_head(len(data), begun=self.scope is not before)
        elif self._head_due is not None:
            self._head_came()

    def on_headers_complete(self) -> None:
        """Take a head that has arrived, unless it is too long."""
        most = self._head_bytes + self._piece_bytes
        if most > HEAD_BYTES and self._head_size() > HEAD_BYTES:
            self._refuse_head()
            raise ValueError("a head that is too long")  # ends the parser's work
        if self.direct is not None:
            self._target = self._direct_target(self.direct)
        if self._target is None:
            HttpToolsProtocol.on_headers_complete(self)

    def _direct_target(self, direct: Direct) -> Target | None:
        """Return what a request for predictions asks for, if nothing about it is unusual."""
        target = direct.target(self.url)
        if target is None or self.parser.get_method() != b"POST":
            return None
        if (self.cycle is not None and not self.cycle.response_complete) or self.pipeline:
            return None
        if self.flow.write_paused or direct.app.draining or self.expect_100_continue:
            return None
        length = None
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name in _UNUSUAL:
                return None
        if length is None or len(length) > _DIGITS or int(length) > MOST_BYTES:
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return None
        return target

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if self._target is None:
            HttpToolsProtocol.on_body(self, body)
        else:
            self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        """Take a request that is whole."""
        target = self._target
        if target is None:
            HttpToolsProtocol.on_message_complete(self)
            return
        assert self.direct is not None
        body, self._target, self._body = self._body, None, b""
        asked = Asked(self.direct, self, target, self.scope)
        self.cycle = asked  # type: ignore[assignment]
        asked.ask(self.headers, body)

    def _take_the_ordinary_way(self) -> None:
        """Hand a request to the application whose body takes its time."""
        body, self._target, self._body = self._body, None, b""
        HttpToolsProtocol.on_headers_complete(self)
        if body:
            HttpToolsProtocol.on_body(self, body)

    def on_response_complete(self) -> None:
        """Go on with a request that has come already, or wait for the next."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._await_next(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing has been asked for long."""
        self.timeout_keep_alive_task = None
        if self.cycle is not None and not self.cycle.response_complete:
            return  # its answer sets the next
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._await_next(left)
        elif not self.transport.is_closing():
            self.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer: when it is due it looks whether the connection is idle."""

    def _await_next(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _head_size(self) -> int:
        """Return how many bytes the whole head has, without spaces that mean nothing."""
        lines = sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n\r\n") + lines

    def _first_data(self, data: bytes) -> None:
        """Find out what the connection speaks, and go on in that."""
        if self._next is not None:
            self._next.data_received(data)
            return
        data = self._first + data
        if data.startswith(_PREFACE) and self.upgrade is not None:
            self._switch(data)
        elif len(data) < len(_PREFACE) and _PREFACE.startswith(data):
            self._first = data  # more is to come before we can tell
        else:
            self._speaks_http = True
            self.data_received(data)

    def pause_writing(self) -> None:
        """Hold back what is to be written."""
        if self._next is not None:
            self._next.pause_writing()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._next is not None:
            self._next.resume_writing()
        super().resume_writing()

    def shutdown(self) -> None:
        """End after what is under way."""
        end = getattr(self._next, "shutdown", None)
        if end is not None:
            end()
        else:
            super().shutdown()

    def _switch(self, data: bytes) -> None:
        upgrade = type(self).upgrade
        assert upgrade is not None
        self._head_came()
        self._next = upgrade()
        self._next.connection_made(self.transport)
        self._next.data_received(data)

    def _still_in_head(self, size: int, *, begun: bool) -> None:
        """Count a piece of a head that goes on; `begun` says that it began somewhere in there."""
        if begun:
            if self.cycle is not None:  # the head before it has come
                self._head_came()
            self._head_bytes, self._uncertain_bytes = 0, size
        self._head_bytes += size
        if self._head_bytes - self._uncertain_bytes > HEAD_BYTES:
            self._refuse_head()
        elif self._head_due is None:
            self._await_head()

    def _refuse_head(self) -> None:
        self._refuse(
            b"431 Request Header Fields Too Large",
            f"the head of the request has more than {HEAD_BYTES} bytes",
        )

    def _await_head(self) -> None:
        self._head_due = self.loop.call_later(HEAD_S, self._head_late)

    def _head_late(self) -> None:
        self._head_due = None
        if self._head_bytes:
            self._refuse(b"408 Request Timeout", "the head of the request did not arrive in time")
        else:
            self.transport.close()

    def _head_came(self) -> None:
        self._head_bytes = 0
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _refuse(self, status: bytes, why: str, headers: bytes = b"") -> None:
        self._head_came()
        if not self.transport.is_closing():
            body = b'{"error":"%s"}' % why.encode()
            self.transport.write(_REFUSAL % (status, len(body), headers, body))
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, in the form of every other refusal."""
        self._refuse(b"400 Bad Request", "this is not a request of HTTP/1.1")


def speaking(upgrade: Upgrade, direct: Direct | None = None) -> type[Connection]:
    """Return the kind of connection that hands HTTP/2 to what `upgrade` makes.

    What is usual is answered by `direct`.
    """
    return type("Speaking", (Connection,), {"upgrade": staticmethod(upgrade), "direct": direct})


def _most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - _SPARE, _SPARE)
