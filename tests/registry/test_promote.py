"""A stage moves only through its gates, each move is on record, and back it goes."""

import multiprocessing
from pathlib import Path

import pytest

from mlops_cli.audit import chain
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import Conflict, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.promote import Moved, alias, promote, rollback
from mlops_cli.registry.register import register
from mlops_cli.registry.verification import verify
from tests.registry.conftest import Workshop


def version(workshop: Workshop, **metrics: float | str) -> str:
    run = workshop.run(metrics, strength=1.0 + workshop.made)
    return f"churn@v{register(workshop.repo, 'churn', run=run).version.number}"


def through(workshop: Workshop, reference: str) -> Moved:
    promote(workshop.repo, reference, "staging")
    return promote(workshop.repo, reference, "production")


def test_a_version_that_passes_stands_in_the_stage(workshop: Workshop) -> None:
    moved = through(workshop, version(workshop, auc=0.9))
    assert moved.moved
    assert [gate.passed for gate in moved.gates] == [True, True, True]
    assert models.resolve(workshop.repo, "churn@production").number == 1
    last = chain.entries(workshop.repo)[-1]
    assert (last.action, last.subject, last.detail["stage"]) == (
        "promote",
        "churn v1",
        "production",
    )


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ({"auc": 0.7}, "it is 0.7"),
        ({"auc": "nan"}, "no number for it: nan"),
        ({"auk": 0.9}, "did you mean 'auk'"),
        ({}, "none at all"),
    ],
    ids=["too low", "nan", "misspelt", "none"],
)
def test_a_gate_refuses_and_says_why(
    workshop: Workshop, metrics: dict[str, float | str], why: str
) -> None:
    moved = through(workshop, version(workshop, **metrics))
    assert moved.refused
    assert not moved.moved
    assert any(why in gate.why for gate in moved.gates if not gate.passed)
    assert "production" not in models.model(workshop.repo, "churn").stages


def test_a_stage_may_require_another_first(workshop: Workshop) -> None:
    moved = promote(workshop.repo, version(workshop, auc=0.9), "production")
    assert moved.refused
    assert moved.gates[0].why == "v1 never was in staging"


@pytest.mark.parametrize(("auc", "passes"), [(0.895, True), (0.89, True), (0.889, False)])
def test_not_worse_than_allows_the_tolerance_and_no_more(
    workshop: Workshop, auc: float, passes: bool
) -> None:
    through(workshop, version(workshop, auc=0.9))
    assert through(workshop, version(workshop, auc=auc)).moved == passes


def test_smaller_may_be_better(workshop: Workshop) -> None:
    workshop.settings(
        "models: {churn: {path: model, stages: {production: {gates: "
        "[{metric: rmse, max: 3, not_worse_than: production, higher_is_better: false}]}}}}\n"
    )
    for rmse, moves in ((2.0, True), (2.1, False), (1.9, True)):
        reference = version(workshop, rmse=rmse)
        assert promote(workshop.repo, reference, "production").moved == moves


def test_standing_there_already_moves_nothing_and_refuses_nothing(workshop: Workshop) -> None:
    reference = version(workshop, auc=0.9)
    through(workshop, reference)
    before = len(chain.entries(workshop.repo))
    moved = promote(workshop.repo, reference, "production")
    assert (moved.moved, moved.refused) == (False, False)
    assert len(chain.entries(workshop.repo)) == before


def test_a_dry_run_moves_nothing(workshop: Workshop) -> None:
    moved = promote(workshop.repo, version(workshop, auc=0.9), "staging", dry_run=True)
    assert (moved.moved, moved.refused) == (False, False)
    assert models.model(workshop.repo, "churn").stages == {}


def test_a_dry_run_says_no_even_of_what_stands_there(workshop: Workshop) -> None:
    through(workshop, version(workshop, auc=0.9))
    workshop.settings(
        "models: {churn: {path: model, stages: {production: {gates: [{metric: auc, min: 1}]}}}}\n"
    )
    assert promote(workshop.repo, "churn", "production", dry_run=True).refused
    assert not promote(workshop.repo, "churn", "production").refused


def test_a_stage_that_is_not_declared_is_refused_with_the_nearest(workshop: Workshop) -> None:
    with pytest.raises(RequestError, match="not a stage") as caught:
        promote(workshop.repo, version(workshop, auc=0.9), "prodution")
    assert caught.value.hint == "did you mean 'production'?"


def test_a_project_that_declares_no_stages_has_two_that_ask_nothing(workshop: Workshop) -> None:
    workshop.settings("models: {churn: {path: model}}\n")
    reference = version(workshop, auc=0.1)
    assert promote(workshop.repo, reference, "production").moved
    with pytest.raises(RequestError, match="'prodction' is not a stage") as caught:
        promote(workshop.repo, reference, "prodction")
    assert caught.value.hint == "did you mean 'production'?"


def test_rollback_goes_back_one_version_at_a_time(workshop: Workshop) -> None:
    for _ in range(3):
        through(workshop, version(workshop, auc=0.9))
    assert rollback(workshop.repo, "churn", "production").number == 2
    assert rollback(workshop.repo, "churn", "production").number == 1
    with pytest.raises(RequestError, match="no other version"):
        rollback(workshop.repo, "churn", "production")
    through(workshop, "churn@v3")
    assert rollback(workshop.repo, "churn", "production").number == 1
    assert verify(workshop.repo).sound


def test_rollback_of_an_empty_stage_is_refused(workshop: Workshop) -> None:
    version(workshop, auc=0.9)
    with pytest.raises(RequestError, match="nothing of churn is in 'production'"):
        rollback(workshop.repo, "churn", "production")


def test_an_alias_moves_and_is_never_a_stage_or_a_number(workshop: Workshop) -> None:
    version(workshop, auc=0.9)
    version(workshop, auc=0.9)
    alias(workshop.repo, "churn@v1", "champion")
    alias(workshop.repo, "churn@v2", "champion")
    assert models.resolve(workshop.repo, "churn@champion").number == 2
    for name in ("v2", "production"):
        with pytest.raises(RequestError):
            alias(workshop.repo, "churn@v1", name)


def test_a_stage_never_has_the_name_of_a_version(workshop: Workshop) -> None:
    workshop.settings("models: {churn: {path: model}}\n")
    with pytest.raises(RequestError, match="looks like a version"):
        promote(workshop.repo, version(workshop, auc=0.9), "v2")


def _promote_often(root: str, reference: str) -> None:
    repo = open_repository(Path(root))
    for stage in ("staging", "production") * 5:
        promote(repo, reference, stage)


def test_two_processes_that_promote_at_once_lose_nothing(workshop: Workshop) -> None:
    """And every promotion was judged against the version that it replaced."""
    workshop.settings(
        "models: {churn: {path: model, stages: {staging: {}, production: "
        "{gates: [{metric: auc, not_worse_than: production}]}}}}\n"
    )
    references = [version(workshop, auc=0.9), version(workshop, auc=0.9)]
    spawn = multiprocessing.get_context("spawn")
    workers = [
        spawn.Process(target=_promote_often, args=(str(workshop.repo.root), reference))
        for reference in references
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    repo = open_repository(workshop.repo.root)
    assert verify(repo).sound
    model = models.model(repo, "churn")
    assert set(model.stages) == {"staging", "production"}
    judged = [
        (event.detail["previous"], event.detail["gates"][0]["why"])
        for event in model.events
        if event.kind == "promote" and event.detail["stage"] == "production"
    ]
    assert len(judged) > 1
    for before, why in judged[1:]:
        assert why == f"it is 0.9, v{before} in production has 0.9"


def test_what_caused_a_rollback_is_kept_in_the_event_and_the_entry(workshop: Workshop) -> None:
    for _ in range(2):
        through(workshop, version(workshop, auc=0.9))
    cause = {"by": "serve", "errors": 0.5, "of": 40}
    rollback(workshop.repo, "churn", "production", reason="errors", cause=cause, standing=2)
    assert models.model(workshop.repo, "churn").events[-1].detail["cause"] == cause
    assert chain.entries(workshop.repo)[-1].detail["cause"] == cause


def test_a_rollback_of_what_stands_there_no_more_moves_nothing(workshop: Workshop) -> None:
    for _ in range(2):
        through(workshop, version(workshop, auc=0.9))
    with pytest.raises(Conflict, match="v2 is in production of churn by now, not v1"):
        rollback(workshop.repo, "churn", "production", standing=1)
    assert models.model(workshop.repo, "churn").stages["production"] == 2
