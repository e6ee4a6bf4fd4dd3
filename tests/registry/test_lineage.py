"""Anything leads back to what made it, and data forward to what came of them."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.errors import RequestError
from mlops_cli.registry import predict
from mlops_cli.registry.lineage import Node, trace
from mlops_cli.registry.models import Version
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from tests.registry.conftest import Workshop


def every(node: Node) -> Iterator[Node]:
    yield node
    for below in node.below:
        yield from every(below)


def one(node: Node, kind: str) -> Node:
    (found,) = [inner for inner in every(node) if inner.kind == kind]
    return found


@pytest.fixture
def version(workshop: Workshop) -> Version:
    made = register(workshop.repo, "churn", run=workshop.run({"auc": 0.9})).version
    promote(workshop.repo, "churn", "staging", reason="first")
    return made


def answered(workshop: Workshop, version: Version) -> str:
    """Log one prediction as a server does, and return its id."""
    source = Source("churn", version.number, version.id, ("age", "income"), (0, 1))
    writer = PredictionWriter(workshop.repo.layout.predictions, warn=pytest.fail)
    ticket = writer.reserve(source, 1)
    writer.record(ticket, [[40], [2.0]], [1], [[0.25, 0.75]])
    writer.close()
    return f"{ticket.segment}-{ticket.first}"


def test_a_prediction_leads_to_version_approver_run_and_data(
    workshop: Workshop, version: Version
) -> None:
    node = trace(workshop.repo, answered(workshop, version))
    assert node.kind == "prediction"
    assert node.facts["prediction"] == "1"
    assert one(node, "version").id == version.id
    assert one(node, "promotion").facts["reason"] == "first"
    assert one(node, "run").id == version.run
    assert one(node, "data").id == version.inputs[0].oid


def test_promotions_after_the_answer_did_not_make_it(workshop: Workshop, version: Version) -> None:
    prediction = answered(workshop, version)
    promote(workshop.repo, "churn", "production")
    assert one(trace(workshop.repo, prediction), "promotion").name == "promote to staging"
    promotions = [node for node in every(trace(workshop.repo, "churn")) if node.kind == "promotion"]
    assert len(promotions) == 2


def test_a_batch_leads_to_its_version(workshop: Workshop, version: Version, tmp_path: Path) -> None:
    pd.DataFrame({"age": [1], "income": [2.0]}).to_csv(tmp_path / "in.csv", index=False)
    batch = predict.predict(workshop.repo, version, tmp_path / "in.csv", tmp_path / "out.csv")
    node = trace(workshop.repo, batch.id)
    assert (node.kind, node.facts["rows"]) == ("batch", "1")
    assert one(node, "version").id == version.id


def test_a_run_leads_forward_to_its_versions(workshop: Workshop, version: Version) -> None:
    node = trace(workshop.repo, "run-1")
    assert node.kind == "run"
    assert one(node, "version").facts == {"stands in": "staging"}


def test_an_object_leads_forward_to_runs_and_versions(workshop: Workshop, version: Version) -> None:
    assert version.data is not None
    node = trace(workshop.repo, version.data.oid[:12])
    assert [below.kind for below in node.below] == ["run", "version"]
    assert trace(workshop.repo, version.id[:12]).kind == "version"


def test_what_names_nothing_is_refused(workshop: Workshop, version: Version) -> None:
    for text in ("nothing", "0123456789abcdef-1", "ffffffffffff"):
        with pytest.raises(RequestError):
            trace(workshop.repo, text)
