from dataclasses import replace

import pytest

from mlops_cli.core import lockfile
from mlops_cli.core.ids import object_id
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.stale import states
from tests.pipeline.conftest import Recorder, Run
from tests.pipeline.conftest import states as ended

RAW, OTHER = object_id(b"raw"), object_id(b"other")


def reasons(repo: Repository) -> dict[str, tuple[str, ...]]:
    return {state.name: state.reasons for state in states(open_repository(repo.root))}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cmd": "else"}, "the command changed"),
        ({"params": {}}, "parameter train.depth is new"),
        ({"params": {"train.depth": 5, "x": 1}}, "parameter x is no longer used"),
        ({"params": {"train.depth": True}}, "parameter train.depth: true -> 5"),
        ({"deps": {}}, "needs data/train.csv, which is new"),
        ({"deps": {"data/train.csv": OTHER}}, "data/train.csv changed"),
        ({"outs": {}}, "its list of outputs changed"),
    ],
)
def test_every_difference_has_its_reason(
    repo: Repository, run: Run, change: dict, reason: str
) -> None:
    run()
    assert reasons(repo)["train"] == ()
    lock = lockfile.read(repo.layout.lockfile)
    lock["train"] = replace(lock["train"], **change)
    repo.layout.lockfile.write_bytes(lockfile.encode(lock))
    assert reason in reasons(repo)["train"]


def test_files_of_a_folder_that_changed_are_named(repo: Repository, run: Run) -> None:
    folder = repo.root / "data in"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "deep/c.csv"):
        (folder / name).write_text(name)
    (repo.root / ".mlops.yaml").write_text(
        "steps:\n  count:\n    cmd: ls > out\n    deps: ['data in']\n    outs: [out]\n"
    )
    run()
    (folder / "a.csv").write_text("else")
    (folder / "b.csv").unlink()
    (folder / "deep/d.csv").write_text("new")
    assert reasons(repo)["count"] == (
        "data in changed (a.csv changed, b.csv gone, deep/d.csv new)",
    )
    for number in range(5):
        (folder / f"z{number}").touch()
    assert reasons(repo)["count"] == (
        "data in changed (a.csv changed, b.csv gone, deep/d.csv new, 5 others)",
    )
    watcher = Recorder()
    run(watcher=watcher)
    assert watcher.told[0].startswith("count: data in changed (a.csv changed")


def test_a_folder_whose_former_version_is_not_here_just_changed(repo: Repository, run: Run) -> None:
    (repo.root / "in").mkdir()
    (repo.root / "in/a").touch()
    (repo.root / ".mlops.yaml").write_text(
        "steps:\n  count:\n    cmd: ls > out\n    deps: [in]\n    outs: [out]\n"
    )
    run()
    lock = lockfile.read(repo.layout.lockfile)
    lock["count"] = replace(lock["count"], deps={"in": OTHER})
    repo.layout.lockfile.write_bytes(lockfile.encode(lock))
    assert reasons(repo)["count"] == ("in changed",)


def test_a_dependency_that_is_gone_is_a_reason(repo: Repository, run: Run) -> None:
    run()
    (repo.root / "raw.csv").unlink()
    assert reasons(repo)["prepare"] == ("raw.csv is missing",)


def test_a_dependency_that_was_taken_out_is_a_reason(repo: Repository, run: Run) -> None:
    run()
    lock = lockfile.read(repo.layout.lockfile)
    lock["train"] = replace(lock["train"], deps={**lock["train"].deps, "raw.csv": RAW})
    repo.layout.lockfile.write_bytes(lockfile.encode(lock))
    assert reasons(repo)["train"] == ("no longer needs raw.csv",)


def test_what_comes_after_a_stale_step_is_stale(repo: Repository, run: Run) -> None:
    assert reasons(repo) == dict.fromkeys(("prepare", "train", "evaluate"), ("it has never run",))
    run()
    (repo.root / "raw.csv").write_text("new\n")
    assert reasons(repo)["evaluate"] == ("model/weights is made by train, which is stale",)


def test_outputs_that_are_gone_or_changed_are_reasons(repo: Repository, run: Run) -> None:
    run()
    (repo.root / "metrics.json").unlink()
    (repo.root / "model/weights").write_text("x")
    found = reasons(repo)
    assert found["train"] == ("its output model changed",)
    assert "its output metrics.json is missing" in found["evaluate"]


def test_a_command_that_differs_only_by_a_parameter_is_told_as_that(
    repo: Repository, run: Run
) -> None:
    run()
    settings = repo.layout.settings
    settings.write_text(settings.read_text().replace("depth: 5", "depth: 6"))
    assert reasons(repo)["train"] == ("parameter train.depth: 5 -> 6",)


def test_a_file_that_a_step_leaves_out_of_its_folder_is_named(repo: Repository, run: Run) -> None:
    settings = repo.layout.settings
    settings.write_text(settings.read_text().replace("deps: [model/weights]", "deps: [model/bias]"))
    outcome = run()
    assert ended(outcome)["evaluate"] == "failed"
    assert outcome.run is not None
    assert outcome.run.error == (
        "step 'evaluate' needs 'model/bias', which step 'train' did not write"
    )


def test_a_locked_step_with_an_unfillable_command_is_just_stale(repo: Repository, run: Run) -> None:
    run()
    lock = lockfile.read(repo.layout.lockfile)
    lock["train"] = replace(lock["train"], params={}, cmd="else")
    repo.layout.lockfile.write_bytes(lockfile.encode(lock))
    assert "the command changed" in reasons(repo)["train"]


def test_a_parameter_that_is_gone_from_the_settings_is_refused(repo: Repository) -> None:
    settings = repo.layout.settings
    settings.write_text(settings.read_text().replace("train: {depth: 5}", "fit: {depth: 5}"))
    with pytest.raises(RequestError, match="'train'"):
        reasons(repo)
