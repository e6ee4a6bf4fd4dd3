"""A remote that a web server shows: read-only, over HTTPS, by ranges where it knows them."""

import os
import re
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.remotes.transport import MOST_WHOLE, MissingKey, too_large

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_CONNECT_S = 4
_SILENCE_S = 10
_PATIENCE_S = 10
"""For how long a request that failed is made again."""
_PAUSES_S = (0.1, 0.4, 1.6)
_REDIRECTS = 5
_PIECE_BYTES = 1024 * 1024
_AT_ONCE = 8
_AGAIN = (429, 500, 502, 503, 504)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, 407)
_NO_HEAD = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_UNSAFE = 416  # RFC 9110: the range begins where the content has ended

Found = TypeVar("Found")


class HttpTransport:
    """Keys are paths below a URL. May be used by several threads at once.

    Who signs in does so by `~/.netrc`, as with curl and git.
    """

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        self.url = _place(url)
        self._environment = environment
        self._seen: dict[str, tuple[str, bytes]] = {}

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see `Transport`.

        From a server that knows no ranges, all before them is read too, and dropped.
        """
        if length is None and not start:
            return self._whole(key)
        if length == 0:
            self.size(key)
            return b""
        last = "" if length is None else start + length - 1

        def take(answer: "BaseHTTPResponse") -> bytes:
            if answer.status == _UNSAFE:
                return b""
            if answer.status == HTTPStatus.PARTIAL_CONTENT:
                return self._part(key, answer, start, length)
            return _taken(answer, start, length)

        return self._ask("GET", key, {"Range": f"bytes={start}-{last}"}, take, also=[_UNSAFE])

    def _whole(self, key: str) -> bytes:
        """Read a file, which is sent again only if it was changed since."""
        tag, known = self._seen.get(key, ("", b""))
        headers = {"Cache-Control": "no-cache"} | ({"If-None-Match": tag} if tag else {})

        def take(answer: "BaseHTTPResponse") -> bytes:
            if answer.status == HTTPStatus.NOT_MODIFIED:
                answer.read()
                return known
            data = _taken(answer, 0, MOST_WHOLE + 1)
            if len(data) > MOST_WHOLE:
                raise too_large(key, self.url)
            if "ETag" in answer.headers and not key.startswith("packs/"):
                self._seen[key] = (answer.headers["ETag"], data)
            return data

        return self._ask("GET", key, headers, take, also=[HTTPStatus.NOT_MODIFIED] if tag else [])

    def _part(self, key: str, answer: "BaseHTTPResponse", start: int, length: int | None) -> bytes:
        """Return the body of a partial answer, if it is the part that was asked for."""
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", ""))
        if found:
            first, last, size = (int(number) for number in found.groups())
            end = size if length is None else min(size, start + length)
            if (first, last + 1) == (start, end):
                data = _taken(answer, 0, end - start)
                if len(data) == end - start:
                    return data
        raise ExternalError(f"the remote '{self.url}' sent another part of '{key}' than asked for")

    def size(self, key: str) -> int:
        """Return the size of a file; see `Transport`."""

        def told(answer: "BaseHTTPResponse") -> int | None:
            length = answer.headers.get("Content-Length", "")
            answer.read()
            return int(length) if answer.status not in _NO_HEAD and length.isdecimal() else None

        size = self._ask("HEAD", key, {}, told, also=_NO_HEAD)
        return size if size is not None else self._counted(key)

    def _counted(self, key: str) -> int:
        """Return the size by asking for the first byte; at worst by reading all."""

        def take(answer: "BaseHTTPResponse") -> int:
            found = re.search(r"/(\d+)$", answer.headers.get("Content-Range", ""))
            if found:
                return int(found[1])
            if answer.status != HTTPStatus.OK:
                raise ExternalError(f"the remote '{self.url}' does not tell the size of '{key}'")
            return sum(iter(lambda: len(answer.read(_PIECE_BYTES, decode_content=False)), 0))

        return self._ask("GET", key, {"Range": "bytes=0-0"}, take, also=[_UNSAFE])

    def write_new(self, key: str, source: Path | bytes) -> None:
        """Refuse: nothing can be written; see `Transport`."""
        raise self._read_only()

    def list(self, prefix: str) -> list[str]:
        """Refuse: a web server lists nothing; see `Transport`."""
        raise RequestError(f"the remote '{self.url}' is over HTTP, which cannot list what is there")

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        """Refuse: nothing can be written; see `Transport`."""
        raise self._read_only()

    def _read_only(self) -> RequestError:
        return RequestError(
            f"the remote '{self.url}' is read-only, as all over HTTP are",
            hint="push to the folder, bucket or host that the web server shows",
        )

    def _ask(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str],
        take: Callable[["BaseHTTPResponse"], Found],
        *,
        also: Collection[int],
    ) -> Found:
        """Return what `take` makes of the answer; ask again while that may help.

        `also` are the status codes besides 200 and 206 that `take` understands.
        """
        from urllib3.exceptions import HTTPError

        began = time.monotonic()
        for pause in (*_PAUSES_S, None):
            try:
                answer = self._follow(method, f"{self.url}/{quote(key)}", headers)
                try:
                    if answer.status not in _AGAIN or _is_last(pause, began):
                        self._refuse(key, answer, also)
                        return take(answer)
                finally:
                    answer.close()
            except HTTPError as error:
                if _is_last(pause, began) or _is_hopeless(error):
                    raise self._unreachable(error) from error
            time.sleep(pause or 0)
        raise AssertionError("the last try returns or raises")

    def _follow(self, method: str, url: str, headers: Mapping[str, str]) -> "BaseHTTPResponse":
        """Return the answer of whoever `url` leads to."""
        from urllib3 import Timeout

        for _ in range(_REDIRECTS + 1):
            answer = self._pool(url).request(
                method,
                url,
                headers={"Accept-Encoding": "identity", **headers, **self._sign_in(url)},
                timeout=Timeout(connect=_CONNECT_S, read=_SILENCE_S),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            target = answer.get_redirect_location()
            if not target:
                return answer
            answer.close()
            url = urljoin(url, target)
            if not _safe(url):
                raise ExternalError(f"the remote '{self.url}' leads to a place that is not HTTPS")
        raise ExternalError(f"the remote '{self.url}' leads from one place to another without end")

    def _refuse(self, key: str, answer: "BaseHTTPResponse", also: Collection[int]) -> None:
        """Raise unless the status is one of success, or of `also`."""
        status = answer.status
        if status in also:
            return
        if status in _GONE:
            raise MissingKey(f"'{key}' is not on the remote '{self.url}'")
        if status in _FORBIDDEN:
            raise ExternalError(
                f"the remote '{self.url}' forbids reading '{key}' ({status})",
                hint="put `machine HOST login NAME password SECRET` into ~/.netrc",
            )
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise ExternalError(f"the remote '{self.url}' answered {status} for '{key}'")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise ExternalError(
                f"the remote '{self.url}' sends '{key}' compressed, which was not asked for"
            )

    def _unreachable(self, error: Exception) -> ExternalError:
        why = next(
            (words for name, words in _CAUSES if name in repr(error)), "the connection failed"
        )
        return ExternalError(
            f"cannot reach the remote '{self.url}': {why}",
            hint="see whether the network is up and the URL is right",
        )

    def _pool(self, url: str) -> "PoolManager":
        """Return the connections to use for a URL: straight, or by the proxy that is set."""
        from urllib.request import getproxies, proxy_bypass

        parts = urlsplit(url)
        proxy = getproxies().get(parts.scheme)
        return self._pools(None if proxy_bypass(parts.hostname or "") else proxy)

    @cached_property
    def _pools(self) -> Callable[[str | None], "PoolManager"]:
        from functools import cache

        from urllib3 import PoolManager, ProxyManager, make_headers

        def pools(proxy: str | None) -> PoolManager:
            if proxy is None:
                return PoolManager(maxsize=_AT_ONCE)
            parts = urlsplit(proxy)
            auth = f"{parts.username}:{parts.password or ''}" if parts.username else None
            return ProxyManager(
                proxy, maxsize=_AT_ONCE, proxy_headers=make_headers(proxy_basic_auth=auth)
            )

        return cache(pools)

    def _sign_in(self, url: str) -> dict[str, str]:
        """Return the header that signs in to just this host, if the user has an account there."""
        account = self._accounts.get(urlsplit(url).hostname or "")
        if account is None:
            return {}
        from base64 import b64encode

        pair = b64encode(f"{account[0]}:{account[2]}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    @cached_property
    def _accounts(self) -> Mapping[str, tuple[str, str, str]]:
        import netrc

        path = Path(self._environment.get("NETRC") or "~/.netrc").expanduser()
        try:
            return netrc.netrc(str(path)).hosts
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError):
            raise ExternalError(f"cannot read '{path}'") from None
        except netrc.NetrcParseError:
            raise ExternalError(f"'{path}' is not laid out as a netrc file is") from None


_CAUSES = (
    ("NameResolutionError", "no such host"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted (see SSL_CERT_FILE)"),
    ("SSLError", "it does not speak TLS"),
    ("ProxyError", "the proxy failed"),
    ("Timeout", "no answer in time"),
    ("Connection refused", "connection refused"),
    ("unreachable", "the network is unreachable"),
    ("IncompleteRead", "it broke off before the end"),
    ("RemoteDisconnected", "it hung up"),
)


def _is_last(pause: float | None, began: float) -> bool:
    return pause is None or time.monotonic() - began > _PATIENCE_S


def _is_hopeless(error: Exception) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in repr(error)


def _taken(answer: "BaseHTTPResponse", skip: int, length: int | None) -> bytes:
    """Return a body after its first `skip` bytes, and no more than `length` of it.

    Raises:
        HTTPError: it ended before the length that its header tells.
    """
    end = None if length is None else skip + length
    parts: list[bytes] = []
    at = 0
    while end is None or at < end:
        most = _PIECE_BYTES if end is None else min(_PIECE_BYTES, end - at)
        piece = answer.read(most, decode_content=False)
        if not piece:
            break
        parts.append(piece[max(0, skip - at) :])
        at += len(piece)
    return b"".join(parts)


def _place(url: str) -> str:
    """Return the URL without a slash at its end. What may be a secret is not repeated."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise RequestError(
            "the URL of an HTTP remote takes no credentials or options",
            hint="write https://HOST/PATH, and put the account into ~/.netrc",
        )
    try:
        good = (
            bool(parts.hostname)
            and parts.port != 0
            and url.isprintable()
            and " " not in parts.netloc
        )
    except ValueError:
        good = False
    if not good:
        raise RequestError(f"{url!r} names no place on the web", hint="https://HOST/PATH")
    if not _safe(url):
        raise RequestError(
            f"'{url}' is not HTTPS: whoever is on the way could put other models in their place",
            hint="use https://; http:// is for this machine alone",
        )
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _safe(url: str) -> bool:
    """Return whether nobody on the way can change what comes from there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or ""))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
