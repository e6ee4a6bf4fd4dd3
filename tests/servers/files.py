"""A web server of a folder in a thread: ranges, ETags, kept connections, and faults on order."""

import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

CERTIFICATE = Path(__file__).with_name("localhost-for-tests.pem")
"""Certificate and key of a `localhost` that nobody trusts."""


class FileServer(ThreadingHTTPServer):
    """Serves files below `folder`, and keeps `asked`: method, path, Range and status of each."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.ranges = True
        self.asked: list[tuple[str, str, str | None, int]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.faults: list[Callable[[BaseHTTPRequestHandler], None]] = []
        """Each answers one request in place of the server, the first one first."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Bear that a client leaves before the end; it may have all that it wants."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(folder: Path, *, tls: bool = False) -> Iterator[FileServer]:
    """Serve a folder for as long as the block runs."""
    server = FileServer(folder)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def file_server(tmp_path: Path) -> Iterator[FileServer]:
    """Serve the folder `served` of this test."""
    with serving(tmp_path / "served") as server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.server.headers.append(dict(self.headers))
        if self.server.faults:
            self.server.faults.pop(0)(self)
            return
        path = self.server.folder / unquote(self.path).lstrip("/")
        if not path.is_file():
            self.reply(HTTPStatus.NOT_FOUND, b"nothing here")
            return
        data = path.read_bytes()
        tag = f'"{md5(data).hexdigest()}"'
        wanted = self.headers.get("Range") if self.server.ranges else None
        if self.headers.get("If-None-Match") == tag:
            self.reply(HTTPStatus.NOT_MODIFIED, None)
        elif wanted is None:
            self.reply(HTTPStatus.OK, data, ETag=tag)
        else:
            self._part(data, wanted, tag)

    def _part(self, data: bytes, wanted: str, tag: str) -> None:
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(data)) + 1, len(data))
        if start >= len(data):
            whole = {"Content-Range": f"bytes */{len(data)}"}
            self.reply(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", **whole)
        else:
            part = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}", "ETag": tag}
            self.reply(HTTPStatus.PARTIAL_CONTENT, data[start:end], **part)

    def reply(self, status: int, body: bytes | None, **headers: str) -> None:
        """Send an answer; without a body it tells no length."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body is not None and self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("Range"), int(code)))

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""
