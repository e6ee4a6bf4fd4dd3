"""A file on a web server: read once from start to end, over as many connections as it takes.

A connection that breaks is made again, from the byte where it broke if the server can do that.
What says that it is still the same file is its ETag or, where there is none, the bytes themselves.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from blake3 import blake3

from mlops_cli import __version__
from mlops_cli.data.source import Source
from mlops_cli.errors import ExternalError, RequestError, StateError
from mlops_cli.imports import urls
from mlops_cli.imports.arrival import Arrival, Errand, Newer

_PATIENCE = 5
"""How often in a row a server may give nothing."""

_SILENCE_S = 60
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_SKIP_BYTES = 1024 * 1024
_BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)


def bring(source: Source, errand: Errand, *, url: str | None = None) -> Arrival | None:
    """Bring the file at a URL; None if the server says that it is as it was.

    `url` is what to ask for, when what is remembered has a signature masked.

    Raises:
        ExternalError: the server cannot be reached, refuses, or breaks off again and again.
        StateError: the file changed while it was read.
        IntegrityError: it is not what the checksum says.
    """
    asked = url or source.url
    if urls.is_masked(asked):
        raise RequestError(
            f"'{source.url}' was a signed URL, which is not kept",
            hint="sign a new one, then: mlo import URL PATH",
        )
    stream = Download(asked, source.etag, source.modified)
    if stream.unchanged:
        return None
    with stream:
        if source.etag is not None and stream.etag == source.etag:
            return None
        if errand.ask_only and (stream.etag or stream.modified):
            raise Newer
        oid, size = errand.put(stream, source.checksum)
    said = replace(source, url=urls.safe(source.url), etag=stream.etag, modified=stream.modified)
    return Arrival(said, oid, "file", size)


class Gone(ExternalError):
    """The server has nothing there."""


class Download:
    """The bytes of one file on a web server, as a stream."""

    def __init__(
        self,
        url: str,
        etag: str | None = None,
        modified: str | None = None,
        *,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask for the file; `etag` and `modified` are what it had when it was last brought."""
        self._url = url
        self._wait = wait
        self._passed = blake3()
        self._at = 0
        self._tries = 0
        asks = {"If-None-Match": etag, "If-Modified-Since": modified if etag is None else None}
        self._answer: Any = self._open({key: value for key, value in asks.items() if value})
        self.unchanged = self._answer is None
        if self._answer is not None:
            self.etag: str | None = self._answer.headers["ETag"]
            self.modified: str | None = self._answer.headers["Last-Modified"]
            self.size = _length(self._answer.headers["Content-Length"])

    def __enter__(self) -> "Download":
        return self

    def __exit__(self, *error: object) -> None:
        if self._answer is not None:
            self._answer.close()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none only when all of them have come."""
        while True:
            try:
                piece: bytes = self._answer.read(size)
            except _BROKEN as error:
                self._reconnect(str(error) or type(error).__name__)
                continue
            if piece:
                self._passed.update(piece)
                self._at += len(piece)
                self._tries = 0
                return piece
            if self.size is None or self._at == self.size:
                return b""
            if self._at > self.size:
                raise self._failed(f"sent {self._at} bytes instead of {self.size}")
            self._reconnect(f"broke off after {self._at} of {self.size} bytes")

    def _reconnect(self, why: str) -> None:
        """Go on where the connection broke."""
        while not self._resumed(why):
            why = "broke off, and cannot go on where it did"

    def _resumed(self, why: str) -> bool:
        self._answer.close()
        self._again(why)
        headers = {"Range": f"bytes={self._at}-"} if self._at else {}
        if self.etag and not self.etag.startswith("W/"):
            headers["If-Range"] = self.etag
        self._answer = self._open(headers)
        if self._answer.headers["ETag"] != self.etag:
            raise self._changed()
        if self._answer.status == http.client.PARTIAL_CONTENT:
            start = str(self._answer.headers["Content-Range"]).partition("-")[0]
            if start != f"bytes {self._at}":
                raise self._failed("sends another part than was asked for")
            return True
        return self._skip()

    def _skip(self) -> bool:
        """Read again what has come already, from a server that begins anew; return whether it came.

        Raises:
            StateError: it is not what came before.
        """
        seen, left = blake3(), self._at
        while left:
            try:
                piece = self._answer.read(min(left, _SKIP_BYTES))
            except _BROKEN:
                piece = b""
            if not piece:
                return False
            seen.update(piece)
            left -= len(piece)
        if seen.digest() != self._passed.digest():
            raise self._changed()
        return True

    def _open(self, headers: Mapping[str, str]) -> Any:
        """Return the server's answer; None when the file is as it was."""
        while True:
            try:
                return _opener().open(_request(self._url, headers), timeout=_SILENCE_S)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == http.client.NOT_MODIFIED:
                        return None
                    if error.code not in _AGAIN:
                        raise self._refused(error.code, error.reason) from None
                self._again(f"answered {error.code} {error.reason}")
            except urllib.error.URLError as error:
                reason = error.reason
                if not isinstance(reason, _BROKEN):
                    raise self._failed(_said(reason)) from None
                self._again(_said(reason))
            except _BROKEN as error:
                self._again(_said(error))
            except ValueError as error:
                raise RequestError(f"'{urls.safe(self._url)}' is no URL: {error}") from None

    def _again(self, why: str) -> None:
        """Wait a while, longer each time, or give up."""
        self._tries += 1
        if self._tries >= _PATIENCE:
            raise self._failed(f"{why} ({_PATIENCE} times)")
        self._wait(0.25 * 2**self._tries)

    def _refused(self, status: int, reason: str) -> ExternalError:
        said = f"'{urls.safe(self._url)}' answered {status} {reason}"
        if status in (404, 410):
            return Gone(said, hint="see whether the URL is right")
        host = urlsplit(self._url).hostname
        sign_in = f"sign in: a line for {host} in ~/.netrc" if status in (401, 403) else None
        return ExternalError(said, hint=sign_in)

    def _failed(self, why: str) -> ExternalError:
        return ExternalError(f"cannot get '{urls.safe(self._url)}': {why}", hint="try again later")

    def _changed(self) -> StateError:
        return StateError(
            f"'{urls.safe(self._url)}' changed while it was read", hint="the same command again"
        )


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens web pages and nothing else: a redirect leads to no local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _request(url: str, headers: Mapping[str, str]) -> urllib.request.Request:
    request = urllib.request.Request(url, headers=dict(headers))
    request.add_header("User-Agent", f"mlo/{__version__}")
    request.add_header("Accept-Encoding", "identity")
    signed = _authorization(url)
    if signed is not None:  # not for another host that a redirect leads to
        request.add_unredirected_header("Authorization", signed)
    return request


def _authorization(url: str) -> str | None:
    """Return what ~/.netrc has for the host, as curl and git send it."""
    import base64
    import netrc

    host = urlsplit(url).hostname
    try:
        found = netrc.netrc().authenticators(host or "")
    except FileNotFoundError:
        return None
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError):
        raise ExternalError("cannot read ~/.netrc", hint="see man netrc for its form") from None
    if found is None or not found[2]:
        return None
    return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode("ascii")


def _length(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _said(error: object) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).lower()
