"""The body of a request, as it arrives: whole, not too large, not too slow."""

import asyncio

from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.routes import Message, Receive

_DISCARD_TIMES = 4
"""A body this many times too large is still read to its end, so that the client sees why."""
_BODY_S = 60.0
"""A body must have arrived by then."""


async def whole(receive: Receive, length: bytes | None, *, limit: int) -> bytes:
    """Return the whole body; `length` is what its header says.

    Raises:
        Refused: 413 when it has more than `limit` bytes, 408 when it is too slow.
    """
    if length is not None and int(length) > _DISCARD_TIMES * limit:
        raise _too_large(limit)
    message = await receive() if length else None
    if message and not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message["body"]
    else:
        body = await _in_pieces(receive, message, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _in_pieces(receive: Receive, message: Message | None, limit: int) -> bytes:
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


def _too_large(limit: int) -> Refused:
    return Refused(
        413,
        f"the body has more than the {limit} bytes that a request may have:"
        " send the rows in several requests",
        headers=[(b"connection", b"close")],
    )
