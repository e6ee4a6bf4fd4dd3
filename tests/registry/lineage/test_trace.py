"""Anything leads back to what made it, and data forward to what came of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import create
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry import predict
from mlops_cli.registry.events import Event
from mlops_cli.registry.lineage import told
from mlops_cli.registry.lineage.node import Node
from mlops_cli.registry.lineage.trace import trace
from mlops_cli.registry.lineage.walk import Walk
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging.make import package
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from mlops_cli.runs import said
from mlops_cli.runs.record import Artifact
from tests.registry.conftest import Workshop
from tests.runs.recorded import record


def every(node: Node) -> Iterator[Node]:
    yield node
    for below in (*node.up, *node.down):
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


def test_a_file_of_predictions_leads_to_its_batch_wherever_it_is(
    workshop: Workshop, version: Version, tmp_path: Path
) -> None:
    pd.DataFrame({"age": [1], "income": [2.0]}).to_csv(tmp_path / "in.csv", index=False)
    inside, elsewhere = workshop.repo.root / "out.csv", tmp_path / "elsewhere.csv"
    batch = predict.predict(workshop.repo, version, tmp_path / "in.csv", inside)
    elsewhere.write_bytes(inside.read_bytes())
    for text, name in (("out.csv", "out.csv"), (str(elsewhere), str(elsewhere))):
        node = trace(workshop.repo, text)
        assert (node.kind, node.name) == ("data", name)
        assert one(node, "batch").name == batch.id
        assert one(node, "version").id == version.id
    elsewhere.write_text("something else\n")
    with pytest.raises(RequestError, match="outside the project"):
        trace(workshop.repo, str(elsewhere))


def test_metrics_that_are_left_out_are_counted() -> None:
    metrics = {f"metric-{number:02}": 0.5 for number in range(11)}
    event = Event(ObjectId("e"), None, "churn", "evaluate", "", {}, 2, {"metrics": metrics})
    fact = told.event(event).facts["metrics"]
    assert "metric-07 0.5 and 3 more: mlo models show churn@v2" in fact
    assert "metric-08" not in fact


def test_a_run_leads_forward_to_its_versions(workshop: Workshop, version: Version) -> None:
    node = trace(workshop.repo, "run-1")
    assert node.kind == "run"
    assert one(node, "version").facts["stands in"] == "staging"
    assert [above.kind for above in node.up] == ["code", "parameters", "data"]


def test_an_object_leads_forward_to_runs_and_versions(workshop: Workshop, version: Version) -> None:
    assert version.data is not None
    node = trace(workshop.repo, version.data.oid[:12])
    assert [below.kind for below in every(node)] == ["object", "run", "version", "promotion"]
    assert trace(workshop.repo, version.id[:12]).kind == "version"


def test_data_lead_back_to_the_run_that_made_them(workshop: Workshop, version: Version) -> None:
    assert version.data is not None
    made = Artifact(version.data.path, version.data.oid, "file")
    raw = Artifact("raw.csv", ObjectId("a" * 64), "file")
    record(workshop.repo, [{"name": "prepare", "inputs": (raw,), "outputs": (made,)}])
    node = trace(workshop.repo, "churn", down=False)
    assert one(node, "version") == node
    assert [run.name for run in every(node) if run.kind == "run"] == ["run-1", "prepare"]
    forward = trace(workshop.repo, "prepare", up=False)
    assert [below.kind for below in every(forward)] == [
        "run", "data", "run", "version", "promotion",
    ]  # fmt: skip


def test_a_file_is_known_by_what_it_holds_now(workshop: Workshop, version: Version) -> None:
    train = workshop.repo.root / "data/train.csv"
    found = trace(workshop.repo, "data/train.csv")
    assert (found.kind, found.id) == ("data", version.inputs[0].oid)
    assert one(found, "version").id == version.id
    model = trace(workshop.repo, "model")
    assert one(model, "version").id == version.id
    train.write_text("nobody knows this\n")
    with pytest.raises(RequestError, match=r"'data/train.csv' is not versioned"):
        trace(workshop.repo, "data/train.csv")


def test_a_version_leads_to_its_promotions_batches_and_answers(
    workshop: Workshop, version: Version, tmp_path: Path
) -> None:
    answered(workshop, version)
    pd.DataFrame({"age": [1], "income": [2.0]}).to_csv(tmp_path / "in.csv", index=False)
    batch = predict.predict(workshop.repo, version, tmp_path / "in.csv", tmp_path / "out.csv")
    node = trace(workshop.repo, "churn")
    assert [below.kind for below in node.down] == ["promotion", "batch", "predictions"]
    assert one(node, "batch").name == batch.id
    assert one(node, "predictions").name.startswith("1 ")


def test_a_version_leads_to_alerts_of_the_time_in_which_it_answered(
    workshop: Workshop, version: Version
) -> None:
    for rule, answered in (("slow", [{"version": version.id}]), ("other", [{"version": "ab"}])):
        held = {"rule": rule, "state": "firing", "reason": "slow", "facts": {"answered": answered}}
        chain.record(workshop.repo, "alert", "churn", held)
    chain.record(workshop.repo, "alert", "churn", {"rule": "old", "facts": {"answered": 7}})
    assert one(trace(workshop.repo, "churn"), "alert").name == "slow firing"
    held = {"rule": "errors", "state": "firing", "facts": {"failed": [{"version": version.id}]}}
    chain.record(workshop.repo, "alert", "churn", held)
    assert "errors firing" in {node.name for node in trace(workshop.repo, "churn").down}


def test_a_package_leads_to_its_version(
    workshop: Workshop, version: Version, tmp_path: Path
) -> None:
    package(workshop.repo, version, tmp_path / "made")
    node = trace(workshop.repo, str(tmp_path / "made"))
    assert (node.kind, node.facts["checksums"]) == ("package", "all as written")
    assert one(node, "version").id == version.id
    other = create(tmp_path / "other")
    assert trace(other, str(tmp_path / "made")).facts["run"] == version.run
    (tmp_path / "made/Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(IntegrityError, match="is not what was written"):
        trace(workshop.repo, str(tmp_path / "made"))


def test_one_way_and_some_levels_are_given_where_asked(
    workshop: Workshop, version: Version
) -> None:
    assert trace(workshop.repo, "churn", up=False).up == ()
    assert trace(workshop.repo, "churn", down=False).down == ()
    assert trace(workshop.repo, "churn", depth=0) == replace(
        trace(workshop.repo, "churn"), up=(), down=()
    )
    shallow = trace(workshop.repo, "churn", depth=1)
    assert [above.kind for above in shallow.up] == ["run"]
    assert shallow.up[0].up == ()


def test_what_leads_to_much_is_given_once_and_not_without_end(
    workshop: Workshop, version: Version
) -> None:
    assert version.data is not None
    made = Artifact(version.data.path, version.data.oid, "file")
    raw = Artifact("raw.csv", ObjectId("a" * 64), "file")
    record(workshop.repo, [{"inputs": (raw,), "outputs": (made,)} for _ in range(300)])
    node = trace(workshop.repo, "a" * 64)
    runs = [below for below in node.down if below.kind == "run"]
    assert (node.down[0].name, len(runs)) == ("280 earlier runs", 20)
    assert sum(below.kind == "version" for below in every(node)) == 1
    (other, *_) = [below for below in every(runs[1]) if below.kind == "data"]
    assert other.facts == {"told": "elsewhere in this lineage"}


def test_a_removed_run_made_nothing(workshop: Workshop, version: Version) -> None:
    assert version.data is not None
    made = Artifact(version.data.path, version.data.oid, "file")
    (prepare,) = record(workshop.repo, [{"name": "prepare", "outputs": (made,)}])
    said.remove(workshop.repo, [prepare], removed=True)
    assert [run.name for run in every(trace(workshop.repo, "churn")) if run.kind == "run"] == [
        "run-1"
    ]


def test_a_run_that_is_not_here_is_told(workshop: Workshop, version: Version) -> None:
    assert version.run is not None
    walk = Walk(workshop.repo)
    assert walk._run_up(ObjectId("f" * 64), 1).facts == {"record": "not in this store: mlo fetch"}


def test_what_names_nothing_is_refused(workshop: Workshop, version: Version) -> None:
    for text in ("nothing", "0123456789abcdef-1", "ffffffffffff", "a" * 5000, "", "..", "a\0b"):
        with pytest.raises(RequestError):
            trace(workshop.repo, text)
