"""What a client sees of a real server, good days and bad."""

import json
import socket
import threading
import time
from typing import Any

import httpx
import pytest

from mlops_cli.data import prediction_log
from mlops_cli.errors import RequestError, StateError
from mlops_cli.serving.server import Server, listen
from tests.serving.conftest import ROW, TRAINING, Running, Shelf, Start, classifier, regression

JSON = {"content-type": "application/json"}


def test_an_answer_has_model_version_id_label_and_probabilities(start: Start) -> None:
    answer = start().predict()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["model"], body["version"]) == ("plant", 1)
    (prediction,) = body["predictions"]
    assert prediction["prediction"] == "yes"
    assert prediction["probabilities"].keys() == {"no", "yes"}
    assert prediction["probabilities"]["yes"] > 0.5
    assert prediction_log.is_prediction_id(prediction["id"])


def test_answers_are_what_the_model_says(start: Start) -> None:
    model, running = classifier(), start()
    rows = TRAINING.to_dict("records")
    by_row = running.client.post("/predict", json={"rows": rows}).json()["predictions"]
    columns = TRAINING.to_dict("list")
    by_column = running.client.post("/predict", json={"columns": columns}).json()["predictions"]
    expected = model.predict_proba(TRAINING)[:, 1].tolist()
    for answers in (by_row, by_column):
        assert [answer["prediction"] for answer in answers] == model.predict(TRAINING).tolist()
        assert [answer["probabilities"]["yes"] for answer in answers] == expected


def test_a_regression_answers_with_numbers(shelf: Shelf, start: Start) -> None:
    shelf.point(shelf.put(regression()))
    body = start().predict({"size": 2.5, "count": 1}).json()
    (prediction,) = body["predictions"]
    assert prediction["prediction"] == pytest.approx(5.0)
    assert "probabilities" not in prediction


def test_an_answer_is_in_the_log_by_its_id(shelf: Shelf, start: Start) -> None:
    running = start()
    (prediction,) = running.predict().json()["predictions"]
    running.server.stop()
    logged = wait_for(lambda: prediction_log.find(shelf.repo, prediction["id"]))
    assert logged.features == ROW
    assert logged.prediction == "yes"
    assert logged.probabilities == prediction["probabilities"]
    assert (logged.model, logged.version) == ("plant", 1)


def wait_for(ask: Any) -> Any:
    """Return what `ask` returns once it is true and raises no RequestError."""
    end = time.monotonic() + 30
    while True:
        try:
            if found := ask():
                return found
        except RequestError:
            pass
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


BAD = [
    (b"", 400, "not JSON"),
    (b'{"rows": [{"size": 7.5, "count"', 400, "line 1 column"),
    (b"\xff\xfe", 400, "not JSON"),
    (b"[1, 2]", 400, "must be an object"),
    (b"3", 400, "must be an object"),
    (b"{}", 400, "rows"),
    (b'{"rows": [], "columns": {}}', 400, "rows"),
    (b'{"rows": null}', 400, "rows"),
    (b'{"rows": {"size": 1}}', 400, "'rows' must be a list"),
    (b'{"columns": [1]}', 400, "'columns' must be an object"),
    (b'{"rows": []}', 400, "no rows"),
    (b'{"lines": []}', 400, "'lines' is not part of a request"),
    (b'{"rows": [1]}', 400, "row 0 must be an object"),
    (b'{"rows": [{"size": 7.5, "count": 4}]}', 422, "row 0, field 'soil' is missing"),
    (b'{"rows": [{"size": NaN, "count": 4, "soil": "loam"}]}', 422, "field 'size' must be a f"),
    (b'{"rows": [{"size": -Infinity, "count": 4, "soil": "loam"}]}', 422, "got -Infinity"),
    (b'{"rows": [{"size": 1e999, "count": 4, "soil": "loam"}]}', 422, "got Infinity"),
    (b'{"rows": [{"size": 1e39, "count": 4, "soil": "loam"}]}', 422, "must be between"),
    (b'{"rows": [{"size": ' + b"9" * 5000 + b', "count": 4, "soil": "loam"}]}', 400, "JSON"),
    (b'{"rows": [{"size": 1, "count": "4", "soil": "loam"}]}', 422, "the string '4'"),
    (b'{"rows": [{"size": 1, "count": 4, "soil": "sand"}]}', 422, "('clay', 'loam')"),
    (b'{"rows": [{"size": 1, "count": 4, "soil": "loam", "x": 1}]}', 422, "'x' is not an input"),
    (b'{"rows": [{"size": 1, "count": 4, "soil": ["loam"]}]}', 422, "got a list"),
    (b'{"rows": ' + b"[" * 40_000, 400, "depth"),
    (b'{"rows": [{"size": NaN, "count": ' + b"[" * 40_000, 400, "not JSON"),
    (b'{"rows": [{"soil": "\\ud800 NaN"}]}', 422, "row 0, field 'size' is missing"),
    (b'{"lines": "\\ud800 NaN"}', 400, "'lines' is not part of a request"),
    (b'{"rows": [' + b"{}," * 1000 + b"{}]}", 413, "1001 rows"),
    (b'{"rows": [' + b" " * 100_000 + b"]}", 413, "100000 bytes"),
]


@pytest.mark.parametrize(("body", "status", "words"), BAD, ids=lambda value: str(value)[:50])
def test_a_bad_body_is_refused_with_words(
    body: bytes, status: int, words: str, running: Running
) -> None:
    answer = running.client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert "Traceback" not in answer.text
    assert running.predict().status_code == 200


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One server for the whole table of bad bodies, since none of them may end it."""
    from mlops_cli.core.repository import create

    root = tmp_path_factory.mktemp("project")
    (root / ".mlops.yaml").write_text("serving: {max_rows: 1000, max_body_bytes: 100000}\n")
    shelf = Shelf(create(root), root / "shelf")
    shelf.point(shelf.put(classifier()))
    server = Server(shelf.repo, [shelf.find], port=0, say=lambda text: None)
    is_ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda ready: is_ready.set(),))
    thread.start()
    assert is_ready.wait(30)
    with httpx.Client(base_url=server.ready[0].url, timeout=30) as client:
        yield Running(server, server.ready[0], client)
    server.stop()
    thread.join(30)


def test_problems_are_listed_for_machines(running: Running) -> None:
    answer = running.predict({"size": "big", "count": 4, "soil": "sand"})
    assert answer.json()["problem_count"] == 2
    assert [(p["row"], p["field"]) for p in answer.json()["problems"]] == [(0, "size"), (0, "soil")]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/csv"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {},
        {"content-type": "application/json", "content-encoding": "compress"},
    ],
)
def test_a_body_of_another_type_is_415(running: Running, headers: dict[str, str]) -> None:
    answer = running.client.post("/predict", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert "error" in answer.json()


def test_json_with_its_charset_named_is_taken(running: Running) -> None:
    body = json.dumps({"rows": [ROW]})
    for kind in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
        answer = running.client.post("/predict", content=body, headers={"content-type": kind})
        assert answer.status_code == 200


def test_wrong_methods_and_paths_say_what_there_is(running: Running) -> None:
    assert running.client.get("/predict").status_code == 405
    assert running.client.get("/predict").headers["allow"] == "POST, OPTIONS"
    assert running.client.post("/health").status_code == 405
    missing = running.client.get("/nowhere")
    assert missing.status_code == 404
    assert missing.json()["error"] == "there is nothing at '/nowhere': GET / lists what there is"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/predct", "/predict"),
        ("/predict/", "/predict"),
        ("/Health", "/health"),
        ("/v1/health", "/health"),
        ("/v2/model/plant/infer", "/v2/models/{name}/infer"),
        ("/models/plant/invocation", "/models/{name}/invocations"),
        ("/" + "x" * 5000, None),
    ],
)
def test_an_unknown_path_is_told_the_nearest(
    path: str, meant: str | None, running: Running
) -> None:
    error = running.client.get(path).json()["error"]
    assert len(error) < 200
    if meant is None:
        assert "did you mean" not in error
    else:
        assert f"did you mean '{meant}'?" in error


def test_a_body_in_chunks_is_read_and_bounded(running: Running) -> None:
    def pieces(padding: int) -> Any:
        text = json.dumps({"rows": [ROW]}) + " " * padding
        return (text[i : i + 7000].encode() for i in range(0, len(text), 7000))

    post = running.client.post
    assert post("/predict", content=pieces(90_000), headers=JSON).status_code == 200
    assert post("/predict", content=pieces(110_000), headers=JSON).status_code == 413
    assert running.predict().status_code == 200


def connection(running: Running) -> socket.socket:
    url = running.client.base_url
    return socket.create_connection((url.host, url.port))


def test_a_body_far_too_large_is_refused_by_its_announcement(running: Running) -> None:
    with connection(running) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            b"content-length: 999999999999\r\n\r\n{"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{",
    ],
)
def test_bytes_that_are_no_request_end_only_their_connection(raw: bytes, running: Running) -> None:
    with connection(running) as peer:
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(10)
        answer = peer.recv(1000)
    assert b"Traceback" not in answer
    assert running.predict().status_code == 200


def test_pages_tell_what_is_served(running: Running) -> None:
    assert running.client.get("/health").json() == {"status": "ok"}
    ready = running.client.get("/ready")
    assert ready.status_code == 200
    assert (ready.json()["model"], ready.json()["version"]) == ("plant", 1)
    about = running.client.get("/").json()
    assert about["reference"] == "plant@production"
    assert [column["name"] for column in about["inputs"]] == ["size", "count", "soil"]
    assert running.client.post("/predict", json=about["example"]).status_code == 200
    assert running.client.head("/health").status_code == 200


def test_metrics_count_requests_by_status_latency_and_version(start: Start) -> None:
    running = start()
    running.client.post("/predict", json={"rows": [ROW, ROW]})
    running.predict({})
    running.client.get("/secret/path")
    page = running.client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = page.text.splitlines()
    assert 'mlo_requests_total{path="/predict",status="200"} 1' in lines
    assert 'mlo_requests_total{path="/predict",status="422"} 1' in lines
    assert 'mlo_requests_total{path="other",status="404"} 1' in lines
    assert 'mlo_predictions_total{model="plant",version="1",role="answer"} 2' in lines
    assert 'mlo_request_seconds_bucket{le="+Inf"} 2' in lines
    assert "mlo_request_seconds_count 2" in lines
    (about,) = [line for line in lines if line.startswith("mlo_model_info{")]
    assert 'model="plant",version="1"' in about
    assert "secret" not in page.text


def test_a_model_that_fails_on_a_row_answers_500_without_its_stack(
    shelf: Shelf, start: Start
) -> None:
    running = start()
    slot = running.server._slots[0]

    class Broken:
        def __call__(self, columns: Any) -> Any:
            if 13 in columns[1]:
                raise ZeroDivisionError("secret detail")
            return healthy(columns)

    healthy = slot.live.answer
    object.__setattr__(slot.live, "answer", Broken())
    bad = {**ROW, "count": 13}
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda row=row: answers.append(running.predict(row)))
        for row in [bad, *[ROW] * 10]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [500]
    (failed,) = [answer for answer in answers if answer.status_code == 500]
    assert "secret" not in failed.text
    reference = failed.json()["error"].split()[-1]
    assert any(reference in said and "secret detail" in said for said in running.said)


def test_a_taken_port_is_named_with_what_to_type(shelf: Shelf, start: Start) -> None:
    port = int(start().ready.url.rpartition(":")[2])
    with pytest.raises(StateError, match=f"port {port} .* is in use") as caught:
        Server(shelf.repo, [shelf.find], port=port, say=print)
    assert caught.value.hint is not None
    assert "--port 0" in caught.value.hint


def test_a_host_that_is_not_ours_is_a_bad_request() -> None:
    with pytest.raises(RequestError, match="no host"):
        listen("no.such.host.invalid", 0)
    with pytest.raises(RequestError, match="not an address of this machine"):
        listen("192.0.2.1", 0)


def test_two_servers_on_one_repository_log_side_by_side(shelf: Shelf, start: Start) -> None:
    one, two = start(), start()
    ids = [server.predict().json()["predictions"][0]["id"] for server in (one, two) * 20]
    found = wait_for(
        lambda: len(seen := list(prediction_log.each(shelf.repo, "plant"))) == 40 and seen
    )
    assert {logged.id for logged in found} == set(ids)
    assert len(list((shelf.repo.layout.predictions / "plant").iterdir())) == 2


def test_stop_finishes_what_is_under_way(shelf: Shelf, start: Start) -> None:
    running = start()
    slot = running.server._slots[0]
    healthy, entered, go_on = slot.live.answer, threading.Event(), threading.Event()

    def slow(columns: Any) -> Any:
        entered.set()
        assert go_on.wait(30)
        return healthy(columns)

    object.__setattr__(slot.live, "answer", slow)
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(running.predict()))
    asking.start()
    assert entered.wait(30)
    ready = running.client.get("/ready")
    assert ready.status_code == 200
    running.server.stop()
    go_on.set()
    asking.join(30)
    assert answers[0].status_code == 200
    wait_for(lambda: refuses(running))


def refuses(running: Running) -> bool:
    try:
        httpx.get(running.ready.url + "/health", timeout=5)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        pass
    return False
