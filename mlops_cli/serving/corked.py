"""A transport that sends what is written in one turn of the event loop by one system call.

Uvicorn writes the head of an answer and its body one after the other, and each write is a call
into the kernel, which costs more than most of what happens in between.
"""

import asyncio
from typing import Any

_AT_ONCE_BYTES = 256 * 1024


class Corked:
    """Gathers writes; everything else is the transport's own."""

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send `data` at the end of this turn; at once if there is much of it."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        if len(data) > _AT_ONCE_BYTES:
            self._send()

    def send(self, data: bytes) -> None:
        """Send `data` at once, for nothing goes with it."""
        self._send()
        self._transport.write(data)

    def close(self) -> None:
        """Send what was written, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts = self._parts
        if parts:
            self._parts = []
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
