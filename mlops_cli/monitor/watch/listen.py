"""A small server of what a monitor shows: `/metrics` for Prometheus, `/health` for Kubernetes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mlops_cli.core.exposition import CONTENT_TYPE
from mlops_cli.errors import ExternalError, RequestError

Shown = Callable[[], str]
Ailing = Callable[[], str | None]
_PLAIN = "text/plain; charset=utf-8"
_PATIENCE_S = 10


def address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; `:PORT` and `PORT` mean this machine alone.

    Raises:
        RequestError: it is neither.

    >>> address("0.0.0.0:9464"), address(":9464"), address("[::1]:0")
    (('0.0.0.0', 9464), ('127.0.0.1', 9464), ('::1', 0))
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise RequestError(
            f"'{text[:60]}' is no place to listen at", hint="--listen 127.0.0.1:9464"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


@contextmanager
def serving(where: tuple[str, int], shown: Shown, ailing: Ailing) -> Iterator[str]:
    """Serve for a `with` block, which is given the URL.

    Args:
        where: host and port, 0 for a free one.
        shown: the page of metrics.
        ailing: why the monitor is not well; None while it is.

    Raises:
        ExternalError: the place cannot be listened at.
    """

    class Handler(BaseHTTPRequestHandler):
        server_version = "mlo"
        sys_version = ""
        timeout = _PATIENCE_S

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._reply(HTTPStatus.OK, shown(), CONTENT_TYPE)
            elif path == "/health":
                problem = ailing()
                status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
                self._reply(status, f"{problem or 'ok'}\n", _PLAIN)
            else:
                self._reply(HTTPStatus.NOT_FOUND, "there are /metrics and /health\n", _PLAIN)

        do_HEAD = do_GET  # noqa: N815  as http.server calls it

        def _reply(self, status: HTTPStatus, text: str, kind: str) -> None:
            data = text.encode("utf-8", "replace")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = _family(where[0])

        def handle_error(self, *_: object) -> None:
            pass  # who asked is gone

    try:
        server = Server(where, Handler)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ExternalError(
            f"cannot listen at {where[0]}:{where[1]}: {why}", hint="--listen HOST:0, a free port"
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    host = f"[{where[0]}]" if ":" in where[0] else where[0]
    try:
        yield f"http://{host}:{server.server_address[1]}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _family(host: str) -> int:
    import socket

    return socket.AF_INET6 if ":" in host else socket.AF_INET
