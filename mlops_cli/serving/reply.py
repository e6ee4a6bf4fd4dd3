"""What a handler hands back: everything that goes over the wire but the length."""

from collections.abc import Sequence
from typing import NamedTuple

JSON = b"application/json"


class Reply(NamedTuple):  # a frozen dataclass takes three times as long to make
    """One answer of the server."""

    body: bytes
    content_type: bytes = JSON
    status: int = 200
    headers: Sequence[tuple[bytes, bytes]] = ()
