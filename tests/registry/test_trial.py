"""A version answers clients beside a stage only if it may stand in that stage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.data.predictions.segment import Source
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, models, promote, routed, routes, trial
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.serving import opening

ASKS = """
models:
  plant:
    stages:
      staging: {}
      production: {requires: staging}
"""
A, B = Column("a", "number"), Column("b", "number")


def register(repo: Repository, *signatures: Signature | None) -> None:
    """Put versions into a model's chain as `register` does, without a model's bytes."""
    for number, signature in enumerate(signatures, start=1):
        held: dict[str, Any] = dict.fromkeys(
            ("run", "data", "target", "commit", "environment"), None
        )
        held |= {"artifact": repo.objects.put(b"m"), "kind": "file", "path": "m.skops", "size": 1}
        held |= {"format": "skops", "trusted": False, "inputs": [], "metrics": {}}
        held |= {"task": "classification"}
        held["signature"] = None if signature is None else signature.to_dict()
        events.append(repo, "plant", "register", number, held)


Make = Callable[..., Repository]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    def make(*signatures: Signature | None, asks: str = ASKS) -> Repository:
        repo = create(tmp_path)
        register(repo, *signatures)
        repo.layout.settings.write_text(asks)
        repo = open_repository(tmp_path)
        for stage in ("staging", "production"):
            promote.promote(repo, "plant@v1", stage)
        return repo

    return make


def arms(repo: Repository) -> tuple[routes.Arm, ...]:
    return routes.arms(models.model(repo, "plant"))


@pytest.mark.parametrize("role", ["canary", "ab"])
def test_who_answers_clients_passes_what_the_stage_asks(made: Make, role: routes.Role) -> None:
    repo = made(None, None)
    by = "user_id" if role == "ab" else None
    tried = trial.begin(repo, "plant@v2", role, share=0.1, by=by)
    assert tried.refused
    assert [one.why for one in tried.gates] == ["v2 never was in staging"]
    assert arms(repo) == ()
    promote.promote(repo, "plant@v2", "staging")
    assert not trial.begin(repo, "plant@v2", role, share=0.1, by=by).refused
    kept = models.model(repo, "plant").events[-1].detail["gates"]
    assert [(one["gate"], one["passed"]) for one in kept] == [("was in staging", True)]
    assert [arm.share for arm in arms(repo)] == [0.1]


def test_a_share_grows_through_the_gates_and_shrinks_without(made: Make) -> None:
    repo = made(None, None)
    routes.begin(repo, "plant@v2", "canary", share=0.5)
    assert trial.begin(repo, "plant@v2", "canary", share=0.6).refused
    assert not trial.begin(repo, "plant@v2", "canary", share=0.1).refused
    assert [arm.share for arm in arms(repo)] == [0.1]


def test_a_shadow_is_asked_nothing(made: Make) -> None:
    repo = made(Signature((A,)), Signature((A, B)))
    assert not trial.begin(repo, "plant@v2", "shadow").refused
    assert len(arms(repo)) == 1


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ((A, B), "'b' is new"),
        ((), "'a' is gone"),
        ((Column("a", "integer"),), "of the kind integer, and was of number"),
        ((A,), None),
    ],
)
def test_who_refuses_requests_that_the_stage_takes_does_not_begin(
    made: Make, now: tuple[Column, ...], why: str | None
) -> None:
    repo = made(Signature((A,)), Signature(now), asks="")
    tried = trial.begin(repo, "plant@v2", "canary", share=0.1)
    assert tried.refused == (why is not None)
    assert [one.gate for one in tried.gates] == ["signature compatible with production"]
    assert (why or "it takes all that v1 takes") in tried.gates[0].why
    assert len(arms(repo)) == (0 if tried.refused else 1)


def test_an_option_of_the_server_begins_nothing_that_the_gates_refuse(made: Make) -> None:
    repo = made(None, None)
    with pytest.raises(RequestError, match="was in staging: v2 never was in staging") as caught:
        opening.begin(repo, ["plant"], "canary", ["v2:10%"], by=None, say=print)
    assert caught.value.hint == "mlo canary plant@v2 10%"
    assert arms(repo) == ()


def answer(repo: Repository, version: int, role: str, count: int) -> None:
    writer = PredictionWriter(repo.layout.predictions, warn=print)
    oid = models.model(repo, "plant").version(version).id
    ticket = writer.reserve(Source("plant", version, oid, ("x",), None, role), count)
    rows = [0.5] * count
    writer.record(ticket, [rows], rows, None, sizes=[1] * count)
    writer.close()


def test_what_each_has_answered_since_is_counted(made: Make) -> None:
    repo = made(None, None, asks="")
    answer(repo, 1, "answer", 7)
    routes.begin(repo, "plant@v2", "canary", share=0.5)
    routes.begin(repo, "plant@v2", "shadow", share=0.5)
    for version, role, count in ((1, "answer", 3), (2, "canary", 2), (2, "shadow", 4)):
        answer(repo, version, role, count)
    found = routed.routed(repo, "plant")
    assert [(one.role, one.predictions, one.beside) for one in found.logged] == [
        ("canary", 2, 3),
        ("shadow", 4, 3),
    ]
    path = repo.layout.predictions / "plant" / "0123456789abcdef.seg"
    path.write_bytes(b"no head" * 20)
    assert "a damaged place" in str(routed.routed(repo, "plant").skipped)
