"""A bare ASGI application that says always the same: the floor."""

import sys
from typing import Any

import uvicorn

_BODY = (
    b'{"model":"lr","version":1,"predictions":[{"id":"0123456789abcdef-12345","prediction":1,'
    b'"probabilities":{"0":0.12345678901234567,"1":0.8765432109876543}}]}'
)
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))],
}
_END = {"type": "http.response.body", "body": _BODY}


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Read a request and answer."""
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send(_END)


uvicorn.run(
    app,
    port=int(sys.argv[1]),
    loop="uvloop",
    http="httptools",
    lifespan="off",
    ws="none",
    log_level="critical",
    access_log=False,
)
