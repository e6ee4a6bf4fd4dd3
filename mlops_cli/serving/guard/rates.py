"""How many requests a second each client may send; who sends more is told when to come again.

Of each client one number is kept, the time at which it will have been quiet long enough (GCRA). It
lies in memory made before processes are forked, so that all of them count a client's requests
together. Two of them that count one client in the same instant may let one request too many pass.
"""

import hashlib
import ipaddress
import mmap
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil

from mlops_cli.core.config_serving import Limits
from mlops_cli.serving.guard.tokens import OPEN
from mlops_cli.serving.refusal import Refused

_CLIENTS = 1 << 14
"""So many are remembered at once; of more, those that have been quiet longest are forgotten."""
_NEAR = 8
"""A client is looked for in so many places."""
_HOST_BITS = 64
"""Of an address of IPv6: whoever has a network has all of them."""
_FREE = OPEN | {"/metrics"}
_HEADER = "header:"


class Rates:
    """Lets a client's requests pass up to a rate, and refuses the rest with 429."""

    def __init__(
        self, limits: Limits, *, by_token: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the rate from the settings; call this before processes are forked.

        With `by_token` requests come with a token that was found good before they are counted.
        """
        assert limits.requests_per_second is not None
        self._rate = limits.requests_per_second
        self._interval = 1.0 / self._rate
        burst = limits.burst or max(1, ceil(self._rate))
        self._slack = (burst - 1) * self._interval
        by = limits.by
        self._header = by[len(_HEADER) :].lower().encode() if by.startswith(_HEADER) else None
        self._by_token = by_token
        self._clock = clock
        self._cells = memoryview(mmap.mmap(-1, _CLIENTS * 16)).cast("d")

    def check(self, path: str, headers: Mapping[bytes, bytes], address: str | None) -> None:
        """Count a request, or refuse it with 429; `address` is where it comes from."""
        if path in _FREE:
            return
        place = self._place(self._client(headers, address))
        now, cells = self._clock(), self._cells
        quiet_at = max(cells[place + 1], now)
        early = quiet_at - now - self._slack
        if early > 0:
            seconds = max(1, ceil(early))
            raise Refused(
                429,
                f"this client may send {self._rate:g} requests a second: try again in {seconds} s",
                headers=[(b"retry-after", b"%d" % seconds)],
            )
        cells[place + 1] = quiet_at + self._interval

    def _client(self, headers: Mapping[bytes, bytes], address: str | None) -> bytes:
        """Return what tells a client from others: a header, its token, or its address."""
        if self._header is not None:
            named = headers.get(self._header)
            if named:
                return b"h" + named
        if self._by_token and self._header is None:
            return b"t" + headers.get(b"authorization", b"").partition(b" ")[2].strip()
        return b"a" + _network(address)

    def _place(self, client: bytes) -> int:
        """Return where a client's numbers are: its mark, and when it will have been quiet."""
        digest = hashlib.blake2b(client, digest_size=12).digest()
        mark = float(int.from_bytes(digest[:6], "big") + 1)
        first = int.from_bytes(digest[6:], "big")
        cells, oldest = self._cells, -1
        for step in range(_NEAR):
            place = 2 * ((first + step) % _CLIENTS)
            if cells[place] == mark:
                return place
            if oldest < 0 or cells[place + 1] < cells[oldest + 1]:
                oldest = place
        cells[oldest], cells[oldest + 1] = mark, 0.0
        return oldest


@lru_cache(maxsize=1024)
def _network(address: str | None) -> bytes:
    """Return an address of IPv4, or the network of one of IPv6."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return b""
    return found.packed if found.version == 4 else found.packed[: _HOST_BITS // 8]
