"""HTTP/2 as people send it who are not a usual client of gRPC."""

import gzip
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
)

from mlops_cli.serving.grpc import http2
from mlops_cli.serving.upgrade import MISSING
from tests.serving.conftest import Running
from tests.serving.served import served

LIVE = "/inference.GRPCInferenceService/ServerLive"
READY = "/inference.GRPCInferenceService/ModelReady"
EMPTY = b"\0\0\0\0\0"
PLANT = b"\x0a\x05plant"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("project") / "here") as one:
        yield one


class Client:
    """A connection of which every frame is under control."""

    def __init__(self, running: Running) -> None:
        host, port = running.ready.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def call(self, path: str, body: bytes, *, end: bool = True, **headers: str) -> int:
        """Begin a call and return its stream."""
        stream = self.h2.get_next_available_stream_id()
        fields = {
            ":method": "POST",
            ":scheme": "http",
            ":authority": "x",
            ":path": path,
            "content-type": "application/grpc",
            "te": "trailers",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        self.h2.send_headers(stream, list(fields.items()))
        self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def events(self) -> Iterator[Any]:
        """Yield what comes until the server hangs up."""
        with self.socket:
            while True:
                try:
                    data = self.socket.recv(65536)
                    yield from self.h2.receive_data(data)
                    self.flush()
                except (BrokenPipeError, ConnectionResetError):
                    return
                if not data:
                    return

    def answer(self, stream: int) -> tuple[dict[str, str], bytes]:
        """Return the last headers of a call, and its data."""
        headers: dict[str, str] = {}
        data = b""
        for event in self.events():
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, ResponseReceived | TrailersReceived):
                headers |= dict(event.headers)
            elif isinstance(event, DataReceived):
                data += event.data
            if getattr(event, "stream_ended", None) or isinstance(event, StreamReset):
                break
        return headers, data


def framed(message: bytes, *, packed: int = 0) -> bytes:
    return bytes([packed]) + len(message).to_bytes(4, "big") + message


def test_a_call_by_hand_is_answered(running: Running) -> None:
    client = Client(running)
    headers, data = client.answer(client.call(LIVE, EMPTY))
    assert (headers[":status"], headers["grpc-status"]) == ("200", "0")
    assert data == framed(b"\x08\x01")


def test_a_message_may_be_packed_and_come_in_pieces(running: Running) -> None:
    client = Client(running)
    body = framed(gzip.compress(PLANT), packed=1)
    stream = client.call(READY, body[:3], end=False, grpc_encoding="gzip")
    for place in range(3, len(body)):
        client.h2.send_data(stream, body[place : place + 1])
        client.flush()
    client.h2.end_stream(stream)
    client.flush()
    assert client.answer(stream)[1] == framed(b"\x08\x01")


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "words"),
    [
        (LIVE, b"", {}, "3", "one whole message"),
        (LIVE, b"\0\0", {}, "3", "one whole message"),
        (LIVE, EMPTY + EMPTY, {}, "3", "one whole message"),
        (LIVE, b"\0\xff\xff\xff\xff", {}, "3", "one whole message"),
        (LIVE, framed(b"", packed=1), {}, "3", "no grpc-encoding says how"),
        (LIVE, framed(b"x", packed=1), {"grpc_encoding": "gzip"}, "3", "not whole in gzip"),
        (LIVE, framed(b"x", packed=1), {"grpc_encoding": "snappy"}, "3", "is not taken"),
        (READY, framed(b"\xff"), {}, "3", "the message is no ModelReadyRequest"),
        (READY, framed(b"\x0a\x02\xff\xff"), {}, "3", "the message is no ModelReadyRequest"),
        (READY, EMPTY, {}, "5", "is served here"),
        ("/nothing", EMPTY, {}, "12", "there is no such call here"),
        (LIVE, EMPTY, {"grpc_timeout": "0n"}, "4", "time is up"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_call_is_told_why(
    path: str, body: bytes, headers: dict[str, str], status: str, words: str, running: Running
) -> None:
    client = Client(running)
    told, data = client.answer(client.call(path, body, **headers))
    if "grpc_timeout" in headers and told["grpc-status"] == "0":
        return  # it was quicker than no time at all
    assert (told["grpc-status"], data) == (status, b"")
    assert words in told["grpc-message"]
    assert not running.said


def test_what_is_not_grpc_is_told_so(running: Running) -> None:
    client = Client(running)
    headers, data = client.answer(client.call("/predict", b"{}", content_type="application/json"))
    assert headers[":status"] == "415"
    assert b"HTTP/2 is for gRPC here" in data


def test_streams_that_are_only_reset_end_the_connection(running: Running) -> None:
    client = Client(running)
    try:
        for _ in range(3 * http2.RESETS):
            stream = client.call(LIVE, b"", end=False)
            client.h2.reset_stream(stream)
        client.flush()
    except OSError:
        pass
    last = [event for event in client.events() if isinstance(event, ConnectionTerminated)]
    assert not last or last[0].error_code == 11  # calm down
    assert running.predict().status_code == 200


def test_a_message_that_does_not_come_is_not_waited_for(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http2, "BODY_S", 0.1)
    client = Client(running)
    headers, _ = client.answer(client.call(LIVE, b"\0", end=False))
    assert (headers["grpc-status"], "did not arrive" in headers["grpc-message"]) == ("4", True)


def test_a_connection_without_calls_is_closed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http2, "IDLE_S", 0.1)
    assert not [event for event in Client(running).events() if isinstance(event, DataReceived)]


def test_frames_that_are_none_end_the_connection_alone(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http2, "IDLE_S", 0.2)
    for frame in (b"\xff" * 100, b"\0\0\0\x09\0\0\0\0\0", b"\0\0\x08\x07\0\0\0\0\0" + b"\0" * 8):
        client = Client(running)
        client.socket.sendall(frame)
        assert all(not isinstance(event, DataReceived) for event in client.events())
    assert running.predict().status_code == 200
    assert not running.said


def test_an_end_says_goodbye_to_connections_that_are_open(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with served(tmp_path_factory.mktemp("ending") / "here") as one:
        client = Client(one)
        stream = client.call(LIVE, EMPTY)
        events = client.events()
        for event in events:
            if getattr(event, "stream_ended", None) and event.stream_id == stream:
                break
        one.server.stop()
        assert any(isinstance(event, ConnectionTerminated) for event in events)


WITHOUT = """
import sys
sys.modules["h2"] = None
from mlops_cli.serving.upgrade import upgrading
said = []
upgrade = upgrading(None, None, None, limit=1, say=said.append)
upgrade(), upgrade()
print(said)
"""


def test_nothing_of_grpc_is_imported_before_it_is_spoken() -> None:
    code = "import sys, mlops_cli.serving.worker; print([n for n in sys.modules if 'h2' in n.split"
    done = subprocess.run(
        [sys.executable, "-c", code + "('.') or 'google' in n or 'grpc' in n])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_without_the_extra_the_server_says_once_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == repr([MISSING])
