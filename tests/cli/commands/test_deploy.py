"""What `mlo deploy` says of what it writes."""

import json
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from mlops_cli.core.repository import open_repository
from mlops_cli.registry import formats
from mlops_cli.registry.register import Said, register
from tests.conftest import Mlo


@pytest.fixture
def churn(project: Path) -> Path:
    repo = open_repository(project)
    for strength in (1.0, 0.1):
        model = LogisticRegression(C=strength).fit([[0.0], [1.0]], [0, 1])
        formats.save(model, project / "model")
        register(repo, "churn", path=project / "model", said=Said(compile=False))
    return project


def test_compose_without_a_canary_runs_one_and_says_so(churn: Path, mlo_here: Mlo) -> None:
    def deployed(*more: str) -> tuple[int, str]:
        done = mlo_here("deploy", "churn@v1", "--to", "compose", "-o", "made", *more)
        text = (churn / "made/compose.yaml").read_text()
        return text.count("replicas: 1"), done.stderr

    assert deployed() == (1, "")
    replicas, note = deployed("--replicas", "3")
    assert replicas == 1
    assert "compose runs 1" in note
    replicas, note = deployed("--replicas", "3", "--canary", "v2:50%")
    assert (replicas, note) == (0, "")
    assert (churn / "made/compose.yaml").read_text().count("replicas: 2") == 2


def test_limits_that_would_take_all_clients_for_one_are_told(churn: Path, mlo_here: Mlo) -> None:
    (churn / ".mlops.yaml").write_text("serving: {limits: {requests_per_second: 5}}\n")
    asked = ("deploy", "churn@v1", "--to", "compose", "-o", "made")
    assert "behind a proxy all clients have one" in mlo_here(*asked).stderr
    assert mlo_here(*asked, "--tokens", "churn-tokens").stderr == ""


def test_what_the_gates_refuse_is_not_written(churn: Path, mlo_here: Mlo) -> None:
    settings = "models: {churn: {stages: {staging: {}, production: {requires: staging}}}}\n"
    (churn / ".mlops.yaml").write_text(settings)
    done = mlo_here("deploy", "churn@v2", "--to", "compose", "-o", "made", code=1)
    assert "FAIL  was in staging" in done.stdout
    assert "churn v2 was refused for production" in done.stdout
    assert not (churn / "made").exists()
    mlo_here("deploy", "churn@v2", "--to", "compose", "-o", "made", "--stage", "staging")
    told = mlo_here("deploy", "churn@v2", "--to", "compose", "--json", code=1)
    assert json.loads(told.stdout)["refused"] is True
