"""A version is deployed only where it may stand, or has stood."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import models, promote, trial
from mlops_cli.registry.deploy import allowed
from mlops_cli.registry.signature import Column, Signature
from tests.registry.test_trial import ASKS, register

A, B = Column("a", "number"), Column("b", "number")
Make = Callable[..., Repository]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """Make a repository with four versions, of which the first stands in production."""

    def make(*signatures: Signature, asks: str = ASKS) -> Repository:
        repo = create(tmp_path)
        register(repo, *(signatures or [Signature((A,))] * 4))
        repo.layout.settings.write_text(asks)
        repo = open_repository(tmp_path)
        for stage in ("staging", "production"):
            promote.promote(repo, "plant@v1", stage)
        return repo

    return make


def refusal(
    repo: Repository, one: str, other: str | None = None, share: float = 0.1, **more: str
) -> list[tuple[int, str]]:
    """Return the version and the gates that refuse; empty where it may be deployed."""
    version = models.resolve(repo, one)
    canary = None if other is None else models.resolve(repo, other)
    stage = allowed.stage_of(repo, one, version, more.get("stage"))
    told = allowed.refusal(repo, version, canary, share=share, stage=stage)
    if told is None:
        return []
    return [(told.number, gate.gate) for gate in told.gates if not gate.passed]


def test_what_stands_in_the_stage_is_asked_nothing(made: Make) -> None:
    repo = made()
    assert refusal(repo, "plant@production") == refusal(repo, "plant@v1") == []


def test_a_version_that_the_stage_refuses_is_not_deployed(made: Make) -> None:
    repo = made()
    assert refusal(repo, "plant@v2") == [(2, "was in staging")]
    assert refusal(repo, "plant@v2", stage="staging") == []
    promote.promote(repo, "plant@v2", "staging")
    assert refusal(repo, "plant@v2") == []


def test_a_canary_has_to_pass_as_by_mlo_canary(made: Make) -> None:
    repo = made()
    assert refusal(repo, "plant@production", "plant@v2") == [(2, "was in staging")]
    promote.promote(repo, "plant@v2", "staging")
    assert refusal(repo, "plant@production", "plant@v2") == []
    assert refusal(repo, "plant@staging", "plant@v3") == []


def test_the_way_back_is_open(made: Make) -> None:
    repo = made()
    for stage in ("staging", "production"):
        promote.promote(repo, "plant@v2", stage)
    repo.layout.settings.write_text(ASKS.replace("{requires: staging}", "{approvals: 2}"))
    repo = open_repository(repo.root)
    assert refusal(repo, "plant@v1") == []
    assert refusal(repo, "plant@v3") == [(3, "approved by 2 people beside the author")]


def test_a_canary_with_as_many_requests_already_is_asked_nothing(made: Make) -> None:
    repo = made(asks="")
    trial.begin(repo, "plant@v2", "canary", share=0.2)
    repo.layout.settings.write_text(ASKS)
    repo = open_repository(repo.root)
    assert refusal(repo, "plant@v1", "plant@v2", 0.2) == []
    assert refusal(repo, "plant@v1", "plant@v2", 0.3) == [(2, "was in staging")]


def test_a_canary_that_refuses_what_the_other_takes_is_not_deployed(made: Make) -> None:
    repo = made(Signature((A,)), Signature((A, B)), asks="")
    ((number, gate),) = refusal(repo, "plant@v1", "plant@v2")
    assert (number, "v1" in gate) == (2, True)


def test_a_project_whose_stages_have_other_names_is_asked_by_the_one_it_names(made: Make) -> None:
    repo = made(asks="")
    repo.layout.settings.write_text("models: {plant: {stages: {live: {}}}}\n")
    repo = open_repository(repo.root)
    assert refusal(repo, "plant@v3") == []
    with pytest.raises(RequestError, match="'lve' is not a stage of plant"):
        refusal(repo, "plant@v3", stage="lve")
