"""Canaries, experiments and shadows are events of a model, and end with what made them moot."""

from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, models, promote, routes


def register(repo: Repository, *, count: int = 3) -> None:
    """Put versions into a model's chain as `register` does, without a model's bytes."""
    for number in range(1, count + 1):
        held: dict[str, Any] = {
            "artifact": repo.objects.put(b"m"),
            "kind": "file",
            "path": "m.skops",
            "size": 1,
            "format": "skops",
            "trusted": False,
            "run": None,
            "inputs": [],
            "data": None,
            "target": None,
            "commit": None,
            "environment": None,
            "task": "classification",
            "signature": None,
            "metrics": {},
        }
        events.append(repo, "plant", "register", number, held)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = create(tmp_path)
    register(made)
    promote.promote(made, "plant@v1", "production")
    return made


def standing(repo: Repository) -> list[tuple[str, int, float]]:
    found = routes.arms(models.model(repo, "plant"))
    return [(arm.role, arm.version, arm.share) for arm in found]


def test_a_canary_begins_grows_and_ends(repo: Repository) -> None:
    first = routes.begin(repo, "plant@v2", "canary", share=0.1, reason="try it")
    assert routes.begin(repo, "plant@v2", "canary", share=0.5).since == first.since
    assert standing(repo) == [("canary", 2, 0.5)]
    routes.end(repo, "plant", "canary", how="aborted", reason="no")
    assert standing(repo) == []
    told = routes.ended(models.model(repo, "plant"), "canary", 2, "production")
    assert told is not None
    assert (told.detail["ended"], told.detail["reason"]) == ("aborted", "no")


def test_the_same_again_is_no_event(repo: Repository) -> None:
    routes.begin(repo, "plant@v2", "canary", share=0.1)
    head = events.head(repo, "plant")
    routes.begin(repo, "plant@v2", "canary", share=0.1)
    assert events.head(repo, "plant") == head


def test_a_promotion_of_the_canary_ends_it_and_a_rollback_does_not_bring_it_back(
    repo: Repository,
) -> None:
    routes.begin(repo, "plant@v2", "canary", share=0.1)
    promote.promote(repo, "plant@v2", "production")
    assert standing(repo) == []
    promote.rollback(repo, "plant", "production")
    assert standing(repo) == []


def test_a_promotion_of_another_version_leaves_it(repo: Repository) -> None:
    routes.begin(repo, "plant@v2", "canary", share=0.1)
    promote.promote(repo, "plant@v3", "production")
    assert standing(repo) == [("canary", 2, 0.1)]


def test_an_experiment_keeps_its_salt_while_shares_change_and_the_next_has_another(
    repo: Repository,
) -> None:
    first = routes.begin(repo, "plant@v2", "ab", share=0.2, by="user_id")
    grown = routes.begin(repo, "plant@v2", "ab", share=0.4)
    other = routes.begin(repo, "plant@v3", "ab", share=0.4, by="user_id")
    assert first.salt == grown.salt == other.salt
    assert grown.by == "user_id"
    routes.end(repo, "plant", "ab", how="stopped")
    assert routes.begin(repo, "plant@v2", "ab", share=0.4, by="user_id").salt != first.salt
    assert routes.fields(models.model(repo, "plant")) == ("user_id",)


def test_a_shadow_goes_with_either(repo: Repository) -> None:
    routes.begin(repo, "plant@v2", "canary", share=0.1)
    routes.begin(repo, "plant@v3", "shadow")
    assert standing(repo) == [("canary", 2, 0.1), ("shadow", 3, 1.0)]


@pytest.mark.parametrize(
    ("role", "reference", "named", "words"),
    [
        ("canary", "plant@v1", {"share": 0.1}, "v1 is what 'production' answers with"),
        ("canary", "plant@v3", {"share": 0.1}, "v2 has 0.2 of the requests"),
        ("ab", "plant@v3", {"share": 0.1, "by": "user_id"}, "v2 has 0.2 of the requests"),
        ("canary", "plant@v2", {"share": 1.5}, "is no share"),
        ("ab", "plant@v2", {"share": 0.5}, "needs to know what tells users apart"),
        ("canary", "plant@v2", {"share": 0.5, "stage": "staging"}, "nothing of plant is in"),
        ("canary", "plant@v9", {"share": 0.5}, "no version v9"),
    ],
)
def test_what_cannot_stand_there_is_told_with_what_to_do(
    repo: Repository, role: routes.Role, reference: str, named: dict[str, Any], words: str
) -> None:
    routes.begin(repo, "plant@v2", "canary", share=0.2)
    with pytest.raises(RequestError, match=words):
        routes.begin(repo, reference, role, **named)


def test_versions_of_an_experiment_share_one_key_and_all_requests_at_most(
    repo: Repository,
) -> None:
    routes.begin(repo, "plant@v2", "ab", share=0.7, by="user_id")
    with pytest.raises(RequestError, match="goes by 'user_id', not by 'team'"):
        routes.begin(repo, "plant@v3", "ab", share=0.1, by="team")
    with pytest.raises(RequestError, match="would have 110% of the requests") as caught:
        routes.begin(repo, "plant@v3", "ab", share=0.4, by="user_id")
    assert caught.value.hint == "give v3 at most 30%"


def test_a_version_can_be_served_and_have_a_canary_without_any_stage(repo: Repository) -> None:
    routes.begin(repo, "plant@v2", "canary", share=0.1, stage="v1")
    assert standing(repo) == []
    assert len(routes.arms(models.model(repo, "plant"), "v1")) == 1


@pytest.mark.parametrize("text", ["0%", "101%", "-1", "x", "10%%", "1.5", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is no share of the requests"):
        routes.share_of(text)


def test_ending_what_is_not_there_is_told(repo: Repository) -> None:
    with pytest.raises(RequestError, match="plant has no canary beside 'production'"):
        routes.end(repo, "plant", "canary", how="aborted")
