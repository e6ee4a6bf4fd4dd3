"""A shadow sees what others answered; neither its failures nor its slowness reach a client."""

import threading
from collections.abc import Callable
from typing import Any

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.registry import formats, routes, signature
from mlops_cli.registry.register import Said, register
from mlops_cli.serving import shadow as shadows
from tests.serving.conftest import TRAINING, Running, classifier
from tests.serving.registry import served, wait_for

Make = Callable[..., Repository]


def metric(running: Running, name: str) -> int:
    lines = running.client.get("/metrics").text.splitlines()
    return sum(int(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_what_a_shadow_says_is_logged_and_no_client_sees_it(two_versions: Make) -> None:
    repo = two_versions()
    routes.begin(repo, "plant@v2", "shadow")
    with served(repo) as running:
        answers = [running.predict().json() for _ in range(10)]
        wait_for(lambda: metric(running, "mlo_shadow_agreed_total") == 10)
    assert {answer["version"] for answer in answers} == {1}
    logged = list(prediction_log.each(repo, "plant"))
    assert (
        sorted((one.version, one.role) for one in logged)
        == [(1, "answer")] * 10 + [(2, "shadow")] * 10
    )


def test_a_shadow_that_fails_or_hangs_delays_nobody(two_versions: Make, monkeypatch: Any) -> None:
    monkeypatch.setattr(shadows, "MOST_WAITING", 5)
    repo = two_versions(poison=True)
    routes.begin(repo, "plant@v2", "shadow")
    with served(repo) as running:
        assert running.predict().status_code == 200
        failed = 'mlo_model_errors_total{model="plant",version="2",role="shadow"}'
        wait_for(lambda: metric(running, failed) == 1)
        beside = running.server._slots[0].routing.shadow
        assert beside is not None
        go_on = threading.Event()
        object.__setattr__(beside.live, "answer", lambda columns: go_on.wait(30))
        assert {running.predict().status_code for _ in range(20)} == {200}
        assert metric(running, "mlo_shadow_skipped_total") >= 10
        go_on.set()


def test_a_shadow_that_takes_other_inputs_is_counted_as_failing(two_versions: Make) -> None:
    repo = two_versions()
    wider = TRAINING.assign(depth=1.0)
    model = classifier().set_params().fit(wider, ["no"] * 4 + ["yes"] * 4)
    formats.save(model, repo.root / "model", signature.for_model(model, wider))
    register(repo, "plant", path=repo.root / "model", said=Said(compile=False))
    routes.begin(repo, "plant@v3", "shadow")
    with served(repo) as running:
        assert running.predict().status_code == 200
        failed = 'mlo_model_errors_total{model="plant",version="3",role="shadow"}'
        wait_for(lambda: metric(running, failed) == 1)
