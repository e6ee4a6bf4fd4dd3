"""Several processes on one listener: they swap together, and one that dies is not missed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.registry import promote, routes
from tests.serving.conftest import ROW
from tests.serving.registry import Load, hammered, wait_for
from tests.serving.test_process import serving


@pytest.fixture
def repo(two_versions: Callable[..., Repository]) -> Repository:
    return two_versions()


def children(process: "subprocess.Popen[str]") -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(one) for one in listed.split()]


def counted(url: str, name: str) -> int:
    lines = httpx.get(url + "/metrics").text.splitlines()
    return sum(int(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_promotions_rollbacks_and_canaries_under_load_lose_no_request(repo: Repository) -> None:
    with serving("plant", "--workers", "2") as (child, ready):
        url = ready["url"]
        with hammered(url, clients=4) as load:
            for step in range(12):
                if step % 3 == 0:
                    promote.promote(repo, "plant@v2", "production")
                elif step % 3 == 1:
                    promote.rollback(repo, "plant", "production")
                else:
                    routes.begin(repo, "plant@v2", "canary", share=0.5)
                due = [2, 1][step % 3] if step % 3 < 2 else 2
                started, before = time.monotonic(), len(load.seen)
                wait_for(partial(answers, load, due, before))
                assert time.monotonic() - started < 1
        assert counted(url, 'mlo_requests_total{path="/predict",status="200"}') == len(load.seen)
        child.terminate()
        _, said = child.communicate(timeout=30)
    assert child.returncode == 0, said
    assert load.broken == []
    assert {status for status, _ in load.seen} == {200}
    assert len(load.seen) > 200
    assert len(list(prediction_log.each(repo, "plant"))) == len(load.seen)


def test_a_killed_worker_takes_down_only_what_it_had_accepted(repo: Repository) -> None:
    with serving("plant", "--workers", "2") as (child, ready):
        url = ready["url"]
        killed = 0
        with hammered(url, clients=4) as load:
            for _ in range(3):
                before = len(load.seen)
                wait_for(partial(goes_on, load, before))
                os.kill(children(child)[0], signal.SIGKILL)
                killed += 1
                wait_for(partial(restarted, url, killed))
        # whoever kept a connection to the process lost it, and nobody was turned away
        assert not [error for error in load.broken if isinstance(error, httpx.ConnectError)]
        assert len(load.broken) <= 4 * killed
        assert {status for status, _ in load.seen} == {200}
        wait_for(lambda: len(children(child)) == 2)
        child.terminate()
        _, said = child.communicate(timeout=30)
    assert child.returncode == 0
    assert said.count("was killed by signal 9; another takes its place") == killed


def answers(load: Load, version: int, since: int) -> bool:
    return version in {one for _, one in load.seen[since:]}


def goes_on(load: Load, since: int) -> bool:
    return len(load.seen) > since + 50


def restarted(url: str, times: int) -> bool:
    try:
        return counted(url, "mlo_worker_restarts_total ") == times
    except httpx.HTTPError:
        return False


def test_a_user_meets_the_same_version_in_every_process_and_after_a_restart(
    repo: Repository,
) -> None:
    users = [f"user-{number}" for number in range(30)]
    met: list[dict[str, Any]] = []
    for _ in range(2):
        options = ("--workers", "2", "--ab", "v2:50%", "--by", "user_id")
        with serving("plant", *options) as (child, ready):
            for _ in range(2):
                with httpx.Client(base_url=ready["url"]) as client:
                    body = {"rows": [ROW]}
                    answers = [client.post("/predict", json={"user_id": u, **body}) for u in users]
                met.append({u: a.json()["version"] for u, a in zip(users, answers, strict=True)})
            child.terminate()
            _, said = child.communicate(timeout=30)
    assert met[0] == met[1] == met[2] == met[3]
    assert set(met[0].values()) == {1, 2}
    assert "plant v2 goes on with 50%" in said
    logged = list(prediction_log.each(repo, "plant"))
    assert {(one.key, one.version) for one in logged} == set(met[0].items())


def test_ctrl_c_ends_all_processes(repo: Repository) -> None:
    with serving("plant", "--workers", "2") as (child, ready):
        assert httpx.post(ready["url"] + "/predict", json={"rows": [ROW]}).status_code == 200
        ones = children(child)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130
    assert not any(Path(f"/proc/{pid}").exists() for pid in ones)


def test_workers_end_when_their_parent_is_killed_and_free_the_port(repo: Repository) -> None:
    with serving("plant", "--workers", "2") as (child, ready):
        ones = children(child)
        child.kill()
        child.wait(30)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ones))
    with pytest.raises(httpx.ConnectError):
        httpx.get(ready["url"] + "/health")
