"""The version that answers is replaced without anybody noticing."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from mlops_cli.errors import IntegrityError, MloError, RequestError
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.serving import live, slot
from mlops_cli.serving.validate import Columns
from tests.serving.conftest import ROW, Running, Shelf, Start, classifier
from tests.serving.protocols import lives


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail after 30 seconds."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def serves(running: Running, version: int) -> bool:
    return bool(running.client.get("/ready").json()["version"] == version)


def test_a_swap_under_load_loses_no_request(shelf: Shelf, start: Start) -> None:
    versions = [1, shelf.put(classifier(0.5)), shelf.put(classifier(2.0))]
    running = start()
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=running.ready.url, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/predict", json={"rows": [ROW]})
                seen.append((answer.status_code, answer.json()["version"]))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for swap in range(1, 13):
        shelf.point(due := versions[swap % 3])
        started = time.monotonic()
        wait_until(lambda due=due: serves(running, due))  # type: ignore[misc]
        assert time.monotonic() - started < 2
    stop.set()
    for client in clients:
        client.join(30)
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {1, 2, 3}
    assert len(seen) > 100
    metrics = running.client.get("/metrics").text.splitlines()
    assert "mlo_model_swaps_total 12" in metrics
    assert len([line for line in running.said if "answers from now on" in line]) == 12


def test_a_request_under_way_is_answered_by_the_version_it_met(shelf: Shelf, start: Start) -> None:
    running = start()
    place = running.server._slots[0]
    healthy, entered, go_on = place.live.answer, threading.Event(), threading.Event()

    def slow(columns: Columns) -> live.Answers:
        entered.set()
        assert go_on.wait(30)
        return healthy(columns)

    object.__setattr__(place.live, "answer", slow)
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(running.predict()))
    asking.start()
    assert entered.wait(30)
    shelf.point(shelf.put(classifier(0.5)))
    wait_until(lambda: serves(running, 2))
    go_on.set()
    asking.join(30)
    assert answers[0].json()["version"] == 1
    assert running.predict().json()["version"] == 2


def test_a_version_that_does_not_load_leaves_the_old_one_and_says_so(
    shelf: Shelf, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot, "RETRY_S", 0.05)
    running = start()
    broken = shelf.put(classifier(0.5))
    file = shelf.folder / f"v{broken}" / "model.skops"
    whole = file.read_bytes()
    file.write_bytes(b"no model")
    shelf.point(broken)
    wait_until(lambda: running.client.get("/ready").json()["failure"] is not None)
    assert running.client.get("/ready").status_code == 200
    assert running.predict().json()["version"] == 1
    assert "mlo_model_behind 1" in running.client.get("/metrics").text
    assert [line for line in running.said if "v1 goes on answering" in line]
    file.write_bytes(whole)
    wait_until(lambda: serves(running, broken))
    assert running.client.get("/ready").json()["failure"] is None


def test_a_version_whose_model_fails_on_a_row_is_not_swapped_in(shelf: Shelf, start: Start) -> None:
    running = start()
    other = classifier(0.5)
    other.named_steps["columntransformer"].transformers_[0][1].categories_[0][:] = ["x", "y"]
    shelf.point(shelf.put(other))
    wait_until(lambda: running.client.get("/ready").json()["failure"] is not None)
    assert running.predict().json()["version"] == 1


def test_a_model_that_disappears_goes_on_answering(shelf: Shelf, start: Start) -> None:
    running = start()
    shelf.repo.refs.move({"models/plant": (shelf.repo.refs.get("models/plant"), None)})
    wait_until(lambda: running.client.get("/ready").json()["failure"] is not None)
    assert running.predict().status_code == 200


def test_refs_that_move_elsewhere_swap_nothing(shelf: Shelf, start: Start) -> None:
    running = start()
    oid = shelf.repo.objects.put(b"{}")
    shelf.repo.refs.move({"models/other": (None, oid)})
    time.sleep(3 * slot.POLL_S)
    assert running.server._slots[0].swaps == 0
    assert running.said == []


def test_the_first_version_must_load(shelf: Shelf) -> None:
    def broken() -> slot.Found:
        raise IntegrityError("bytes do not match")

    with pytest.raises(MloError, match="bytes do not match"):
        slot.Slot(broken, shelf.repo.layout.refs, say=print)


def test_an_example_fits_its_signature() -> None:
    signature = Signature(
        (
            Column("a", "number", 1.0, 2.0),
            Column("b", "integer", 3, 8),
            Column("c", "category", categories=("x", "y")),
            Column("d", "boolean"),
            Column("e", "datetime"),
            Column("f", "number"),
            Column("g", "text"),
        )
    )
    from mlops_cli.serving.validate import Validator

    row = live.example(signature)
    assert (row["a"], row["b"], row["c"], row["f"]) == (1.5, 5, "x", 0.0)
    assert Validator(signature, max_rows=1).rows([row]).rows == 1


def test_a_model_that_answers_no_row_is_named() -> None:
    def refuses(_columns: object) -> live.Answers:
        raise RequestError("the model refuses the rows", hint="fit it")

    with pytest.raises(RequestError, match="plant v3 answers no row: the model refuses") as caught:
        live.warmed(replace(lives.live(), answer=refuses))
    assert caught.value.hint == "fit it"
