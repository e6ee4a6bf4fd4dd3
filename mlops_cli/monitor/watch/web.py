"""One HTTP request, told without what may be secret in its address."""

from collections.abc import Mapping
from socket import gaierror, socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlops_cli import __version__
from mlops_cli.errors import ExternalError
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.deadline import Deadline, within

if TYPE_CHECKING:
    from urllib3 import PoolManager

MOST_S = 30.0
"""So long a request may take in all, also where an answer comes byte by byte."""
_CONNECT_S = 5
_SILENCE_S = 15
_MOST_BYTES = 16 * 1024 * 1024
_MISDIRECTED = 300
_FOR_NOW = (408, 425, 429)
_THEIR_FAULT = 500


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """Send JSON, and return what came of it; that the server wants it later may change."""
    status, _ = _asked("POST", url, body, {"Content-Type": "application/json", **headers})
    said = f"{host(url)} answered {status}"
    if status < _MISDIRECTED:
        return Outcome(done=True, said=said)
    return Outcome(done=False, said=said, again=status in _FOR_NOW or status >= _THEIR_FAULT)


def page(url: str) -> str:
    """Return the text of a page.

    Raises:
        ExternalError: it cannot be had.
    """
    status, data = _asked("GET", url, None, {})
    if status >= _MISDIRECTED:
        raise ExternalError(f"'{host(url)}' answers {status} to '{urlsplit(url).path}'")
    return data.decode("utf-8", "replace")


def host(url: str) -> str:
    """Return the host and port of an address, which is all that is ever told of it.

    >>> host("https://hooks.example.org/services/T0/B0/secret")
    'hooks.example.org'
    """
    return urlsplit(url).netloc.rpartition("@")[2]


def _asked(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    from urllib3 import Timeout
    from urllib3.exceptions import HTTPError

    with within(MOST_S) as deadline:
        try:
            with _pools(url, deadline) as pools:
                answer = pools.request(
                    method,
                    url,
                    body=body,
                    headers={"User-Agent": f"mlo/{__version__}", **headers},
                    timeout=Timeout(connect=_CONNECT_S, read=_SILENCE_S),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                try:
                    read = answer.read(_MOST_BYTES, decode_content=True)
                finally:
                    answer.close()
        except (HTTPError, ValueError, OSError) as error:
            if not deadline.passed:
                raise ExternalError(f"'{host(url)}' cannot be reached: {_why(error)}") from None
    if deadline.passed:
        raise ExternalError(f"'{host(url)}' has not answered within {MOST_S:g} s")
    return answer.status, read


def _pools(url: str, deadline: Deadline) -> "PoolManager":
    """Return what makes connections, by a proxy where there is one, that the deadline cuts."""
    from urllib.request import getproxies, proxy_bypass

    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket:
            made = super()._new_conn()
            deadline.watch(made)
            return made

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket:
            made = super()._new_conn()
            deadline.watch(made)
            return made

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    direct = proxy is None or proxy_bypass(parts.hostname or "")
    pools = PoolManager() if direct else ProxyManager(str(proxy))
    pools.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pools


def _why(error: BaseException) -> str:
    """Return what the system said, else the name of an error; its text would have the address."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, gaierror):
            return "there is no such host"
        if isinstance(below, OSError) and below.errno is not None:
            return (below.strerror or type(below).__name__).lower()
        below = below.__cause__ or below.__context__
    return _plain(type(error).__name__.removesuffix("Error"))


def _plain(why: str) -> str:
    """Return the name of an error as words.

    >>> _plain("ReadTimeout")
    'read timeout'
    """
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in why).strip()
