"""Connections of people who mean harm, or have a poor line: limits of time, of size, of number."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mlops_cli.serving.guard import connection
from tests.serving.conftest import ROW, Running
from tests.serving.served import served

BODY = json.dumps({"rows": [ROW]}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("project") / "here") as one:
        yield one


@pytest.fixture(autouse=True)
def still_lives(running: Running) -> Iterator[None]:
    yield
    assert running.predict().status_code == 200
    assert not running.said


class Raw:
    """A socket to the server, without any manners."""

    def __init__(self, running: Running) -> None:
        host, port = running.ready.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)

    def send(self, data: bytes) -> "Raw":
        self.socket.sendall(data)
        return self

    def all(self) -> bytes:
        """Return what comes until the server hangs up."""
        with self.socket:
            received = b""
            try:
                while piece := self.socket.recv(65536):
                    received += piece
            except ConnectionResetError:
                pass
            return received

    def status(self) -> int:
        """Return the status of the one answer that comes before the server hangs up."""
        received = self.all()
        return int(received.split(b" ", 2)[1]) if received else 0


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)


def test_a_head_that_trickles_in_is_ended(running: Running, hasty: None) -> None:
    for start in (b"POST", HEAD, b"GET /health HTTP/1.1\r\nhost: x\r\nx: "):
        assert Raw(running).send(start).status() == 408
    for start in (b"P", b"PRI * HTTP/2.0\r\n"):
        assert Raw(running).send(start).status() == 0


def test_a_second_head_that_trickles_in_is_ended_too(running: Running, hasty: None) -> None:
    received = Raw(running).send(WHOLE + HEAD).all()
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1 408 Request Timeout" in received


def test_connections_that_never_ask_are_closed(running: Running, hasty: None) -> None:
    idle = [Raw(running) for _ in range(200)]
    assert running.predict().status_code == 200
    assert {one.all() for one in idle} == {b""}


def test_a_head_without_end_is_ended(running: Running) -> None:
    raw = Raw(running).send(b"GET /health HTTP/1.1\r\nhost: x\r\nx: ")
    with pytest.raises(OSError):  # noqa: PT011  broken pipe or reset, as it comes
        for _ in range(2000):
            raw.send(b"y" * 10_000)
    raw.socket.close()
    many = b"".join(b"x%d: y\r\n" % i for i in range(20_000))
    assert Raw(running).send(HEAD + many).status() in {0, 431}


def _headed(size: int) -> bytes:
    """Return a request whose head has so many bytes."""
    start, end = b"GET /health HTTP/1.1\r\nconnection: close\r\nx: ", b"\r\n\r\n"
    return start + b"y" * (size - len(start) - len(end)) + end


def test_a_head_that_is_too_long_by_a_byte_is_told_so(running: Running) -> None:
    most = connection.HEAD_BYTES
    for size, status in ((most, 200), (most + 1, 431), (70_000, 431)):
        assert Raw(running).send(_headed(size)).status() == status
        halves = Raw(running).send(_headed(size)[:30_000])
        assert halves.send(_headed(size)[30_000:]).status() == status
    for length, status in ((60_000, 404), (70_000, 431)):
        asked = b"GET /%s HTTP/1.1\r\nconnection: close\r\n\r\n" % (b"y" * length)
        assert Raw(running).send(asked).status() == status


def test_many_short_heads_in_a_row_are_no_long_one(running: Running, hasty: None) -> None:
    many = b"GET /health HTTP/1.1\r\nx: y\r\n\r\n" * 10_000
    raw = Raw(running)
    threading.Thread(target=raw.send, args=(many + _headed(100),)).start()
    received = raw.all()
    assert received.count(b"HTTP/1.1 200") == 10_001
    assert received.count(b"HTTP/1.1 ") == 10_001


def test_more_connections_than_there_may_be_are_told_to_come_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.predict()
    monkeypatch.setattr(connection.Connection, "most", 2)
    first, second = Raw(running), Raw(running)
    turned_away = second.all()
    assert turned_away.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in turned_away
    first.socket.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /health HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        HEAD + b"content-length: +5\r\n\r\nabcde",
        HEAD + b"content-length: -1\r\n\r\n",
        HEAD + b"content-length: 99999999999999999999999\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b" content-length: 5\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nx: a\0b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"\0" * 100,
    ],
    ids=lambda value: str(value[-40:]),
)
def test_what_two_readers_could_read_in_two_ways_is_refused(
    request_line: bytes, running: Running, hasty: None
) -> None:
    received = Raw(running).send(request_line).all()
    assert b"200 OK" not in received
    assert b"Traceback" not in received
    if b"PRI" not in request_line:
        assert received.count(b"HTTP/1.1 400") == 1


def test_requests_one_behind_the_other_are_answered_in_order(running: Running) -> None:
    bad = WHOLE.replace(b'"loam"', b'"sand"')
    last = WHOLE.replace(b"host: x", b"host: x\r\nconnection: close")
    received = Raw(running).send(WHOLE + bad + last).all()
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"422", b"200"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x" * 5000: "y" * 5000},
        {"content-type": "application/json", "x-\xff": "\xff"},
        {"content-type": "\xff\xfe"},
        {"content-encoding": "gzip"},
        {"content-encoding": "\xff"},
        {"inference-header-content-length": "\xff"},
        {"accept": "text/html;" * 500, "host": ""},
        {"authorization": "Bearer " + "x" * 10_000},
        {"expect": "200-ok"},
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_headers_are_answered_in_words(headers: dict[str, str], running: Running) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
    for path in (b"/predict", b"/v2/models/plant/infer", b"/invocations", b"/feedback"):
        head = b"POST %s HTTP/1.1\r\nconnection: close\r\n" % path
        length = b"content-length: %d\r\n\r\n" % len(BODY)
        received = Raw(running).send(head + lines + length + BODY).all()
        status, body = received.split(b" ", 2)[1], received.partition(b"\r\n\r\n")[2]
        assert 200 <= int(status) < 500
        assert json.loads(body)
        assert b"Traceback" not in received


def test_a_packed_body_is_answered_and_a_bomb_is_not(running: Running) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    def send(body: bytes) -> Any:
        return running.client.post("/predict", content=gzip.compress(body), headers=headers)

    assert send(BODY).status_code == 200
    assert send(BODY + b" " * 200_000).status_code == 413
    assert send(b'{"rows": [').status_code == 400


def test_head_and_options_are_what_they_are_for_get_without_a_body(running: Running) -> None:
    for path in ("/", "/health", "/v2", "/v2/models/plant", "/openapi.json", "/ping"):
        whole, head = running.client.get(path), running.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
    for path in ("/predict", "/v2/models/plant/infer", "/invocations", "/feedback"):
        asked = running.client.options(path, headers={"origin": "https://other.example"})
        assert (asked.status_code, asked.headers["allow"]) == (200, "POST, OPTIONS")
        assert not [name for name in asked.headers if name.startswith("access-control")]
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        assert running.client.request(method, "/predict").status_code == 405
