"""One call on a connection: what has come of it, and what is still to be sent."""

import asyncio
import re
from dataclasses import dataclass, field

from mlops_cli.serving.guard.encoding import plain
from mlops_cli.serving.refusal import Refused

Headers = dict[bytes, bytes]
PREFIX = 5
"""Before a message: whether it is compressed, one byte, and its length, four."""
_TIMEOUT = re.compile(rb"(\d{1,8})([HMSmun])")
_UNITS_S = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


@dataclass(slots=True, eq=False)
class Call:
    """A stream with a request on it."""

    headers: Headers
    received: bytearray = field(default_factory=bytearray)
    task: "asyncio.Task[None] | None" = None
    due: asyncio.TimerHandle | None = None
    """Ends the call if its message does not arrive."""
    unsent: bytes = b""
    trailers: list[tuple[str, str]] | None = None

    def cancel(self) -> None:
        """Forget the call, whatever it waits for."""
        if self.due is not None:
            self.due.cancel()
        if self.task is not None:
            self.task.cancel()


def message(call: Call, *, limit: int) -> bytes:
    """Return the one message of a call.

    Raises:
        Refused: there is none, or more than one, or it is too large or damaged.
    """
    data = bytes(call.received)
    length = int.from_bytes(data[1:PREFIX], "big") if len(data) >= PREFIX else -1
    if length != len(data) - PREFIX:
        raise Refused(400, "the call must have one whole message")
    body = data[PREFIX:]
    if data[0] == 0:
        return body
    encoding = call.headers.get(b"grpc-encoding", b"")
    if encoding in {b"", b"identity"}:
        raise Refused(400, "the message is compressed, but no grpc-encoding says how")
    return plain(body, encoding, limit)


def framed(message: bytes) -> bytes:
    """Return a message with its prefix, not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def timeout_s(headers: Headers) -> float | None:
    """Return how long the client waits, None when it does not say."""
    match = _TIMEOUT.fullmatch(headers.get(b"grpc-timeout", b""))
    return None if match is None else int(match[1]) * _UNITS_S[match[2]]
