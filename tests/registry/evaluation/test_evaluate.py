"""What is said of a version on some data is put on record, and found again."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score

from mlops_cli.audit import chain
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data.add import add
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry import events, formats, models, signature
from mlops_cli.registry.evaluation import kept, latency
from mlops_cli.registry.evaluation.answers import Labelled
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.evaluation.record import newest, of_version
from mlops_cli.registry.register import register
from mlops_cli.registry.verification import verify
from tests.registry.conftest import Workshop

SETTINGS = """
models:
  churn:
    target: left
    evaluate: {data: data/test.csv, slices: [region], sensitive: [sex]}
"""


def people(rows: int = 80) -> pd.DataFrame:
    each = range(rows)
    return pd.DataFrame(
        {
            "age": [20 + i % 50 for i in each],
            "income": [float(i % 7) for i in each],
            "region": ["north" if i % 3 else "south" for i in each],
            "sex": ["f" if i % 2 else "m" for i in each],
            "left": ["yes" if (i % 50 + i % 5) > 25 else "no" for i in each],
        }
    )


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A project with the model churn v1, and a table that it is to be evaluated on."""
    create(tmp_path / "project")
    (tmp_path / "project/.mlops.yaml").write_text(SETTINGS)
    repo = open_repository(tmp_path / "project")
    frame = people()
    taken = frame[["age", "income"]]
    fitted = LogisticRegression(max_iter=500).fit(taken, frame["left"])
    formats.save(fitted, repo.root / "model", signature.for_model(fitted, taken))
    register(repo, "churn", path=repo.root / "model")
    (repo.root / "data").mkdir()
    people(60).to_csv(repo.root / "data/test.csv", index=False)
    return repo


def test_the_numbers_are_those_of_scikit_learn(repo: Repository) -> None:
    version = models.resolve(repo, "churn")
    found = evaluate(repo, version)
    frame = people(60)
    loaded = models.load(repo, version)
    shares = loaded.predict_proba(frame)
    assert shares is not None
    said = loaded.predict(frame)
    assert found.metrics["accuracy"].value == accuracy_score(frame["left"], said)
    assert found.metrics["roc_auc"].value == pytest.approx(
        roc_auc_score(frame["left"], shares[:, 1])
    )
    assert (found.labels, found.positive, found.rows) == (("no", "yes"), "yes", 60)
    north = frame["region"] == "north"
    slice_ = found.slice("region=north")
    assert slice_ is not None
    assert slice_.rows == north.sum()
    assert slice_.metrics["accuracy"].value == accuracy_score(frame["left"][north], said[north])
    assert [one.column for one in found.fairness] == ["sex"]
    assert found.latency.row_s > found.latency.batch_row_s > 0
    assert found.size == version.size


def test_it_is_an_event_of_the_model_and_in_the_audit_record(repo: Repository) -> None:
    found = evaluate(repo, models.resolve(repo, "churn"))
    model = models.model(open_repository(repo.root), "churn")
    assert of_version(model, model.version(1)) == (found,)
    assert newest(model, model.version(1), found.data.oid) == found
    entry = chain.entries(repo)[-1]
    assert (entry.action, entry.subject, entry.detail["event"]) == (
        "evaluate",
        "churn v1",
        found.id,
    )
    assert verify(repo).sound


def test_the_same_again_is_on_record_already(repo: Repository) -> None:
    version = models.resolve(repo, "churn")
    first = evaluate(repo, version)
    assert evaluate(repo, version) == first
    people(50).to_csv(repo.root / "data/test.csv", index=False)
    assert evaluate(repo, version).id != first.id


def test_the_answers_are_kept_row_by_row(repo: Repository) -> None:
    found = evaluate(repo, models.resolve(repo, "churn"))
    every, north = (kept.answers_of(repo, found, where) for where in (None, "region=north"))
    assert isinstance(every, Labelled)
    assert isinstance(north, Labelled)
    hits = (every.truth == every.predicted).mean()
    assert hits == found.metrics["accuracy"].value
    assert north.rows == (people(60)["region"] == "north").sum()
    assert every.shares is not None
    assert every.shares.shape == (60, 2)


def test_what_is_versioned_is_named_by_its_version(repo: Repository) -> None:
    (added,) = add(repo, [repo.root / "data/test.csv"])
    people(40).to_csv(repo.root / "data/test.csv", index=False)
    found = evaluate(repo, models.resolve(repo, "churn"))
    assert (found.data.oid, found.rows) == (added.oid, 60)
    again = evaluate(repo, models.resolve(repo, "churn"), f"data/test.csv@{added.oid[:12]}")
    assert again.data.oid == added.oid


def test_a_version_of_a_folder_is_one_table(repo: Repository) -> None:
    whole = evaluate(repo, models.resolve(repo, "churn"))
    folder = repo.root / "data/parts"
    folder.mkdir()
    people(60)[:30].to_csv(folder / "1.csv", index=False)
    people(60)[30:].to_csv(folder / "2.csv", index=False)
    add(repo, [folder])
    found = evaluate(repo, models.resolve(repo, "churn"), "data/parts")
    assert (found.rows, found.metrics) == (60, whole.metrics)
    (folder / "1.csv").unlink()
    (folder / "2.csv").rename(folder / "notes.txt")
    add(repo, [folder])
    with pytest.raises(RequestError, match="no table in 'data/parts'"):
        evaluate(repo, models.resolve(repo, "churn"), "data/parts")


def test_rows_without_a_truth_are_left_out_and_told(repo: Repository) -> None:
    frame = people(60)
    frame.loc[:4, "left"] = None
    frame.to_csv(repo.root / "data/test.csv", index=False)
    found = evaluate(repo, models.resolve(repo, "churn"))
    assert (found.rows, found.dropped) == (55, 5)
    assert "5 rows without a truth were left out" in found.notes


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"asked": "data/tset.csv"}, "'data/tset.csv' is not versioned", None),
        ({"target": "lest"}, "has no column 'lest'", "did you mean 'left'?"),
        ({"slices": ["regoin"]}, "has no column 'regoin'", "did you mean 'region'?"),
        ({"target": "age"}, "the model predicts 'no', 'yes', and 'age' holds 20, 21", "name"),
        (
            {"target": "sex"},
            "the model predicts 'no', 'yes', and 'sex' holds 'm', 'f': the labels differ",
            "evaluate on a table with the model's labels",
        ),
        ({"positive": "maybe"}, "'maybe' is no label of the model", "it has 'no', 'yes'"),
    ],
)
def test_a_mistake_is_told(
    repo: Repository, options: dict[str, object], message: str, hint: str | None
) -> None:
    with pytest.raises(RequestError) as caught:
        evaluate(repo, models.resolve(repo, "churn"), **options)  # type: ignore[arg-type]
    assert message in caught.value.message
    assert (caught.value.hint or "").startswith(hint or "")
    assert len(models.model(repo, "churn").events) == 1


def test_without_a_table_it_says_what_to_type(repo: Repository) -> None:
    repo.layout.settings.write_text("models: {churn: {target: left}}\n")
    with pytest.raises(RequestError, match="it is not known which table") as caught:
        evaluate(open_repository(repo.root), models.resolve(repo, "churn"))
    assert "--data PATH" in (caught.value.hint or "")


def test_a_regression_is_evaluated_as_one(repo: Repository) -> None:
    frame = people()
    fitted = LinearRegression().fit(frame[["age"]], frame["income"])
    formats.save(fitted, repo.root / "other", signature.for_model(fitted, frame[["age"]]))
    register(repo, "income", path=repo.root / "other")
    found = evaluate(
        repo, models.resolve(repo, "income"), "data/test.csv", target="income", sensitive=["sex"]
    )
    assert (found.task, found.labels, found.confusion) == ("regression", None, None)
    assert set(found.fairness[0].metrics) >= {"mae_difference", "mean_prediction_difference"}


def test_the_test_table_is_found_by_lineage(workshop: Workshop) -> None:
    register(workshop.repo, "churn", run=workshop.run({"auc": 0.9}))
    with pytest.raises(RequestError, match="it is not known which table"):
        evaluate(workshop.repo, models.resolve(workshop.repo, "churn"))
    found = evaluate(workshop.repo, models.resolve(workshop.repo, "churn"), "data/train.csv")
    assert found.rows == 6
    assert any("few" in note for note in found.notes)


def test_what_is_damaged_is_an_integrity_error(repo: Repository) -> None:
    found = evaluate(repo, models.resolve(repo, "churn"))
    broken = {**found.detail(), "metrics": {"accuracy": {"worth": 1}}}
    events.append(repo, "churn", "evaluate", 1, broken)
    model = models.model(repo, "churn")
    with pytest.raises(Exception, match="is malformed"):
        of_version(model, model.version(1))


def test_what_answers_in_a_server_is_measured(repo: Repository) -> None:
    version = models.resolve(repo, "churn")
    assert version.compiled is not None
    assert evaluate(repo, version).latency.runtime == "onnx"
    predictor = models.load(repo, version)
    native = latency.of_version(repo, replace(version, runtime=None), predictor, people(5))
    assert (native.runtime, native.batch_rows) == ("native", 5)


def test_the_median_and_the_slowest_are_told() -> None:
    ticks = iter(float(number) for number in range(10_000))
    found = latency.measure(
        lambda: None, lambda: None, 10, runtime="native", clock=lambda: next(ticks)
    )
    assert (found.row_s, found.row_p99_s, found.batch_row_s) == (1.0, 1.0, 0.1)


def test_answers_that_somebody_else_made_up_are_refused(repo: Repository) -> None:
    import io

    import numpy as np

    found = evaluate(repo, models.resolve(repo, "churn"))
    for array in (np.zeros(3), np.full(60, 9), np.zeros((60, 2)), np.array(["x"] * 60)):
        buffer = io.BytesIO()
        np.save(buffer, array)
        oid = repo.objects.put(buffer.getvalue())
        for place in ("truth", "predicted"):
            broken = replace(found, kept=replace(found.kept, **{place: oid}))
            with pytest.raises(IntegrityError, match="are not of its rows"):
                kept.answers_of(repo, broken)
    with pytest.raises(IntegrityError, match="holds no array"):
        oid = repo.objects.put(b"junk")
        kept.answers_of(repo, replace(found, kept=replace(found.kept, truth=oid)))
