import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli.audit import chain
from mlops_cli.core import canonical
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import ExternalError
from mlops_cli.runs import open_run
from mlops_cli.runs.begin import begin
from mlops_cli.runs.collect import Collector
from mlops_cli.runs.finish import finish, note_end, reap
from mlops_cli.runs.head import End
from mlops_cli.runs.record import Run

LEADER = """\
import os, sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.runs.begin import begin
repo = open_repository(Path.cwd())
run = begin(repo, "train", params={"a": 1}, environ=os.environ)
run.say({"metrics": {"loss": 0.5}})
run.log.write_bytes(b"so far\\n")
print(run.head.key, flush=True)
sys.stdin.read()
"""


def test_a_record_holds_what_was_logged(repo: Repository) -> None:
    (repo.root / "out.txt").write_text("made")
    run = begin(repo, ("a", "b"), params={"x": {"y": 1}}, environ=os.environ)
    run.say({"metrics": {"loss": 2}})
    run.say({"metrics": {"loss": 1, "auc": "nan"}})
    run.say({"params": {"chosen": "z"}})
    run.say({"path": "out.txt", "role": "model", "data": "d.csv", "target": "t"})
    run.log.write_text("said\n")
    record = finish(repo, run, status="done", exit_code=0)
    assert record == Run.read(repo, record.id)
    assert record.command == ("a", "b")
    assert record.params == {"x.y": 1, "chosen": "z"}
    assert record.metrics == {"auc": "nan", "loss": 1}
    assert [(one.path, one.size) for one in record.outputs] == [("out.txt", 4)]
    assert (record.models[0].path, record.models[0].target) == ("out.txt", "t")
    assert record.log is not None
    assert repo.objects.get(record.log) == b"said\n"
    assert record.history is not None
    assert len(repo.objects.get(record.history).splitlines()) == 2
    assert record.environment is not None
    environment = canonical.decode(repo.objects.get(record.environment))
    assert "numpy" in environment["packages"]
    assert not run.folder.exists()


def test_a_run_is_audited_with_its_record(repo: Repository, made) -> None:
    record = made()
    entry = chain.entries(repo)[-1]
    assert (entry.action, entry.subject, entry.detail["run"]) == ("run", record.key, record.id)


def test_what_was_logged_and_is_gone_is_said_and_the_rest_is_kept(repo: Repository) -> None:
    run = begin(repo, "train", params={}, environ=os.environ)
    run.say({"path": "gone.txt", "role": "output"})
    record = finish(repo, run, status="done", exit_code=0)
    assert "'gone.txt' was logged but not kept" in (record.error or "")


def test_a_path_in_a_journal_may_not_leave_the_project(repo: Repository) -> None:
    (repo.root.parent / "secret").write_text("x")
    run = begin(repo, "train", params={}, environ=os.environ)
    run.say({"path": "../secret", "role": "output"})
    record = finish(repo, run, status="done", exit_code=0)
    assert record.outputs == ()
    assert "leaves the project" in (record.error or "")


@pytest.fixture
def leader(repo: Repository):
    process = subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=repo.root,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.key = process.stdout.readline().strip()  # type: ignore[attr-defined]
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()


def test_a_run_whose_leader_lives_is_left_alone(repo: Repository, leader) -> None:
    assert reap(repo) == []
    assert [run.head.key for run in open_run.each(repo)] == [leader.key]


def test_a_killed_run_is_recorded_with_its_metrics_and_log(repo: Repository, leader) -> None:
    leader.kill()
    leader.wait()
    [record] = reap(repo)
    assert (record.key, record.status, record.exit_code) == (leader.key, "killed", None)
    assert record.metrics == {"loss": 0.5}
    assert record.log is not None
    assert repo.objects.get(record.log) == b"so far\n"
    assert reap(repo) == []
    assert list(repo.layout.open_runs.iterdir()) == []


def test_a_run_killed_after_its_record_was_stored_is_recorded_once(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(repo, "train", params={}, environ=os.environ)
    monkeypatch.setattr("mlops_cli.core.refs.Refs.move", _die)
    with pytest.raises(SystemExit):
        finish(repo, run, status="done", exit_code=0)
    monkeypatch.undo()
    os.close(run._lock)  # type: ignore[arg-type]  # as the kernel does when a process dies
    os.chdir(repo.root)
    again = open_repository(repo.root)
    assert reap(again) == []
    assert len(list(again.objects.each(Kind.RUN))) == 1
    assert chain.entries(again)[-1].subject == run.head.key
    assert list(repo.layout.open_runs.iterdir()) == []


def test_a_run_that_could_not_be_stored_is_recorded_later_as_it_ended(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(repo, "train", params={}, environ=os.environ)
    monkeypatch.setattr("mlops_cli.runs.collect._collect", _die)
    with pytest.raises(SystemExit):
        finish(repo, run, status="failed", exit_code=3, error="no luck")
    monkeypatch.undo()
    os.close(run._lock)  # type: ignore[arg-type]  # as the kernel does when a process dies
    os.chdir(repo.root)
    [record] = reap(repo)
    assert (record.status, record.exit_code, record.error) == ("failed", 3, "no luck")


def _die(*_: object) -> None:
    raise SystemExit


def test_a_run_whose_folder_was_removed_meanwhile_is_no_bug(repo: Repository) -> None:
    run = begin(repo, "train", params={}, environ=os.environ)
    shutil.rmtree(repo.layout.mlo)
    with pytest.raises(ExternalError, match="cannot write"):
        finish(repo, run, status="done", exit_code=0)


def test_what_is_no_run_is_left_alone(repo: Repository) -> None:
    stray = repo.layout.open_runs / "stray"
    stray.mkdir()
    (stray / "run.json").write_text("{")
    (repo.layout.open_runs / "other.jsonl").write_text('{"key": 1}\n')
    (repo.layout.open_runs / "folder.jsonl").mkdir()
    assert reap(repo) == []
    assert list(open_run.each(repo)) == []
    assert len(os.listdir(repo.layout.open_runs)) == 3


def test_a_run_killed_before_it_was_told_of_leaves_nothing(repo: Repository) -> None:
    (repo.layout.open_runs / "torn.jsonl").write_text('{"key": "to')
    (repo.layout.open_runs / "torn").mkdir()
    (repo.layout.open_runs / "empty.jsonl").touch()
    assert list(open_run.each(repo)) == []
    assert reap(repo) == []
    assert os.listdir(repo.layout.open_runs) == []


def test_a_run_that_is_only_removed_in_part_is_recorded_once(repo: Repository) -> None:
    run = begin(repo, "train", params={}, environ=os.environ)
    note_end(run, End("done", 0))
    with repo.objects.writer() as writer:
        run.note_recording()
        Collector(repo, writer).put(run, End("done", 0))
    shutil.rmtree(run.folder)
    run.release()
    assert reap(repo) == []
    assert len(list(repo.objects.each(Kind.RUN))) == 1
    assert os.listdir(repo.layout.open_runs) == []


def test_the_curve_has_the_lines_of_metrics_alone(repo: Repository) -> None:
    run = begin(repo, "train", params={}, environ=os.environ, with_folder=False)
    points = [b'{"metrics":{"loss":%d},"step":%d}\n' % (9 - step, step) for step in range(3)]
    said = [
        points[0],
        b'{"params":{"a":1}}\n',
        b"{torn",
        b"\n",
        *points[1:],
        b'{"metrics":{"loss":0}',
    ]
    with open(run.journal.path, "ab") as file:
        file.writelines(said)
    record = finish(repo, run, status="done", exit_code=0)
    assert (record.metrics, record.params) == ({"loss": 7}, {"a": 1})
    assert record.history is not None
    assert repo.objects.get(record.history) == b"".join(points)
    assert record.series == {"loss": {"count": 3, "min": 7, "max": 9}}


def test_leftovers_of_a_killed_step_are_stored(repo: Repository, leader) -> None:
    (repo.root / "model").write_text("half")
    folder = repo.layout.open_runs / leader.key
    (folder / "children.jsonl").write_text(
        json.dumps({"pid": 1, "birth": "never", "outs": ["model", "other"]}) + "\n"
    )
    leader.kill()
    leader.wait()
    reap(repo)
    from mlops_cli.core.ids import object_id

    assert repo.objects.has(object_id(b"half"))


def test_a_project_outside_git_can_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_cli.core.repository import create

    bare = create(tmp_path)
    run = begin(bare, "train", params={}, environ=os.environ)
    record = finish(bare, run, status="done", exit_code=0)
    assert record.code.commit is None
