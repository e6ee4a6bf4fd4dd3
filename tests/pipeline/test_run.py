import os
from pathlib import Path

import pytest

from mlops_cli.core import lockfile
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import reference
from mlops_cli.data.cat import pieces
from mlops_cli.errors import ExternalError, MloError, RequestError
from mlops_cli.pipeline import outputs
from mlops_cli.pipeline.forecast import forecast
from mlops_cli.pipeline.stale import states as stale_states
from mlops_cli.runs.listing import listing
from mlops_cli.runs.record import Run as Record
from tests.conftest import git
from tests.pipeline.conftest import SETTINGS, Recorder, Run, states


def settle(repo: Repository, old: str, new: str) -> None:
    """Change the settings."""
    path = repo.layout.settings
    path.write_text(path.read_text().replace(old, new))


def test_a_first_run_runs_every_step_and_records_all_of_it(repo: Repository, run: Run) -> None:
    outcome = run()
    record = outcome.run
    assert record is not None
    assert states(outcome) == {"prepare": "ran", "train": "ran", "evaluate": "ran"}
    assert (record.status, record.exit_code, record.error) == ("done", 0, None)
    assert record.params == {"seed": 7, "train.depth": 5}
    assert record.metrics == {"size": 12}
    assert [one.path for one in record.inputs] == ["raw.csv"]
    assert [one.path for one in record.outputs] == ["data/train.csv", "metrics.json", "model"]
    for artifact in (*record.inputs, *record.outputs):
        assert repo.objects.has(artifact.oid)
    assert Record.read(repo, record.id) == record


def test_the_lock_file_says_what_each_step_consumed_and_produced(
    repo: Repository, run: Run
) -> None:
    record = run().run
    assert record is not None
    lock = lockfile.read(repo.layout.lockfile)
    assert lock["train"].params == {"train.depth": 5}
    assert lock["train"].deps == {"data/train.csv": lock["prepare"].outs["data/train.csv"].oid}
    assert lock["evaluate"].metrics == {"size": 12}
    assert {step.run for step in lock.values()} == {record.key}


def test_with_nothing_stale_there_is_no_run_and_its_maker_is_named(run: Run) -> None:
    first = run().run
    assert first is not None
    again = run()
    assert again.run is None
    assert again.made_by == (first.name,)


def test_git_ignores_outputs(repo: Repository, run: Run) -> None:
    run()
    assert (
        git(repo.root, "status", "--short", "--", "model", "metrics.json", "data/train.csv") == ""
    )


@pytest.mark.parametrize(
    ("change", "ran", "reason"),
    [
        (
            lambda root: (root / "raw.csv").write_text("c\n"),
            "prepare train evaluate",
            "raw.csv changed",
        ),
        (lambda root: None, "", ""),
    ],
)
def test_a_changed_input_reruns_what_depends_on_it(
    repo: Repository, run: Run, change, ran: str, reason: str
) -> None:
    run()
    change(repo.root)
    recorder = Recorder()
    outcome = run(watcher=recorder)
    done = states(outcome) if outcome.run else {}
    assert [name for name, state in done.items() if state == "ran"] == ran.split()
    assert not reason or f"prepare: {reason}" in recorder.told


def test_an_input_that_changes_without_effect_stops_there(repo: Repository, run: Run) -> None:
    run()
    (repo.root / "raw.csv").write_text("a\nb\n")
    assert states(run()) == {"prepare": "ran", "train": "unchanged", "evaluate": "unchanged"}


def test_an_override_holds_for_one_run_and_the_next_takes_outputs_from_the_store(
    repo: Repository, run: Run
) -> None:
    first = run().run
    assert first is not None
    deeper = run(assignments=["train.depth=8"])
    assert states(deeper) == {"prepare": "unchanged", "train": "ran", "evaluate": "ran"}
    assert deeper.run is not None
    assert deeper.run.params["train.depth"] == 8
    assert "depth 8" in (repo.root / "model/weights").read_text()
    recorder = Recorder()
    back = run(watcher=recorder)
    assert states(back)["train"] == "restored"
    assert f"train restored from {first.name}" in recorder.told
    assert "depth 5" in (repo.root / "model/weights").read_text()
    assert back.run is not None
    assert back.run.metrics == first.metrics


def test_the_type_of_a_parameter_counts(repo: Repository, run: Run) -> None:
    run()
    reasons = stale_states(repo)
    assert not any(state.stale for state in reasons)
    settle(repo, "depth: 5", 'depth: "5"')
    assert stale_states(open_repository(repo.root))[1].reasons == ("parameter train.depth: 5 -> 5",)


def test_deleted_outputs_come_back_without_a_run_of_the_step(repo: Repository, run: Run) -> None:
    run()
    (repo.root / "model/weights").unlink()
    (repo.root / "metrics.json").unlink()
    assert states(run()) == {"prepare": "unchanged", "train": "restored", "evaluate": "restored"}
    assert (repo.root / "model/weights").exists()


def test_force_runs_all_the_same(run: Run) -> None:
    run()
    assert set(states(run(force=True)).values()) == {"ran"}


def test_one_step_brings_only_what_it_needs(repo: Repository, run: Run) -> None:
    assert list(states(run("train"))) == ["prepare", "train"]
    assert not (repo.root / "metrics.json").exists()


def test_a_step_that_is_gone_leaves_the_lock_file(repo: Repository, run: Run) -> None:
    run()
    settings = repo.layout.settings
    settings.write_text(
        SETTINGS[: SETTINGS.index("  evaluate:")].replace("sort raw", "sort -r raw")
    )
    run()
    assert list(lockfile.read(repo.layout.lockfile)) == ["prepare", "train"]


def test_the_run_cache_works_on_renamed_steps_and_after_the_lock_file_is_lost(
    repo: Repository, run: Run
) -> None:
    run()
    repo.layout.lockfile.unlink()
    settle(repo, "  train:", "  fit:")
    assert set(states(run()).values()) == {"restored"}


def test_two_steps_report_one_metric_name_apart(repo: Repository, run: Run) -> None:
    settle(repo, "    outs: [model]", "    outs: [model]\n    metrics: [fit.json]")
    settle(repo, "cmd: mkdir", 'cmd: echo \'{"size":1,"loss":2}\' > fit.json; mkdir')
    record = run().run
    assert record is not None
    assert record.metrics == {"evaluate.size": 12, "loss": 2, "train.size": 1}


def failing(run: Run) -> Record:
    record = run().run
    assert record is not None
    assert record.status == "failed"
    return record


def test_a_failing_step_is_recorded_and_stops_those_after_it(repo: Repository, run: Run) -> None:
    settle(repo, "cmd: mkdir model;", "cmd: echo partial > model; echo oh no; exit 3;")
    record = failing(run)
    assert record.error == "step 'train' failed with exit code 3"
    assert record.exit_code == 3
    assert [step.state for step in record.steps] == ["ran", "failed", "skipped"]
    assert record.log is not None
    assert b"oh no\n" in repo.objects.get(record.log)
    assert list(lockfile.read(repo.layout.lockfile)) == ["prepare"]


def test_what_a_failed_step_left_is_kept_and_in_nobodys_way(repo: Repository, run: Run) -> None:
    settle(repo, "cmd: mkdir model;", "cmd: echo partial > model; exit 3;")
    left = failing(run).output("model")
    assert left is not None
    assert open_repository(repo.root).objects.get(left.oid) == b"partial\n"
    settle(repo, "cmd: echo partial > model; exit 3;", "cmd: mkdir model;")
    assert states(run()) == {"prepare": "unchanged", "train": "ran", "evaluate": "ran"}


def test_a_step_that_does_not_write_its_output_fails_by_name(repo: Repository, run: Run) -> None:
    settle(repo, "cmd: wc -c < model/weights |", "cmd: true; exit 0;")
    record = failing(run)
    assert record.error == "step 'evaluate' did not write its output 'metrics.json'"
    assert record.exit_code is None, "its process ended well"


def test_a_step_that_changes_its_input_fails_by_name(repo: Repository, run: Run) -> None:
    settle(repo, "cmd: sort raw.csv", "cmd: echo x >> raw.csv; sort raw.csv")
    assert failing(run).error == "step 'prepare' changed its own input 'raw.csv'"


def test_metrics_that_cannot_be_read_fail_the_step(repo: Repository, run: Run) -> None:
    settle(repo, '{"size":&}', "size")
    assert "metrics file 'metrics.json' is not valid JSON" in (failing(run).error or "")


def test_a_program_that_is_not_there_fails_its_step(repo: Repository, run: Run) -> None:
    settle(repo, "cmd: sort raw.csv > data/train.csv", "cmd: [no-such-program]")
    record = failing(run)
    assert record.error == "step 'prepare' could not start: there is no program 'no-such-program'"


def test_a_missing_input_is_named_before_anything_runs(repo: Repository, run: Run) -> None:
    (repo.root / "raw.csv").unlink()
    with pytest.raises(RequestError, match=r"step 'prepare' needs 'raw.csv', which is not there"):
        run()
    assert not list(repo.layout.open_runs.iterdir())
    assert not repo.layout.lockfile.exists()


def test_a_missing_input_that_is_versioned_can_be_checked_out(
    repo: Repository, run: Run, mlo_here
) -> None:
    mlo_here("add", "raw.csv")
    (repo.root / "raw.csv").unlink()
    with pytest.raises(RequestError) as caught:
        run()
    assert caught.value.hint == "mlo checkout raw.csv"


@pytest.mark.parametrize("force", [False, True])
def test_an_output_changed_by_hand_is_kept_before_it_is_made_again(
    repo: Repository, run: Run, force: bool
) -> None:
    run()
    weights = repo.root / "model/weights"
    weights.write_text("hours of work by hand")
    watcher = Recorder()
    assert run(force=force, watcher=watcher).run.status == "done"  # type: ignore[union-attr]
    assert weights.read_text() == "a\nb\ndepth 5\n"
    (saved,) = watcher.kept
    assert (saved.path, saved.file) == ("model", "weights")
    found = reference.by_id(open_repository(repo.root), f"{saved.oid[:10]}/weights")
    assert found is not None
    assert b"".join(pieces(open_repository(repo.root), found)) == b"hours of work by hand"


def test_files_of_a_time_before_the_pipeline_are_kept_and_in_nobodys_way(
    repo: Repository, run: Run
) -> None:
    (repo.root / "metrics.json").write_text("mine")
    (repo.root / "model").write_text("mine too")
    watcher = Recorder()
    record = run(watcher=watcher).run
    assert record is not None
    assert record.status == "done"
    assert [saved.path for saved in watcher.kept] == ["model", "metrics.json"]
    store = open_repository(repo.root).objects
    assert [store.get(saved.oid) for saved in watcher.kept] == [b"mine too", b"mine"]
    assert record.log is not None
    log = store.get(record.log).decode()
    assert all(saved.note in log for saved in watcher.kept)


def test_what_one_step_wrote_to_the_place_of_another_is_kept(repo: Repository, run: Run) -> None:
    settle(repo, "> data/train.csv", "> data/train.csv; echo astray > metrics.json")
    watcher = Recorder()
    run(watcher=watcher)
    (saved,) = watcher.kept
    assert open_repository(repo.root).objects.get(saved.oid) == b"astray\n"


def test_a_run_that_cannot_clear_its_way_is_refused_without_a_trace(
    repo: Repository, run: Run
) -> None:
    (repo.root / "model").mkdir()
    os.mkfifo(repo.root / "model/pipe")
    with pytest.raises(MloError, match="model/pipe"):
        run()
    assert not repo.layout.lockfile.exists()
    assert listing(repo).total == 0
    assert not (repo.root / "data/train.csv").exists()


def test_an_error_before_the_first_step_leaves_no_run(
    repo: Repository, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ExternalError("the disk refuses")

    monkeypatch.setattr(outputs, "clear", refuse)
    with pytest.raises(ExternalError):
        run()
    assert not repo.layout.lockfile.exists()
    assert listing(repo).total == 0


def test_a_first_step_that_fails_makes_no_lock_file(repo: Repository, run: Run) -> None:
    settle(repo, "sort raw.csv", "false")
    assert run().run.status == "failed"  # type: ignore[union-attr]
    assert not repo.layout.lockfile.exists()


def test_an_output_that_git_tracks_is_refused(repo: Repository, run: Run) -> None:
    (repo.root / "metrics.json").write_text("{}")
    git(repo.root, "add", "metrics.json")
    with pytest.raises(RequestError, match="but git tracks it") as caught:
        run()
    assert (caught.value.hint or "").startswith("git rm -r --cached metrics.json, or let git")


def test_an_output_with_a_pointer_is_refused(repo: Repository, run: Run, mlo_here) -> None:
    repo.layout.settings.write_text("")
    (repo.root / "model").mkdir()
    (repo.root / "model/x").write_text("x")
    mlo_here("add", "model")
    repo.layout.settings.write_text(SETTINGS)
    with pytest.raises(RequestError, match="but has a pointer"):
        run()


def test_a_project_without_steps_says_what_to_do(project: Path, run: Run, repo) -> None:
    repo.layout.settings.write_text("")
    with pytest.raises(RequestError, match="there are no steps"):
        run()
    repo.layout.settings.write_text("steps: {judge: {foreach: [], cmd: 'true'}}")
    with pytest.raises(RequestError, match="the foreach of step 'judge' is empty"):
        run()


def test_a_forecast_tells_what_would_happen_and_does_nothing(repo: Repository, run: Run) -> None:
    run()
    run(assignments=["train.depth=8"])
    found = {one.name: one for one in forecast(open_repository(repo.root), [])}
    assert found["prepare"].action == "nothing"
    assert found["train"].action == "restore"
    assert found["train"].reasons == ("parameter train.depth: 8 -> 5",)
    assert found["evaluate"].action == "restore"
    assert found["evaluate"].reasons == ("model/weights is made by train, which is stale",)
    assert "depth 8" in (repo.root / "model/weights").read_text()


def test_a_conflict_in_the_lock_file_is_one_clear_error(repo: Repository, run: Run) -> None:
    repo.layout.lockfile.write_text("<<<<<<< HEAD\n")
    with pytest.raises(MloError, match=r"'mlo.lock' line 1 has a merge conflict"):
        run()


def test_a_caches_folder_beside_code_makes_no_step_stale(repo: Repository, run: Run) -> None:
    (repo.root / "src").mkdir()
    (repo.root / "src/lib.py").write_text("x = 1\n")
    settle(repo, "deps: [raw.csv]", "deps: [raw.csv, src]")
    settle(repo, "cmd: sort", "cmd: mkdir -p src/__pycache__ && date +%N > src/__pycache__/x; sort")
    assert states(run())["prepare"] == "ran"
    assert run().run is None


def test_a_secret_reaches_the_command_but_no_record(repo: Repository, run: Run) -> None:
    settle(repo, "train: {depth: 5}", "train: {depth: 5}, api_key: null")
    settle(repo, "mkdir model;", "mkdir model; echo ${api_key} | wc -c > model/length;")
    record = run(assignments=["api_key=hush-hush"]).run
    assert record is not None
    assert (repo.root / "model/length").read_text().strip() == "10"
    assert "hush-hush" not in repo.layout.lockfile.read_text()
    assert b"hush-hush" not in repo.objects.get(record.id)
    assert record.log is not None
    assert b"hush-hush" not in repo.objects.get(record.log)
    assert run(assignments=["api_key=other"]).run is None
