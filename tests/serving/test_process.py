"""`mlo serve` as a process of its own: its lines, its signals, its end, and promotions under it."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import prediction_log
from mlops_cli.registry import promote
from tests.serving.conftest import ROW
from tests.serving.test_follow import add

MLO = Path(sys.executable).parent / "mlo"


@pytest.fixture
def served(project: Path) -> Repository:
    """A repository with two versions of a model, the first in production."""
    repo = open_repository(project)
    add(repo, 1.0)
    promote.promote(repo, "plant@v1", "production")
    add(repo, 2.0)
    return repo


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Yield a server process and what it printed when it was ready."""
    command: list[str | Path] = [MLO, "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield child, json.loads(child.stdout.readline())
        finally:
            if child.poll() is None:
                child.kill()


def test_it_says_in_one_line_of_json_where_and_what(served: Repository) -> None:
    with serving("plant") as (child, ready):
        assert ready.keys() == {"url", "model", "version", "version_id", "reference"}
        assert (ready["model"], ready["version"]) == ("plant", 1)
        assert ready["reference"] == "plant@production"
        answer = httpx.post(ready["url"] + "/predict", json={"rows": [ROW]})
        (prediction,) = answer.json()["predictions"]
        child.terminate()
        out, _ = child.communicate(timeout=30)
        assert (child.returncode, out) == (0, "")
    assert prediction_log.find(served, prediction["id"]).prediction == "yes"


def test_ctrl_c_is_130_after_finishing(served: Repository) -> None:
    with serving("plant@v2") as (child, ready):
        assert ready["version"] == 2
        httpx.post(ready["url"] + "/predict", json={"rows": [ROW]})
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert child.returncode == 130
        assert "Traceback" not in said
    assert len(list(prediction_log.each(served, "plant"))) == 1


def test_promotions_and_rollbacks_under_load_lose_no_request(
    served: Repository, mlo_here: Callable[..., Any]
) -> None:
    with serving("plant") as (child, ready):
        seen: list[tuple[int, int]] = []
        stop = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=ready["url"], timeout=30) as client:
                while not stop.is_set():
                    answer = client.post("/predict", json={"rows": [ROW]})
                    seen.append((answer.status_code, answer.json()["version"]))

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        for due in (2, 1, 2):
            if due == 2:
                mlo_here("promote", "plant@v2", "production")
            else:
                mlo_here("rollback", "plant", "production")
            end = time.monotonic() + 10
            while seen[-1:] != [(200, due)]:
                assert time.monotonic() < end
                time.sleep(0.01)
        stop.set()
        for client in clients:
            client.join()
        child.terminate()
        _, said = child.communicate(timeout=30)
        assert child.returncode == 0
    assert {status for status, _ in seen} == {200}
    assert said.count("answers from now on") == 3
    assert len(list(prediction_log.each(served, "plant"))) == len(seen)


def test_sigterm_under_load_answers_everything_it_took(served: Repository) -> None:
    with serving("plant") as (child, ready):
        answered: list[int] = []
        broken: list[httpx.HTTPError] = []

        def ask() -> None:
            with httpx.Client(base_url=ready["url"], timeout=30) as client:
                try:
                    while True:
                        answer = client.post("/predict", json={"rows": [ROW]})
                        answered.append(answer.status_code)
                except httpx.HTTPError as error:
                    broken.append(error)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        while len(answered) < 50:
            time.sleep(0.01)
        child.terminate()
        child.communicate(timeout=30)
        for client in clients:
            client.join()
    assert child.returncode == 0
    assert set(answered) == {200}
    assert len(broken) == 4
    # each client ends by a refused connection, or one that was never accepted: what was
    # accepted was answered, since as many answers were logged as came back
    assert len(list(prediction_log.each(served, "plant"))) == len(answered)


def test_kill_9_leaves_a_whole_log_of_all_but_the_last_moment(served: Repository) -> None:
    with serving("plant") as (child, ready), httpx.Client(base_url=ready["url"]) as client:
        ids = []
        for _ in range(100):
            answer = client.post("/predict", json={"rows": [ROW]})
            ids.append(answer.json()["predictions"][0]["id"])
        time.sleep(0.5)
        late = client.post("/predict", json={"rows": [ROW]}).json()["predictions"][0]["id"]
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30)
    found = [logged.id for logged in prediction_log.each(served, "plant")]
    assert found in (ids, [*ids, late])
    window = prediction_log.window(served, "plant")
    assert window.features["size"].tolist() == [ROW["size"]] * len(found)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux's prlimit")
def test_a_full_disk_under_the_log_is_told_and_stops_no_answer(served: Repository) -> None:
    with serving("plant") as (child, ready), httpx.Client(base_url=ready["url"]) as client:
        limits = resource.prlimit(child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        end = time.monotonic() + 30
        while "mlo_log_failures_total 0" in client.get("/metrics").text:
            assert client.post("/predict", json={"rows": [ROW]}).status_code == 200
            assert time.monotonic() < end
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, limits)
        answered = client.get("/metrics").text.partition('path="/predict",status="200"} ')[2]
        child.terminate()
        _, said = child.communicate(timeout=30)
    assert child.returncode == 0
    assert "cannot write the prediction log" in said
    assert len(list(prediction_log.each(served, "plant"))) == int(answered.split()[0])


def test_a_server_started_before_production_follows_it_from_then_on(
    project: Path, mlo_here: Callable[..., Any]
) -> None:
    add(open_repository(project), 1.0)
    with serving("plant") as (child, ready), httpx.Client(base_url=ready["url"]) as client:
        assert ready["reference"] == "plant@v1"
        mlo_here("promote", "plant@v1", "production")
        end = time.monotonic() + 10
        while client.get("/").json()["reference"] != "plant@production":
            assert time.monotonic() < end
            time.sleep(0.01)
        child.terminate()
        _, said = child.communicate(timeout=30)
    assert "nothing of plant is in production: plant@v1 answers, its newest" in said
    assert "in place of" not in said


def test_a_port_in_use_is_exit_3_and_says_what_to_type(
    served: Repository, mlo_here: Callable[..., Any]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = mlo_here("serve", "plant", "--port", str(port), code=3)
    assert f"port {port} on '127.0.0.1' is in use" in done.stderr
    assert "--port 0" in done.stderr


def test_what_cannot_be_served_is_a_bad_request(
    served: Repository, mlo_here: Callable[..., Any]
) -> None:
    for wrong, words in (
        ("plnat", "did you mean 'plant'"),
        ("plant@v9", "no version v9"),
        ("plant@shadow", "nothing at 'shadow'"),
    ):
        done = mlo_here("serve", wrong, "--port", "0", code=2)
        assert words in done.stderr
    assert "no host" in mlo_here("serve", "plant", "--host", "no.such.invalid", code=2).stderr
