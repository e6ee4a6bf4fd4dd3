"""A model is retrained once its errors rise, on rows that may be trained on, and only if better."""

import json
import os
import select
import signal
import subprocess
import sys

import pandas as pd
import pytest

from mlops_cli.core import git as core_git
from mlops_cli.core.lock import hold
from mlops_cli.core.records import replace
from mlops_cli.errors import ExternalError, IntegrityError, Locked, RequestError
from mlops_cli.monitor.retrain import action, command, record
from mlops_cli.monitor.retrain.retrain import stop
from mlops_cli.registry import routes
from mlops_cli.registry.approvals import approve
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.lineage.trace import trace
from tests.conftest import Mlo, git
from tests.monitor.retrain.conftest import Loop, rows


def changed(loop: Loop, count: int = 600) -> None:
    """Have it answer rows of before, and then rows whose truth goes by something else."""
    loop.answer(rows(400, 1))
    loop.answer(rows(count, 2, "b"))


def test_a_model_whose_errors_rise_is_replaced_by_a_better_one(loop: Loop) -> None:
    status = git(loop.root, "status", "--porcelain")
    changed(loop)
    told = loop.retrain(if_needed=True)
    assert (told.status, told.version, told.champion) == ("promoted", 2, 2)
    assert loop.model.stages == {"production": 2}
    assert told.trained is not None
    assert told.held_out is not None
    assert (told.trained.rows, told.held_out.rows) == (480, 120)
    assert told.gain is not None
    assert told.gain["new"] > 0.95 > 0.7 > told.gain["old"]
    assert "errors rose to" in told.cause["reason"]
    assert git(loop.root, "status", "--porcelain") == status
    version = loop.model.version(2)
    assert version.data is not None
    assert version.data.oid == told.trained.oid
    assert loop.retrain(if_needed=True).status == "not needed"
    _is_on_record(loop, told)


def _is_on_record(loop: Loop, told: record.Told) -> None:
    """Check that each step has an entry, with its cause."""
    kept = loop.recorded()
    assert [one["step"] for one in kept] == ["begin", "data", "run", "register", "compare", "end"]
    assert {one["attempt"] for one in kept} == {told.attempt}
    assert {one["cause"]["kind"] for one in kept} == {"errors"}
    moved = loop.model.events[-1]
    assert moved.kind == "promote"
    assert moved.detail["cause"]["retraining"] == told.attempt
    assert kept[-1]["version"] == loop.model.version(2).id


def test_the_lineage_of_a_version_says_which_alert_made_it(loop: Loop) -> None:
    changed(loop)
    cause = {"by": "mlo monitor", "alert": "ab" * 8, "rule": "inputs", "kind": "drift"}
    cause |= {"reason": "width drifted", "since": "2026-01-31T12:00:00Z", "entry": "cd" * 32}
    outcome = action.act(loop.repo, "m", cause, "width drifted", using=loop.using())
    assert outcome.done
    node = trace(loop.repo, "m@v2")
    made = next(one for one in node.up if one.kind == "retraining")
    assert made.facts["reason"] == "width drifted"
    (alert,) = made.up
    assert (alert.kind, alert.name, alert.facts["rule"]) == ("alert", "ab" * 8, "inputs")
    assert any(one.kind == "run" for one in node.up)


def test_uncommitted_changes_have_no_part_in_it(loop: Loop) -> None:
    (loop.root / "train.sh").write_text("exit 1\n")
    (loop.root / "broken").touch()
    changed(loop)
    assert loop.retrain().status == "promoted"
    assert (loop.root / "train.sh").read_text() == "exit 1\n"


def test_a_dry_run_says_what_and_leaves_no_trace(loop: Loop) -> None:
    changed(loop)
    refs = loop.repo.refs.all()
    told = loop.retrain(dry_run=True)
    assert (told.status, told.fine) == ("would retrain", True)
    assert "train on 480 rows" in told.why
    assert loop.repo.refs.all() == refs
    assert not list(loop.repo.layout.retrain.glob("*.json"))


def test_labels_that_never_come_change_nothing(loop: Loop) -> None:
    loop.answer(rows(500, 1, "b"), labels=False)
    told = loop.retrain()
    assert (told.status, told.fine) == ("too few rows", False)
    assert "no row with a truth" in told.why
    assert loop.retrain(if_needed=True).status == "not needed"
    loop.answer(rows(100, 2, "b"))
    assert "there are 100 fresh rows, 200 are asked for" in loop.retrain().why
    assert loop.recorded() == []


def test_rows_that_fail_are_never_trained_on(loop: Loop) -> None:
    (loop.root / "rows.yaml").write_text("columns:\n  a: {type: number, max: 2.0}\n")
    loop.settings("schema: rows.yaml")
    changed(loop)
    told = loop.retrain(force=True)
    assert told.status == "invalid"
    assert "a" in told.why
    assert told.why == f"they fail rows.yaml: {told.problems[0]}"
    assert "monitor.retrain.m.source" in str(told.hint)
    loop.settings("window: 300")
    loop.answer(rows(600, 3).assign(y=1))
    assert loop.retrain().why == "every row has the same 'y'"
    assert loop.model.newest.number == 1


def test_what_fails_is_named_and_a_row_count_is_not_for_fresh_rows(
    loop: Loop, mlo_here: Mlo
) -> None:
    limits = "".join(f"  {name}: {{type: number, max: -9}}\n" for name in "aby")
    schema = loop.root / "rows.yaml"
    schema.write_text(f"rows: {{min: 5000}}\ncolumns:\n{limits}  z: {{type: number}}\n")
    loop.settings("schema: rows.yaml")
    changed(loop)
    told = mlo_here("retrain", "m", "--json", code=1).json
    assert [one.partition(":")[0] for one in told["problems"]] == ["z", "a", "b", "y"]
    assert told["why"] == "they fail rows.yaml: " + "; ".join(told["problems"][:3]) + "; and 1 more"
    schema.write_text("rows: {min: 5000}\ncolumns:\n  a: {type: number}\n")
    would = mlo_here("retrain", "m", "--dry-run").stdout
    assert "run the pipeline as it is committed; uncommitted changes do not count" in would
    assert ".mlops.yaml" in would
    path = loop.root / ".mlops.yaml"
    path.write_text(path.read_text().replace("outs:", "validate: true, outs:"))
    path.write_text(f"{path.read_text()}data: {{train.csv: {{schema: rows.yaml}}}}\n")
    found = loop.retrain(dry_run=True)
    assert found.why == "480 rows to train on, and rows.yaml asks for 5,000 at least"


def test_a_table_that_fails_aside_is_not_to_be_looked_at_here(loop: Loop) -> None:
    loop.settings("schema: easy.yaml")
    path = loop.root / ".mlops.yaml"
    said = path.read_text().replace("outs:", "validate: true, outs:")
    path.write_text(f"{said}data: {{train.csv: {{schema: strict.yaml}}}}\n")
    (loop.root / "easy.yaml").write_text("columns:\n  a: {type: number}\n")
    (loop.root / "strict.yaml").write_text("columns:\n  a: {type: number, max: -9}\n")
    git(loop.root, "add", "--all")
    git(loop.root, "commit", "--quiet", "--message", "Ask for more")
    changed(loop)
    told = loop.retrain()
    assert told.status == "failed"
    assert "train.csv fails strict.yaml" in told.why
    assert "mlo validate" not in told.why
    assert "--log" in str(told.hint)


def test_rows_that_go_along_are_told_apart_from_fresh_ones(loop: Loop) -> None:
    loop.settings("window: all")
    loop.answer(rows(400, 1))
    words = "920 rows: 600 that v1 was trained on, 320 of the prediction log"
    assert f"train on {words}, all rows" in loop.retrain(dry_run=True).steps
    loop.retrain()
    assert any(f"took {words}; and 80 to compare on" in one for one in loop.said)


def test_a_pipeline_that_fails_leaves_the_version_in_the_stage(loop: Loop) -> None:
    (loop.root / "broken").touch()
    git(loop.root, "add", "broken")
    git(loop.root, "commit", "--quiet", "--message", "Break it")
    changed(loop)
    told = loop.retrain()
    assert told.status == "failed"
    assert told.hint is not None
    assert told.hint.startswith("mlo runs show")
    assert (loop.model.newest.number, loop.model.stages) == (1, {"production": 1})
    assert record.read(loop.repo, "m").attempt is None
    git(loop.root, "rm", "--quiet", "broken")
    git(loop.root, "commit", "--quiet", "--message", "Mend it")
    assert loop.retrain().status == "promoted"


def test_one_that_is_not_better_is_registered_and_not_promoted(loop: Loop) -> None:
    loop.answer(rows(600, 3, "b").assign(y=lambda frame: 1 - frame["y"]))
    told = loop.retrain(if_needed=True)
    assert told.status == "not needed"
    loop.settings("metric: accuracy, confidence: 0.9999, window: 250")
    loop.answer(rows(150, 4, "b"))
    loop.answer(rows(100, 5))
    told = loop.retrain()
    assert told.status == "not better"
    assert loop.model.stages == {"production": 1}
    assert loop.model.newest.number == 2
    told = loop.retrain()
    assert told.status == "nothing new"
    assert told.hint == "v2 was made of them: mlo promote m@v2 production"
    assert record.read(loop.repo, "m").watch is not None


def test_gates_have_the_last_word(loop: Loop) -> None:
    loop.settings(model="stages: {production: {gates: [{metric: auc, min: 0.9}]}}")
    changed(loop)
    told = loop.retrain()
    assert (told.status, told.fine) == ("refused", False)
    assert "auc >= 0.9" in told.why
    assert loop.model.stages == {"production": 1}


def test_where_the_stage_asks_for_a_person_it_waits_and_goes_on(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.settings(model="stages: {production: {approvals: 1}}")
    changed(loop)
    told = loop.retrain()
    assert (told.status, told.fine) == ("needs approval", True)
    assert told.hint == "mlo approve m@v2 production"
    assert loop.retrain().status == "needs approval"
    assert sum(one["step"] == "waits" for one in loop.recorded()) == 1
    git(loop.root, "config", "user.name", "Eve")
    git(loop.root, "config", "user.email", "eve@example.org")
    approve(loop.repo, "m@v2", "production")
    assert loop.retrain().status == "promoted"
    assert loop.model.stages == {"production": 2}


def canary(loop: Loop, more: str = "for: 1h, min_requests: 50") -> None:
    loop.settings(f"canary: {{share: 20%, {more}}}")
    changed(loop)
    told = loop.retrain(if_needed=True)
    assert (told.status, told.fine) == ("canary", True)
    (arm,) = routes.arms(loop.model)
    assert (arm.version, arm.share) == (2, 0.2)
    assert loop.model.stages == {"production": 1}


def test_a_canary_that_holds_is_promoted(loop: Loop) -> None:
    canary(loop)
    for which, seed, role in (("m@v1", 5, "answer"), ("m@v2", 6, "canary")):
        loop.answer(rows(200, seed, "b"), which, role=role)
    assert loop.retrain().status == "canary"
    loop.ahead_s = 3700
    told = loop.retrain()
    assert (told.status, loop.model.stages["production"]) == ("promoted", 2)
    assert any("held in 200 answers, 200 with labels" in one for one in told.steps)
    assert routes.arms(loop.model) == ()


def test_a_canary_that_is_worse_among_requests_is_sent_back(loop: Loop) -> None:
    canary(loop)
    for which, seed, role in (("m@v1", 5, "answer"), ("m@v2", 6, "canary")):
        loop.answer(rows(200, seed, "a"), which, role=role)
    loop.ahead_s = 3700
    told = loop.retrain()
    assert told.status == "sent back"
    assert "answers were wrong" in told.why
    assert (loop.model.stages["production"], routes.arms(loop.model)) == (1, ())
    assert loop.model.events[-1].detail["cause"]["saw"] in told.why


def test_a_canary_that_nobody_asks_ends_and_says_so(loop: Loop) -> None:
    canary(loop)
    loop.ahead_s = 3700
    told = loop.retrain()
    assert (told.status, told.fine) == ("no traffic", False)
    assert "answered 0 rows as a try, 50 are asked for" in told.why
    assert (loop.model.stages["production"], routes.arms(loop.model)) == (1, ())


def test_a_canary_that_a_server_ended_is_over(loop: Loop) -> None:
    canary(loop)
    cause = {"test": "share of errors"}
    routes.end(loop.repo, "m", "canary", how="aborted", version=2, cause=cause)
    told = loop.retrain()
    assert (told.status, told.why) == (
        "sent back",
        "the try of v2 was ended: test share of errors",
    )


def test_one_under_way_can_be_given_up(loop: Loop) -> None:
    canary(loop)
    assert stop(loop.repo, "m", using=loop.using()).status == "stopped"
    assert routes.arms(loop.model) == ()
    with pytest.raises(RequestError, match="no retraining of m is under way"):
        stop(loop.repo, "m")


def test_there_is_a_limit_on_a_day_and_a_time_between(loop: Loop) -> None:
    loop.settings("max_per_day: 1, earlier: false")
    changed(loop)
    assert loop.retrain(if_needed=True).status == "promoted"
    loop.answer(rows(500, 7))
    told = loop.retrain(if_needed=True)
    assert (told.status, told.why) == ("too soon", "1 retrainings began within a day, 1 may")
    loop.ahead_s = 25 * 3600
    assert loop.retrain(if_needed=True, dry_run=True).status == "would retrain"
    (loop.root / ".mlops.yaml").write_text(
        (loop.root / ".mlops.yaml").read_text().replace("cooldown: 0", "cooldown: 30h")
    )
    assert "the next may begin at" in loop.retrain(if_needed=True).why
    assert loop.retrain(if_needed=True, force=True, dry_run=True).status == "would retrain"


def test_it_is_retrained_again_when_more_rows_have_come(loop: Loop) -> None:
    loop.settings("again: 2, confidence: 0.5")
    changed(loop)
    assert loop.retrain(if_needed=True).status == "promoted"
    loop.answer(rows(500, 8, "b"))
    assert loop.retrain(if_needed=True).status == "not needed"
    loop.answer(rows(200, 9, "b"))
    told = loop.retrain(if_needed=True)
    assert told.cause["kind"] == "more rows"
    assert (told.status, loop.model.stages["production"]) == ("not better", 2)
    assert record.read(loop.repo, "m").again is not None
    loop.answer(rows(1400, 10, "b"))
    assert loop.retrain(if_needed=True).status == "not better"
    assert record.read(loop.repo, "m").again is None  # two in a row: no third


def test_two_at_once_are_one(loop: Loop) -> None:
    changed(loop)
    loop.repo.layout.retrain.mkdir(exist_ok=True)
    held = hold(loop.repo.layout.retrain / "m.lock", purpose="mlo retrain m")
    with held, pytest.raises(Locked, match=r"^m is locked by `mlo retrain m`"):
        loop.retrain()
    assert loop.recorded() == []


def test_a_fresh_table_can_come_from_a_file_or_a_command(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(loop.repo, loop.model.newest, "train.csv")
    fresh = pd.concat([rows(400, 1), rows(600, 2, "b")])
    fresh.to_csv(loop.root / "fresh.csv", index=False)
    loop.settings("source: {file: fresh.csv}")
    told = loop.retrain(if_needed=True, dry_run=True)
    assert told.status == "would retrain"
    loop.settings("source: {command: cat fresh.csv}")
    told = loop.retrain(if_needed=True)
    assert (told.status, loop.model.stages["production"]) == ("promoted", 2)
    loop.settings("source: {command: 'echo no such table >&2; exit 3'}")
    with pytest.raises(ExternalError, match="ended with 3: no such table"):
        loop.retrain()
    for line, why in (
        ("'true'", "the command for fresh rows printed nothing"),
        ("sh fresh.sh", "what the command for fresh rows printed is no table: it "),
        ("'nowhere', timeout: 1s", "ended with 127"),
        ("'sleep 60', timeout: 1s", "was stopped after 1 s"),
        ("'yes 1,2,3'", "printed over 0 MiB"),
    ):
        (loop.root / "fresh.sh").write_text("printf 'a,b,y\\n\\377\\376\\000,2,1\\n'\n")
        monkeypatch.setattr(command, "MOST_BYTES", 100_000)
        loop.settings(f"source: {{command: {line}}}")
        with pytest.raises(ExternalError, match=why):
            loop.retrain()
    loop.settings("source: {file: nowhere.csv}")
    with pytest.raises(RequestError, match=r"nowhere\.csv"):
        loop.retrain()
    loop.settings("target: price, source: {file: fresh.csv}")
    with pytest.raises(RequestError, match="no column 'price'"):
        loop.retrain()


def test_without_settings_nothing_is_guessed(loop: Loop) -> None:
    (loop.root / ".mlops.yaml").write_text("models: {m: {path: model.skops}}\n")
    with pytest.raises(RequestError, match="does not say how m is retrained"):
        loop.retrain()
    with pytest.raises(RequestError, match="there is no model 'n'"):
        from mlops_cli.monitor.retrain.retrain import retrain

        retrain(loop.repo, "n")


def test_a_damaged_note_of_where_it_stands_is_told(loop: Loop) -> None:
    changed(loop)
    loop.repo.layout.retrain.mkdir()
    (loop.repo.layout.retrain / "m.json").write_text('{"v": 1')
    with pytest.raises(IntegrityError, match="cannot be read"):
        loop.retrain()


@pytest.mark.parametrize("step", ["register", "promote"])
def test_one_that_breaks_off_goes_on_where_it_stood(
    loop: Loop, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a full disk, or a lost lock, would have it."""
    changed(loop)
    from mlops_cli.monitor.retrain import retrain as module

    def breaks(_: object) -> None:
        raise ExternalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setitem(module._STEPS, step, breaks)
        with pytest.raises(ExternalError):
            loop.retrain(if_needed=True)
    assert loop.model.stages == {"production": 1}
    state = record.read(loop.repo, "m").attempt
    assert state is not None
    assert state.step == step
    told = loop.retrain()
    assert (told.status, told.attempt) == ("promoted", state.id)
    assert len(loop.model.versions) == 2


def test_one_that_was_killed_while_the_pipeline_ran_goes_on(loop: Loop) -> None:
    hold = 'if test -n "$HELD"; then echo $$ > "$HELD"; exec sleep 60; fi\n'
    (loop.root / "train.sh").write_text(hold)
    git(loop.root, "commit", "--quiet", "--all", "--message", "Take long")
    changed(loop)
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from mlops_cli.core.repository import open_repository\n"
        "from mlops_cli.monitor.retrain.retrain import retrain\n"
        "retrain(open_repository(Path('.')), 'm')\n"
    )
    held = loop.root.parent / "held"
    os.mkfifo(held)
    environ = {**os.environ, "HELD": str(held)}
    child = subprocess.Popen([sys.executable, "-c", code], cwd=loop.root, env=environ)
    step = os.pidfd_open(int(held.read_text()))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert select.select([step], [], [], 30)[0], "its step goes on"
    os.close(step)
    assert loop.model.stages == {"production": 1}
    state = record.read(loop.repo, "m").attempt
    assert state is not None
    assert state.step == "run"
    told = loop.retrain()
    assert told.status == "failed"  # its pipeline makes nothing, and that is said
    assert told.attempt == state.id
    assert not list(loop.repo.layout.worktrees.glob("[!.]*"))
    assert core_git.run(loop.root, "worktree", "list").stdout.count(b"\n") == 1


def test_what_is_kept_is_what_is_read(loop: Loop) -> None:
    changed(loop)
    loop.settings("canary: 10%")
    loop.retrain(if_needed=True)
    path = loop.repo.layout.retrain / "m.json"
    before = json.loads(path.read_text())
    state = record.read(loop.repo, "m")
    record.write(loop.repo, "m", state)
    assert json.loads(path.read_text()) == before
    assert state.attempt is not None
    assert state.attempt.step == "canary"


def test_rows_that_were_lost_half_way_are_taken_again(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `gc` may take them after two weeks."""
    changed(loop)
    from mlops_cli.monitor.retrain import retrain as module

    def breaks(_: object) -> None:
        raise ExternalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setitem(module._STEPS, "run", breaks)
        with pytest.raises(ExternalError):
            loop.retrain(if_needed=True)
    state = record.read(loop.repo, "m")
    assert state.attempt is not None
    assert state.attempt.trained is not None
    lost = replace(state.attempt.trained, oid="ab" * 32)
    record.write(loop.repo, "m", replace(state, attempt=replace(state.attempt, trained=lost)))
    assert loop.retrain().status == "promoted"


def test_a_window_of_so_many_rows_is_filled_up_with_the_last_of_the_old_ones(loop: Loop) -> None:
    loop.settings("window: 500")
    loop.answer(rows(400, 1))
    words = "420 rows: 100 that v1 was trained on, 320 of the prediction log"
    told = loop.retrain(dry_run=True)
    assert told.steps[0] == f"train on {words}, the newest 500 rows"
    loop.answer(rows(400, 3))
    told = loop.retrain(dry_run=True)
    assert told.steps[0] == "train on 400 rows of the prediction log, the newest 500 rows"


def test_what_trained_nothing_does_not_count_and_mistakes_are_told_first(loop: Loop) -> None:
    loop.settings("max_per_day: 2, confidence: 0.9999, window: 250")
    loop.answer(rows(300, 1))
    assert loop.retrain().status == "not better"
    for _ in range(3):
        assert loop.retrain().status == "nothing new"
    assert len(record.read(loop.repo, "m").began) == 1
    loop.settings("max_per_day: 1, schema: nowhere.yaml")
    with pytest.raises(RequestError, match=r"nowhere\.yaml"):
        loop.retrain(dry_run=True)
    loop.settings("max_per_day: 1")
    assert loop.retrain(dry_run=True).status == "too soon"
