"""A file on a web server arrives whole or not at all, however the connection behaves."""

import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from mlops_cli.errors import ExternalError, StateError
from mlops_cli.imports.http import Download, Gone
from tests.servers.files import FileServer

Fault = Callable[[BaseHTTPRequestHandler], None]
CONTENT = os.urandom(300_000)


@pytest.fixture
def server(file_server: FileServer) -> FileServer:
    """Serve one file."""
    file_server.folder.mkdir()
    (file_server.folder / "a.bin").write_bytes(CONTENT)
    return file_server


def read(url: str, *, etag: str | None = None) -> bytes:
    waits: list[float] = []
    with Download(url, etag, wait=waits.append) as stream:
        pieces = list(iter(lambda: stream.read(50_000), b""))
    assert waits == sorted(waits)
    return b"".join(pieces)


def broken_after(count: int, *, length: int = len(CONTENT), tag: str | None = None) -> Fault:
    """Return a fault: so many bytes of the file, then the connection closes."""

    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        if tag:
            handler.send_header("ETag", tag)
        handler.end_headers()
        handler.wfile.write(CONTENT[:count])
        handler.close_connection = True

    return fault


def status(code: int) -> Fault:
    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return fault


def test_a_connection_that_breaks_goes_on_where_it_did(server: FileServer) -> None:
    with Download(f"{server.url}/a.bin") as first:
        tag = first.etag
    server.faults += [broken_after(100_000, tag=tag), broken_after(0, tag=tag)]
    server.asked.clear()
    assert read(f"{server.url}/a.bin") == CONTENT
    assert server.asked[-1][2] == "bytes=100000-"


def test_a_server_without_ranges_or_etags_is_read_again_from_the_start(server: FileServer) -> None:
    server.ranges = False
    server.faults += [broken_after(100_000), broken_after(len(CONTENT))]
    assert read(f"{server.url}/a.bin") == CONTENT


def test_a_server_that_is_busy_is_asked_again(server: FileServer) -> None:
    server.faults += [status(503), status(429)]
    assert read(f"{server.url}/a.bin") == CONTENT


def test_a_file_that_changes_while_it_is_read_is_refused(server: FileServer) -> None:
    server.faults.append(broken_after(100_000, tag='"old"'))
    with pytest.raises(StateError, match="changed while it was read"):
        read(f"{server.url}/a.bin")


def test_other_bytes_on_the_second_try_are_refused(server: FileServer) -> None:
    server.ranges = False
    other = bytes(len(CONTENT))

    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(other)))
        handler.end_headers()
        handler.wfile.write(other)

    server.faults += [broken_after(100_000), fault]
    with pytest.raises(StateError, match="changed while it was read"):
        read(f"{server.url}/a.bin")


def test_what_never_comes_whole_is_given_up(server: FileServer) -> None:
    server.faults += [broken_after(0)] * 20
    with pytest.raises(ExternalError, match="broke off after 0 of 300000 bytes"):
        read(f"{server.url}/a.bin")


def test_a_server_that_has_nothing_says_so_once(server: FileServer) -> None:
    with pytest.raises(Gone, match="answered 404"):
        read(f"{server.url}/none")
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(ExternalError, match="connection refused"):
        read("http://127.0.0.1:9/x")


def test_nobody_signs_in_where_a_redirect_leads(
    server: FileServer, own_home: Path, tmp_path: Path
) -> None:
    (own_home / ".netrc").write_text("machine 127.0.0.1 login ada password hush\n")
    (own_home / ".netrc").chmod(0o600)
    elsewhere = f"http://localhost:{server.server_port}/a.bin"

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", elsewhere)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.faults.append(redirect)
    assert read(f"{server.url}/a.bin") == CONTENT
    assert "Authorization" in server.headers[0]
    assert "Authorization" not in server.headers[1]


def test_a_redirect_reads_no_local_file(server: FileServer) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "file:///etc/passwd")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.faults.append(redirect)
    with pytest.raises(ExternalError):
        read(f"{server.url}/a.bin")
