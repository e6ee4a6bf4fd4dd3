"""What a handler hands back: everything that goes over the wire but the length."""

from collections.abc import Sequence
from dataclasses import dataclass

JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server."""

    body: bytes
    content_type: bytes = JSON
    status: int = 200
    headers: Sequence[tuple[bytes, bytes]] = ()
