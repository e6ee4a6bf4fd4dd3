"""What differs between two versions is told, and nothing else."""

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.registry import models
from mlops_cli.registry.compare import compare
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import Said, register
from tests.registry.conftest import Workshop


@pytest.fixture
def two(workshop: Workshop) -> Workshop:
    workshop.settings("models: {churn: {path: model, data: data/train.csv, target: left}}\n")
    native = Said(compile=False)
    register(workshop.repo, "churn", run=workshop.run({"auc": 0.9}), said=native)
    run = workshop.run({"auc": 0.8, "f1": 0.5}, strength=0.01)
    register(workshop.repo, "churn", run=run, said=native)
    return workshop


def test_parameters_and_metrics_come_with_their_difference(two: Workshop) -> None:
    found = compare(two.repo, ["churn@v1", "churn@v2"])
    assert found.names == ("churn v1", "churn v2")
    rows = {one.title: {row.name: row for row in one.rows} for one in found.sections}
    assert rows["parameters"]["strength"].values == (1.0, 0.01)
    assert rows["metrics"]["auc"].difference == pytest.approx(-0.1)
    assert rows["metrics"]["f1"].values == (None, 0.5)
    assert "columns" not in rows
    assert {"columns", "data"} <= set(found.same)
    every = compare(two.repo, ["churn@v1", "churn@v2"], everything=True)
    titles = {one.title: [row.name for row in one.rows] for one in every.sections}
    assert titles["columns"] == ["age", "income"]
    assert "rows" in titles["data"]


def test_evaluations_on_the_same_data_are_compared(two: Workshop) -> None:
    for reference in ("churn@v1", "churn@v2"):
        version = models.resolve(two.repo, reference)
        evaluate(two.repo, version, "data/train.csv", slices=["age"])
    found = compare(two.repo, ["churn@v1", "churn@v2"], everything=True)
    rows = {one.title: {row.name: row for row in one.rows} for one in found.sections}
    assert rows["metrics"]["accuracy on data/train.csv"].values[0] is not None
    assert rows["metrics"]["native, us a row"].difference is not None
    assert any(name.endswith(" accuracy") for name in rows["slices"])


def test_one_version_is_compared_with_what_is_in_production_or_before_it(two: Workshop) -> None:
    assert compare(two.repo, ["churn"]).names == ("churn v1", "churn v2")
    promote(two.repo, "churn@v2", "production")
    assert compare(two.repo, ["churn@v1"]).names == ("churn v2", "churn v1")
    with pytest.raises(RequestError, match="no other version") as caught:
        register(two.repo, "lone", path=two.repo.root / "model", said=Said(compile=False))
        compare(two.repo, ["lone"])
    assert caught.value.hint == "name two: mlo models compare lone@v1 MODEL@REF"
