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

HEAD_S = 10.0
"""The head of a request must have arrived that long after the connection or its first byte."""
HEAD_BYTES = 64 * 1024
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
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
        HttpToolsProtocol.on_headers_complete(self)

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
            if self._head_bytes:  # of the head before it, which has come
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


def speaking(upgrade: Upgrade) -> type[Connection]:
    """Return the kind of connection that hands HTTP/2 to what `upgrade` makes."""
    return type("Speaking", (Connection,), {"upgrade": staticmethod(upgrade)})


def _most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - _SPARE, _SPARE)
