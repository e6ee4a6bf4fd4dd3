"""Gates on signatures, on reproduction, and on drift of the training data, case by case."""

from dataclasses import replace

import pytest

from mlops_cli.cli.commands.promote import drifted
from mlops_cli.core.config_gates import DriftGate, ReproducedGate, SignatureGate
from mlops_cli.core.repository import create
from mlops_cli.data import snapshot
from mlops_cli.errors import RequestError
from mlops_cli.registry import models
from mlops_cli.registry.gates import drift, reproduced
from mlops_cli.registry.gates import signature as signatures
from mlops_cli.registry.gates.asked import Asked
from mlops_cli.registry.models import Version
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.runs.record import Run
from mlops_cli.runs.reproduced import state
from tests.registry.conftest import Workshop

ANY = "models: {churn: {path: model, data: data/train.csv, target: left}}\n"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """v1 is in production, v2 is not."""
    workshop = Workshop(create(tmp_path_factory.mktemp("two") / "project"))
    workshop.settings(ANY)
    for auc in (0.8, 0.9):
        register(workshop.repo, "churn", run=workshop.run({"auc": auc}, strength=auc))
    promote(workshop.repo, "churn@v1", "production")
    return workshop


def asked(shop: Workshop, *, before: Column | None = None, now: Column | None = None) -> Asked:
    """Return v2 asked for production, which took `before`, and takes `now`."""
    model = models.model(shop.repo, "churn")

    def taking(version: Version, column: Column | None) -> Version:
        if column is None:
            return version
        return replace(version, signature=Signature((column,)))

    first, second = taking(model.version(1), before), taking(model.version(2), now)
    model = replace(model, versions=(first, second))
    return Asked(shop.repo, model, second, "production", drifted(shop.repo))


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        (Column("a", "integer"), Column("a", "number"), None),
        (Column("a", "category", categories=("x",)), Column("a", "text"), None),
        (
            Column("a", "category", categories=("x",)),
            Column("a", "category", categories=("x", "y")),
            None,
        ),
        (Column("a", "number"), Column("a", "number", nullable=True), None),
        (
            Column("a", "number"),
            Column("a", "integer"),
            "'a' is of the kind integer, and was of number",
        ),
        (Column("a", "text"), Column("a", "number"), "'a' is of the kind number, and was of text"),
        (Column("a", "category", categories=(1, 2)), Column("a", "text"), "and was of category"),
        (
            Column("a", "category", categories=("x", "y")),
            Column("a", "category", categories=("x",)),
            "'a' does not know 'y'",
        ),
        (
            Column("a", "number", nullable=True),
            Column("a", "number"),
            "'a' may not be missing any more",
        ),
        (
            Column("a", "number"),
            Column("b", "number"),
            "'b' is new, and who asks v1 does not send it; 'a' is gone",
        ),
    ],
)
def test_a_signature_is_compatible_when_every_request_still_fits(
    two: Workshop, before: Column, now: Column, why: str | None
) -> None:
    (found,) = signatures.check(asked(two, before=before, now=now), SignatureGate())
    assert found.passed == (why is None)
    assert (why or "it takes all that v1 takes") in found.why


def test_a_run_that_nobody_made_again_refuses_until_somebody_did(two: Workshop) -> None:
    gate = ReproducedGate("equal")
    with pytest.raises(RequestError, match="nobody has made run run-2 again") as caught:
        reproduced.check(asked(two), gate)
    assert caught.value.hint == "mlo reproduce run-2"
    oid = asked(two).version.run
    assert oid is not None
    made = Run.read(two.repo, oid)
    for verdict, equal, identical in (
        ("differs", False, False),
        ("equal", True, False),
        ("identical", True, True),
    ):
        state(two.repo, made, {"verdict": verdict})
        (found,) = reproduced.check(asked(two), gate)
        assert found.passed == equal
        (found,) = reproduced.check(asked(two), ReproducedGate("identical"))
        assert found.passed == identical
    (found,) = reproduced.check(asked(two), ReproducedGate("equal", signed=True))
    assert (found.passed, found.why.endswith("with no signature")) == (False, True)


def test_training_data_that_are_the_same_have_not_drifted(two: Workshop) -> None:
    (found,) = drift.check(asked(two), DriftGate("production"))
    assert (found.passed, found.why) == (True, "v1 was trained on the same")


def test_what_versions_keep_of_their_training_data_is_enough(two: Workshop) -> None:
    here = asked(two)
    assert here.version.profile is not None
    known = replace(here.version, data=None)
    (found,) = drift.check(replace(here, version=known), DriftGate("production"))
    assert "6 rows" in found.why


def test_training_data_that_cannot_be_judged_refuse(two: Workshop) -> None:
    here = asked(two)
    path = two.repo.root / "data/train.csv"
    path.write_text(path.read_text().replace("20", "21"))
    with two.repo.objects.writer() as writer:
        oid = snapshot.take(two.repo, path, writer=writer).oid
    assert here.version.data is not None
    other = replace(here.version, data=replace(here.version.data, oid=oid))
    (found,) = drift.check(replace(here, version=other), DriftGate("production"))
    assert not found.passed
    assert "6 rows" in found.why
    with pytest.raises(RequestError, match="cannot be judged here"):
        drift.check(replace(here, version=other, drifted=None), DriftGate("production"))
