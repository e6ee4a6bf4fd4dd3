"""Asking an MLflow server: JSON answers that come in pages, and files."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from mlops_cli import __version__
from mlops_cli.errors import ExternalError, RequestError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

AT_ONCE = 8
"""How many requests are on the way at once."""

_SILENCE_S = 60
_TRIES = 4
_AGAIN = (429, 500, 502, 503, 504)
_MOST_BYTES = 256 * 1024 * 1024
_REST, _AJAX = "api/2.0/mlflow", "ajax-api/2.0/mlflow"
_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Unknown(ExternalError):
    """The server knows no such thing, or is older than the question."""


class Client:
    """Asks one server. Threads may share it.

    Who has to sign in does so as with MLflow, by MLFLOW_TRACKING_USERNAME and
    MLFLOW_TRACKING_PASSWORD or by MLFLOW_TRACKING_TOKEN, or by ~/.netrc.
    """

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        self.url = _checked(url)
        self._environment = environment

    def get(self, what: str, **query: str | int) -> dict[str, Any]:
        """Return the answer to a question that changes nothing."""
        given = {name: value for name, value in query.items() if value != ""}
        return self._json("GET", f"{_REST}/{what}?{urlencode(given)}", None)

    def search(self, what: str, **body: Any) -> dict[str, Any]:
        """Return one page of what a search finds."""
        given = {name: value for name, value in body.items() if value != ""}
        return self._json("POST", f"{_REST}/{what}", json.dumps(given).encode())

    def ajax(self, what: str, **query: str | Sequence[str]) -> dict[str, Any]:
        """Return the answer to a question that MLflow's own pages ask."""
        return self._json("GET", f"{_AJAX}/{what}?{urlencode(query, doseq=True)}", None)

    @contextmanager
    def file(self, what: str, *, ajax: bool, **query: str) -> Iterator["BaseHTTPResponse"]:
        """Open a file that the server gives, for reading to its end.

        Raises:
            ExternalError: it breaks off or is refused, also while it is read.
        """
        path = f"{_AJAX}/{what}" if ajax else what
        with self._answer("GET", f"{path}?{urlencode(query)}", None) as answer:
            yield answer

    def _json(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        with self._answer(method, path, body) as answer:
            data = answer.read(_MOST_BYTES + 1, decode_content=True)
        if len(data) > _MOST_BYTES:
            raise ExternalError(f"'{self.url}' gives an answer of more than 256 MiB")
        try:
            held = json.loads(data)
        except ValueError:
            held = None
        if not isinstance(held, dict):
            raise ExternalError(
                f"'{self.url}' does not answer as an MLflow server does",
                hint="give the URL that MLFLOW_TRACKING_URI has",
            )
        return held

    @contextmanager
    def _answer(self, method: str, path: str, body: bytes | None) -> Iterator["BaseHTTPResponse"]:
        from urllib3.exceptions import HTTPError

        headers = {"User-Agent": f"mlo/{__version__}", **self._signed}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(
                method, f"{self.url}/{path}", body=body, headers=headers, preload_content=False
            )
            try:
                self._check(answer, path)
                yield answer
                answer.drain_conn()
            finally:
                answer.release_conn()
        except HTTPError as error:
            raise ExternalError(
                f"cannot read from '{self.url}': {_said(error)}", hint="the same command again"
            ) from error

    def _check(self, answer: "BaseHTTPResponse", path: str) -> None:
        if answer.status == HTTPStatus.OK:
            return
        asked = path.partition("?")[0]
        said = f"'{self.url}' answers {answer.status} to '{asked}'"
        answer.drain_conn()
        if answer.status in _FORBIDDEN:
            raise ExternalError(
                said, hint="set MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN"
            )
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
            raise Unknown(said, hint="give the URL that MLFLOW_TRACKING_URI has")
        raise ExternalError(said)

    @cached_property
    def _pool(self) -> "PoolManager":
        from urllib.request import getproxies, proxy_bypass

        from urllib3 import PoolManager, ProxyManager, Retry

        parts = urlsplit(self.url)
        retries = Retry(
            total=_TRIES,
            connect=1,
            backoff_factor=0.25,
            status_forcelist=_AGAIN,
            allowed_methods=None,  # searches are sent by POST, and change nothing
            raise_on_status=False,
        )
        proxy = getproxies().get(parts.scheme)
        if proxy is None or proxy_bypass(parts.hostname or ""):
            return PoolManager(maxsize=AT_ONCE, retries=retries, timeout=_SILENCE_S)
        return ProxyManager(proxy, maxsize=AT_ONCE, retries=retries, timeout=_SILENCE_S)

    @cached_property
    def _signed(self) -> dict[str, str]:
        """Return the header that signs in, if the user has an account."""
        from base64 import b64encode

        given = self._environment.get
        if token := given("MLFLOW_TRACKING_TOKEN"):
            return {"Authorization": f"Bearer {token}"}
        pair = (given("MLFLOW_TRACKING_USERNAME"), given("MLFLOW_TRACKING_PASSWORD"))
        if pair[0] is None:
            pair = self._account() or pair
        if pair[0] is None:
            return {}
        coded = b64encode(f"{pair[0]}:{pair[1] or ''}".encode()).decode("ascii")
        return {"Authorization": f"Basic {coded}"}

    def _account(self) -> tuple[str, str] | None:
        import netrc

        try:
            found = netrc.netrc(self._environment.get("NETRC")).authenticators(
                urlsplit(self.url).hostname or ""
            )
        except FileNotFoundError:
            return None
        except (netrc.NetrcParseError, OSError, UnicodeDecodeError):
            raise ExternalError("cannot read ~/.netrc", hint="see man netrc for its form") from None
        return None if found is None else (found[0], found[2])


def pages(page: Callable[[str], Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield what all pages have under a name; `page` is given the token of each.

    Raises:
        ExternalError: there is no end of them.
    """
    token, seen = "", set[str]()
    while True:
        held = page(token)
        yield from held.get(name, ())
        token = str(held.get("next_page_token") or "")
        if not token:
            return
        if token in seen:
            raise ExternalError("the server gives the same page again and again")
        seen.add(token)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        good = bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise RequestError(f"{url[:80]!r} is no URL of a server", hint="http://HOST:PORT")
    if "@" in parts.netloc:
        raise RequestError(
            "a URL with a password in it would be seen by others",
            hint="set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
    return f"{parts.scheme}://{parts.netloc}{quote(parts.path, safe='/%').rstrip('/')}"


def _said(error: Exception) -> str:
    """Return what went wrong, without what libraries wrap around it."""
    reason = getattr(error, "reason", None)
    while isinstance(reason, Exception) and getattr(reason, "reason", None):
        reason = reason.reason  # type: ignore[attr-defined]
    text = str(reason or error)
    for words in ("refused", "timed out", "resolve", "certificate verify failed", "IncompleteRead"):
        if words in text:
            return {
                "refused": "connection refused",
                "timed out": "no answer in time",
                "resolve": "no such host",
                "IncompleteRead": "it broke off before the end",
            }.get(words, words)
    return text[:200].lower()
