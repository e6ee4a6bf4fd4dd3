"""Two clones that both worked on a model lose nothing when they meet."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlops_cli.audit import chain
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.errors import Conflict
from mlops_cli.registry import events, models, routes, trial
from mlops_cli.registry.lineage.trace import trace
from mlops_cli.registry.promote import promote, rollback
from mlops_cli.registry.rebase import rebase
from mlops_cli.registry.register import register
from mlops_cli.registry.verification import verify
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from tests.registry.conftest import Workshop
from tests.remotes.conftest import remote_of


def fetch_all(repo: Repository, folder: Path) -> fetch.Fetched:
    remote = remote_of(repo, folder)
    found = fetch.records(repo, remote)
    fetch.content(repo, remote, None)
    return found


def grow(workshop: Workshop, auc: float, strength: float) -> None:
    register(workshop.repo, "churn", run=workshop.run({"auc": auc}, strength=strength))


@pytest.fixture
def met(workshop: Workshop, tmp_path: Path) -> tuple[Workshop, Workshop, Path]:
    """Two clones that share v1 in staging, and have each registered a v2 since."""
    folder = tmp_path / "remote"
    grow(workshop, 0.9, 1.0)
    promote(workshop.repo, "churn@v1", "staging")
    push(workshop.repo, remote_of(workshop.repo, folder))
    other = Workshop(create(tmp_path / "other"), made=100)
    other.settings(workshop.repo.layout.settings.read_text())
    fetch_all(other.repo, folder)
    grow(workshop, 0.91, 2.0)
    grow(other, 0.92, 3.0)
    promote(other.repo, "churn@v2", "staging", reason="mine is better")
    push(workshop.repo, remote_of(workshop.repo, folder))
    return workshop, other, folder


def test_the_second_push_is_refused_until_pulled(met: tuple[Workshop, Workshop, Path]) -> None:
    _, other, folder = met
    with pytest.raises(Conflict, match="models/churn"):
        push(other.repo, remote_of(other.repo, folder))


def test_what_was_done_here_comes_after_what_was_done_there(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    workshop, other, folder = met
    theirs = models.resolve(workshop.repo, "churn@v2")
    mine = models.resolve(other.repo, "churn@v2")
    done = rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    assert done.renumbered == ((2, 3),)
    after = models.model(open_repository(other.repo.root), "churn")
    assert after.version(2) == theirs
    assert after.version(3).artifact == mine.artifact
    assert after.version(3).time == mine.time
    assert after.stages == {"staging": 3}
    assert after.events[-1].detail["reason"] == "mine is better"
    push(other.repo, remote_of(other.repo, folder))
    assert fetch_all(workshop.repo, folder).moved
    assert models.model(workshop.repo, "churn").stages == {"staging": 3}
    for repo in (workshop.repo, other.repo):
        assert verify(repo).sound


def test_a_prediction_from_before_the_renumbering_still_leads_to_its_version(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    _, other, folder = met
    mine = models.resolve(other.repo, "churn@v2")
    writer = PredictionWriter(other.repo.layout.predictions, warn=pytest.fail)
    ticket = writer.reserve(Source("churn", 2, mine.id, ("age", "income"), (0, 1)), 1)
    writer.record(ticket, [[40], [2.0]], [1], [[0.25, 0.75]])
    writer.close()
    rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    after = models.resolve(other.repo, "churn@v3")
    assert after.id != mine.id
    assert models.resolve(other.repo, f"churn@{mine.id}") == after
    (answered,) = trace(other.repo, f"{ticket.segment}-{ticket.first}").up
    assert (answered.name, answered.id) == ("churn v3", after.id)
    assert trace(other.repo, mine.id).name == "churn v3"


def test_of_two_promotions_at_once_the_one_that_was_pushed_wins(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    workshop, other, folder = met
    promote(workshop.repo, "churn@v2", "staging")
    push(workshop.repo, remote_of(workshop.repo, folder))
    with pytest.raises(Conflict, match="models/churn"):
        push(other.repo, remote_of(other.repo, folder))
    done = rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    (refusal,) = done.refused
    assert (refusal.stage, refusal.number) == ("staging", 3)
    assert refusal.why == (
        "Ada Byron moved staging to v2 in the meantime, and the gates were asked before"
    )
    assert refusal.hint == "mlo promote churn@v3 staging"
    assert models.model(other.repo, "churn").stages == {"staging": 2}
    push(other.repo, remote_of(other.repo, folder))
    assert promote(other.repo, "churn@v3", "staging").moved
    push(other.repo, remote_of(other.repo, folder))
    fetch_all(workshop.repo, folder)
    for repo in (workshop.repo, other.repo):
        assert models.model(repo, "churn").stages == {"staging": 3}
        assert verify(repo).problems == ()


def test_a_rollback_over_what_the_remote_did_is_left_out_and_said(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    workshop, other, folder = met
    promote(workshop.repo, "churn@v2", "staging")
    push(workshop.repo, remote_of(workshop.repo, folder))
    rollback(other.repo, "churn", "staging")
    done = rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    assert [(one.stage, one.number) for one in done.refused] == [("staging", 3), ("staging", 1)]
    assert models.model(other.repo, "churn").stages == {"staging": 2}
    assert rollback(other.repo, "churn", "staging").number == 1
    assert verify(other.repo).problems == ()


def test_a_promotion_is_not_put_after_one_that_its_gates_did_not_know(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    workshop, other, folder = met
    for name in ("staging", "production"):
        promote(other.repo, "churn@v1", name)
    grow(workshop, 0.99, 7.0)
    for name in ("staging", "production"):
        promote(workshop.repo, "churn@v3", name)
    push(workshop.repo, remote_of(workshop.repo, folder))
    done = rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    assert models.model(other.repo, "churn").stages == {"staging": 3, "production": 3}
    assert {one.stage for one in done.refused} == {"staging", "production"}
    assert promote(other.repo, "churn@v1", "production").refused


def test_what_was_judged_by_another_stage_is_judged_again_when_that_has_moved(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    workshop, other, folder = met
    for shop in (workshop, other):
        shop.settings(
            "models: {churn: {path: model, stages: {staging: {}, production: "
            "{gates: [{metric: auc, not_worse_than: staging}]}}}}\n"
        )
    promote(other.repo, "churn@v2", "production")
    promote(workshop.repo, "churn@v2", "staging")
    push(workshop.repo, remote_of(workshop.repo, folder))
    done = rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    assert {one.stage for one in done.refused} == {"staging", "production"}


def test_a_canary_that_was_judged_by_another_stage_ends_when_that_has_moved(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    workshop, other, folder = met
    for shop in (workshop, other):
        shop.settings(
            "models: {churn: {path: model, stages: {staging: "
            "{gates: [{metric: auc, not_worse_than: production}]}, production: {}}}}\n"
        )
    assert not trial.begin(other.repo, "churn@v1", "canary", share=0.1, stage="staging").refused
    trial.begin(other.repo, "churn@v1", "shadow", stage="staging")
    promote(workshop.repo, "churn@v2", "production")
    push(workshop.repo, remote_of(workshop.repo, folder))
    done = rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    assert [(one.stage, one.number) for one in done.refused] == [("staging", 3), ("staging", 1)]
    standing = routes.arms(models.model(other.repo, "churn"), "staging")
    assert [arm.role for arm in standing] == ["shadow"]
    assert verify(other.repo).problems == ()


def test_an_event_that_a_rebase_made_of_nothing_is_found(
    met: tuple[Workshop, Workshop, Path],
) -> None:
    _, other, folder = met
    rebase(other.repo, "churn", fetch_all(other.repo, folder).diverged["models/churn"])
    assert verify(other.repo).problems == ()
    head = other.repo.refs.get("models/churn")
    assert head is not None
    event = events.read(other.repo, head)
    with other.repo.objects.writer() as writer:
        forged = events.keep(writer, replace(event, prev=head, number=2, time="2026-01-31"))
    detail = {"onto": head, "made": [forged], "replaced": {}}
    moves = {"models/churn": (head, forged)}
    chain.record(other.repo, "rebase", "churn", detail, moves=moves)
    assert any("which event it repeats" in one for one in verify(other.repo).problems)


def test_a_rebase_that_is_cut_off_leaves_the_chain_as_it_was(
    met: tuple[Workshop, Workshop, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, other, folder = met
    there = fetch_all(other.repo, folder).diverged["models/churn"]
    before = other.repo.refs.all()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chain, "record_all", killed)
    with pytest.raises(KeyboardInterrupt):
        rebase(other.repo, "churn", there)
    assert other.repo.refs.all() == before
