"""The direct way of usual requests: nobody can tell it from the ordinary one, but by its speed."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.conftest import ROW, Running
from tests.serving.guard.test_connection import BODY, HEAD, WHOLE, Raw
from tests.serving.served import served

HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
WRONG = WHOLE.replace(BODY, BODY.replace(b"loam", b"moon"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("project") / "here") as one:
        yield one


def parts(received: bytes) -> list[tuple[bytes, frozenset[bytes], bytes]]:
    """Return status line, headers but the date, and body of each answer."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        (length,) = [int(line.split()[1]) for line in headers if b"content-length" in line]
        kept = frozenset(line for line in headers if not line.startswith(b"date"))
        found.append((status, kept, rest[:length]))
        received = rest[length:]
    return found


def numbered(body: bytes) -> bytes:
    return re.sub(rb'"id":"[^"]*"', b'"id":"N"', body)


def test_both_ways_answer_alike(running: Running) -> None:
    by_query = WHOLE.replace(b"/predict", b"/predict?a=b")
    straight, ordinary, _ = parts(Raw(running).send(WHOLE + by_query + LAST).all())
    assert straight[:2] == ordinary[:2]
    assert numbered(straight[2]) == numbered(ordinary[2])
    assert json.loads(straight[2])["predictions"][0]["prediction"] == "yes"


def test_both_ways_refuse_alike(running: Running) -> None:
    by_query = WRONG.replace(b"/predict", b"/predict?a=b")
    straight, ordinary, _ = parts(Raw(running).send(WRONG + by_query + LAST).all())
    assert straight == ordinary
    assert b" 422 " in straight[0]


def test_answers_come_in_the_order_of_the_requests_whichever_way_they_take(
    running: Running,
) -> None:
    sent = WHOLE + HEALTH + WHOLE + WHOLE + HEALTH + WRONG + WHOLE + LAST
    statuses = [status.split()[1] for status, *_ in parts(Raw(running).send(sent).all())]
    bodies = [body for *_, body in parts(Raw(running).send(sent).all())]
    assert statuses == [b"200"] * 5 + [b"422", b"200", b"200"]
    assert [b"predictions" in body for body in bodies] == [
        True, False, True, True, False, False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [1, len(WHOLE) - len(BODY), len(WHOLE) - 5])
def test_a_request_in_two_pieces_is_answered_as_one_in_one(running: Running, cut: int) -> None:
    raw = Raw(running)
    raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.send(WHOLE[:cut])
    assert running.predict().status_code == 200  # the first piece has been read by now
    raw.send(WHOLE[cut:] + LAST)
    first, _ = parts(raw.all())
    assert first[0] == b"HTTP/1.1 200 OK"


def test_who_asks_to_close_is_told_that_it_is_closed(running: Running) -> None:
    closing = HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
    ((_, headers, _),) = parts(Raw(running).send(closing).all())
    assert b"connection: close" in headers


def test_who_hangs_up_costs_nobody_else_an_answer(running: Running) -> None:
    for _ in range(20):
        Raw(running).send(WHOLE).socket.close()
    assert running.predict(ROW).status_code == 200


def test_direct_answers_are_counted_as_all_others(running: Running) -> None:
    def counted() -> int:
        line = 'mlo_requests_total{path="/predict",status="200"} '
        text = running.client.get("/metrics").text
        return sum(int(float(one.split()[-1])) for one in text.splitlines() if one.startswith(line))

    before = counted()
    Raw(running).send(WHOLE + WHOLE + LAST).all()
    assert counted() == before + 2


def test_a_connection_on_which_nothing_more_is_asked_is_closed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running.server._worker is not None
    monkeypatch.setattr(running.server._worker.server.config, "timeout_keep_alive", 0.2)
    assert len(parts(Raw(running).send(WHOLE).send(WHOLE).all())) == 2


def test_what_the_sample_leaves_out_of_the_log_is_counted(tmp_path: Path) -> None:
    settings = "{max_rows: 1000, max_body_bytes: 100000, log: {sample: 0}}"
    with served(tmp_path / "here", settings) as running:
        for _ in range(3):
            assert running.predict().status_code == 200
        assert "mlo_log_left_out_total 3\n" in running.client.get("/metrics").text
