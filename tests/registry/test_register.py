"""A version records where it came from, and nothing runs that nobody vouched for."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.data import snapshot
from mlops_cli.errors import RequestError
from mlops_cli.registry import card, events, example, formats, models, profile, signature
from mlops_cli.registry.register import Said, register
from mlops_cli.runs.names import REPRODUCES
from mlops_cli.runs.record import Artifact, encode
from tests.registry.conftest import Workshop


class Bomb:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch exploded",)


def test_a_version_knows_its_run_data_metrics_and_inputs(workshop: Workshop) -> None:
    run = workshop.run({"auc": 0.9})
    made = register(workshop.repo, "churn", run=run)
    assert made.created
    version = made.version
    assert (version.number, version.run, version.format) == (1, run.id, "skops")
    assert version.metrics == {"auc": 0.9}
    assert version.data is not None
    assert version.data.path == "data/train.csv"
    assert [one.path for one in version.inputs] == ["data/train.csv"]
    assert version.target == "left"
    assert version.signature is not None
    assert version.signature.names == ("age", "income")
    assert not version.trusted
    assert models.resolve(workshop.repo, "churn") == version


def test_a_version_keeps_an_example_its_training_data_in_sum_and_a_card(
    workshop: Workshop,
) -> None:
    repo = workshop.repo
    said = Said(licence="Apache-2.0", description="Who leaves us", compile=False)
    version = register(repo, "churn", run=workshop.run({"auc": 0.9}), said=said).version
    assert version.example is not None
    assert version.profile is not None
    assert version.card is not None
    shown = example.decode(repo.objects.get(version.example)).records()
    assert shown[0] == {"age": 20, "income": 1.5}
    seen = profile.decode(repo.objects.get(version.profile))
    assert (seen.rows, [one.name for one in seen.columns]) == (6, ["age", "income", "left"])
    assert (version.licence, version.description) == ("Apache-2.0", "Who leaves us")
    assert version.model_type == "sklearn.linear_model._logistic.LogisticRegression"
    assert version.classes == (0, 1)
    assert version.libraries.keys() >= {"scikit-learn", "skops"}
    assert version.licences["numpy"]


def test_no_row_is_kept_as_an_example_where_nobody_wants_one(workshop: Workshop) -> None:
    run = workshop.run({"auc": 0.9})
    version = register(
        workshop.repo, "churn", run=run, said=Said(example=False, compile=False)
    ).version
    assert version.example is None
    assert version.profile is not None
    assert "income" in card.read(workshop.repo, version)
    assert '"rows": [...]' in card.read(workshop.repo, version)


def test_a_record_from_before_all_this_still_reads(workshop: Workshop) -> None:
    repo = workshop.repo
    run = workshop.run({"auc": 0.9})
    version = register(repo, "churn", run=run, said=Said(compile=False)).version
    held = dict(events.read(repo, version.id).detail)
    first = (
        *("artifact", "kind", "path", "size", "format", "trusted", "run", "inputs", "data"),
        *("target", "commit", "environment", "task", "signature", "metrics"),
    )
    events.append(repo, "old", "register", 1, {name: held[name] for name in first})
    old = models.resolve(repo, "old")
    assert (old.card, old.example, old.runtime, old.trusted_types) == (None, None, None, ())
    assert old.signature == version.signature
    assert "# old v1" in card.read(repo, old)
    assert models.load(repo, old).classes == (0, 1)


def test_a_model_that_no_run_made_may_name_its_training_data(workshop: Workshop) -> None:
    workshop.run({"auc": 0.9})
    root = workshop.repo.root
    formats.save(formats.load(root / "model", trust=False).model, root / "bare")
    data = root / "data/train.csv"
    version = register(
        workshop.repo, "other", path=root / "bare", data=data, said=Said(compile=False)
    ).version
    assert version.data is not None
    assert version.profile is not None
    assert version.signature is not None
    assert version.signature.columns[0].maximum == 70


def test_what_was_trusted_is_on_record(workshop: Workshop) -> None:
    workshop.run({"auc": 0.9})
    path = workshop.repo.root / "model.joblib"
    joblib.dump(formats.load(workshop.repo.root / "model", trust=False).model, path)
    said = Said(trust=True, compile=False)
    version = register(workshop.repo, "other", path=path, said=said).version
    assert version.trusted_types == ("joblib",)
    assert "vouched for joblib" in card.read(workshop.repo, version)


def test_without_a_run_the_newest_that_made_the_model_is_taken(workshop: Workshop) -> None:
    workshop.run({"auc": 0.9})
    newer = workshop.run({"auc": 0.7}, strength=0.1)
    assert register(workshop.repo, "churn").version.run == newer.id


def test_without_a_run_no_part_of_another_is_taken_and_no_reproduction(workshop: Workshop) -> None:
    whole = workshop.run({"auc": 0.9})
    workshop.run({"auc": 0.2}, strength=0.1, parent=whole.key)
    workshop.run({"auc": 0.9}, strength=0.2, tags=(REPRODUCES + whole.key,))
    assert register(workshop.repo, "churn").version.run == whole.id


def test_where_only_parts_of_runs_made_a_model_one_has_to_be_named(workshop: Workshop) -> None:
    part = workshop.run({"auc": 0.2}, parent="0" * 12)
    with pytest.raises(RequestError, match="part of others, such as trials") as caught:
        register(workshop.repo, "churn")
    assert f"--run {part.name}" in str(caught.value.hint)


def test_the_same_model_is_one_version_unless_forced(workshop: Workshop) -> None:
    run = workshop.run({"auc": 0.9})
    register(workshop.repo, "churn", run=run)
    again = register(workshop.repo, "churn", run=run)
    assert not again.created
    assert again.version.number == 1
    assert register(workshop.repo, "churn", run=run, force=True).version.number == 2


def test_a_project_without_runs_says_what_to_type(workshop: Workshop) -> None:
    with pytest.raises(RequestError, match="no run") as caught:
        register(workshop.repo, "churn")
    assert caught.value.hint is not None
    assert "mlo run" in caught.value.hint


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "-x"])
def test_names_that_could_be_paths_or_flags_are_refused(workshop: Workshop, name: str) -> None:
    with pytest.raises(RequestError, match="name"):
        register(workshop.repo, name, run=workshop.run({"auc": 0.9}))


def test_a_skops_file_from_outside_any_run_is_registered_by_path(workshop: Workshop) -> None:
    workshop.run({"auc": 0.9})
    version = register(workshop.repo, "other", path=workshop.repo.root / "model").version
    assert version.run is None
    assert version.path == "model"
    predictor = models.load(workshop.repo, version)
    assert predictor.classes == (0, 1)


def test_a_joblib_file_needs_trust_and_the_record_says_so(workshop: Workshop) -> None:
    workshop.run({"auc": 0.9})
    path = workshop.repo.root / "model.joblib"
    joblib.dump(formats.load(workshop.repo.root / "model", trust=False).model, path)
    with pytest.raises(
        RequestError, match=r"^'model\.joblib' is a joblib file.*any code"
    ) as caught:
        register(workshop.repo, "other", path=path)
    assert caught.value.hint is not None
    assert "--trust" in caught.value.hint
    version = register(workshop.repo, "other", path=path, trust=True).version
    assert version.trusted
    entry = chain.entries(workshop.repo)[-1]
    assert (entry.action, entry.detail["trusted"]) == ("register", True)
    assert models.load(workshop.repo, version).has_probabilities


def test_code_in_a_file_never_runs_without_trust(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop.repo.root)
    path = workshop.repo.root / "model.pkl"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RequestError):
        register(workshop.repo, "other", path=path)
    assert not Path("exploded").exists()


def test_trust_is_recorded_only_where_it_was_needed(workshop: Workshop) -> None:
    run = workshop.run({"auc": 0.9})
    assert not register(workshop.repo, "churn", run=run, trust=True).version.trusted


def test_training_data_that_the_run_did_not_read_is_refused(workshop: Workshop) -> None:
    workshop.settings("models: {churn: {path: model, data: data/other.csv}}\n")
    with pytest.raises(RequestError, match=r"data/other\.csv"):
        register(workshop.repo, "churn", run=workshop.run({"auc": 0.9}))


def test_training_data_may_lie_in_a_folder_that_the_run_read(workshop: Workshop) -> None:
    run = workshop.run({"auc": 0.9})
    (table,) = run.inputs
    with workshop.repo.objects.writer() as writer:
        folder = snapshot.take(workshop.repo, workshop.repo.root / "data", writer=writer)
    read = Artifact("data", folder.oid, "folder", folder.size)
    (step,) = run.steps
    steps = (replace(step, deps={"data": folder.oid}),)
    recorded, data = encode(replace(run, inputs=(read,), steps=steps))
    workshop.repo.objects.put(data, Kind.RUN)
    version = register(workshop.repo, "churn", run=recorded).version
    assert version.data == models.Input("data/train.csv", table.oid, "file")


def test_a_run_that_made_something_else_is_refused_by_name(workshop: Workshop) -> None:
    workshop.settings("models: {churn: {path: forest}}\n")
    with pytest.raises(RequestError, match="did not make 'forest', it made: model"):
        register(workshop.repo, "churn", run=workshop.run({"auc": 0.9}))


def test_versions_are_found_by_number_stage_alias_and_id(workshop: Workshop) -> None:
    from mlops_cli.registry.promote import alias, promote

    repo = workshop.repo
    one = register(repo, "churn", run=workshop.run({"auc": 0.9})).version
    two = register(repo, "churn", run=workshop.run({"auc": 0.9}, strength=2.0)).version
    promote(repo, "churn@v1", "staging")
    alias(repo, "churn@v1", "champion")
    for text in ("churn@v1", "churn@staging", "churn@champion", f"churn@{one.id[:8]}"):
        assert models.resolve(repo, text) == one
    assert models.resolve(repo, "churn") == two
    for text, what in (
        ("chrun", "no model"),
        ("churn@v9", "no version v9"),
        ("churn@stging", "nothing at"),
        ("churn@", "nothing at"),
    ):
        with pytest.raises(RequestError, match=what):
            models.resolve(repo, text)


def test_a_changed_byte_in_a_model_keeps_it_from_loading(workshop: Workshop) -> None:
    from mlops_cli.core.repository import open_repository
    from mlops_cli.core.tree import walk
    from mlops_cli.errors import IntegrityError

    version = register(workshop.repo, "churn", run=workshop.run({"auc": 0.9})).version
    oid = dict(walk(workshop.repo.objects, version.artifact))["model.skops"].oid
    pack, entry = workshop.repo.objects.stored(ObjectId(oid))
    data = bytearray(pack.path.read_bytes())
    data[entry.offset + entry.stored // 2] ^= 1
    pack.path.write_bytes(data)
    with pytest.raises(IntegrityError):
        models.load(open_repository(workshop.repo.root), version)


def test_a_model_that_was_not_fitted_or_answers_nothing_is_no_version(workshop: Workshop) -> None:
    repo = workshop.repo
    workshop.run({"auc": 0.9})
    fitted = formats.load(repo.root / "model", trust=False).model
    columns = formats.describe(repo.root / "model").signature
    formats.save(LogisticRegression(), repo.root / "bare")
    with pytest.raises(RequestError, match="this LogisticRegression is not fitted"):
        register(repo, "bare", path=repo.root / "bare")
    formats.save(LogisticRegression(), repo.root / "known", columns)
    with pytest.raises(RequestError, match="is not fitted, so it answers nothing"):
        register(repo, "known", path=repo.root / "known")
    wrong = signature.from_frame(pd.DataFrame({"age": ["old", "old", "new", "new"]}))
    shown = example.Example(("age",), (("old",),))
    formats.save(fitted, repo.root / "other", wrong, example=shown)
    with pytest.raises(RequestError, match=r"answers no row of its own example: .*'income'"):
        register(repo, "other", path=repo.root / "other")
    assert [events.head(repo, name) for name in ("bare", "known", "other")] == [None] * 3


def test_a_gap_in_an_example_does_not_keep_a_model_out(workshop: Workshop) -> None:
    repo = workshop.repo
    workshop.run({"auc": 0.9})
    fitted = formats.load(repo.root / "model", trust=False).model
    columns = formats.describe(repo.root / "model").signature
    shown = example.Example(("age", "income"), ((None, 1.0), (20, 1.5)))
    formats.save(fitted, repo.root / "gaps", columns, example=shown)
    assert register(repo, "gaps", path=repo.root / "gaps", said=Said(compile=False)).created
