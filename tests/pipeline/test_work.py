"""Promises of running several steps: side by side, past failures, again, in time, and aside."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops_cli.core import git, lockfile
from mlops_cli.core.packs import Pack
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import ExternalError
from mlops_cli.pipeline import run as pipeline
from mlops_cli.pipeline.watcher import Silent
from mlops_cli.runs.find import resolve
from mlops_cli.runs.finish import reap
from mlops_cli.runs.worktree import aside
from tests.conftest import unwatched
from tests.pipeline.conftest import Recorder, Run, states


def steps(repo: Repository, text: str) -> None:
    (repo.root / ".mlops.yaml").write_text("params: {seed: 7}\nsteps:\n" + text)


def test_steps_that_do_not_need_each_other_run_at_once(repo: Repository, run: Run) -> None:
    meet = "mkdir {me}.d; until test -d {other}.d; do sleep 0.01; done; echo > {me}"
    steps(
        repo,
        f"  a:\n    cmd: {meet.format(me='a', other='b')}\n    outs: [a]\n"
        f"  b:\n    cmd: {meet.format(me='b', other='a')}\n    outs: [b]\n",
    )
    assert states(run(jobs=2)) == {"a": "ran", "b": "ran"}


def test_one_resource_is_not_used_by_two_steps_at_once(repo: Repository, run: Run) -> None:
    alone = "mkdir busy && sleep 0.1 && rmdir busy && echo > {me}"
    steps(
        repo,
        "".join(
            f"  {me}:\n    cmd: {alone.format(me=me)}\n    outs: [{me}]\n"
            "    resources: {gpu: 1}\n"
            for me in "abc"
        )
        + "resources: {gpu: 1}\n",
    )
    assert set(states(run(jobs=3)).values()) == {"ran"}


def test_a_failure_holds_up_only_what_needs_it(repo: Repository, run: Run) -> None:
    steps(
        repo,
        "  bad:\n    cmd: exit 3\n    outs: [bad]\n"
        "  after:\n    cmd: cp bad after\n    deps: [bad]\n    outs: [after]\n"
        "  good:\n    cmd: echo > good\n    outs: [good]\n",
    )
    outcome = run()
    assert states(outcome) == {"bad": "failed", "after": "skipped", "good": "ran"}
    assert outcome.run is not None
    assert (outcome.run.status, outcome.run.exit_code) == ("failed", 3)


def test_after_a_failure_only_the_rest_runs(repo: Repository, run: Run) -> None:
    steps(
        repo,
        "  first:\n    cmd: echo x >> count; echo > first\n    outs: [first]\n"
        "  second:\n    cmd: test -e fixed && cp first second\n    deps: [first]\n"
        "    outs: [second]\n",
    )
    assert states(run())["second"] == "failed"
    (repo.root / "fixed").touch()
    assert states(run()) == {"first": "unchanged", "second": "ran"}
    assert (repo.root / "count").read_text() == "x\n"


def test_a_step_that_fails_now_and_then_is_tried_again(repo: Repository, run: Run) -> None:
    steps(
        repo,
        "  flaky:\n    cmd: echo x >> tries; echo > out; test $(wc -l < tries) = 3\n"
        "    outs: [out]\n    retries: 2\n",
    )
    recorder = Recorder()
    assert states(run(watcher=recorder)) == {"flaky": "ran"}
    assert [line for line in recorder.told if "again" in line] == [
        "flaky again, 1 left: step 'flaky' failed with exit code 1",
        "flaky again, 0 left: step 'flaky' failed with exit code 1",
    ]


def test_a_step_that_takes_too_long_is_stopped_with_all_it_started(
    repo: Repository, run: Run
) -> None:
    steps(repo, "  slow:\n    cmd: sleep 60 & wait\n    outs: [out]\n    timeout: 0.2\n")
    outcome = run()
    assert outcome.run is not None
    assert outcome.run.error == "step 'slow' took longer than 0.2 s"


def test_an_output_that_is_not_cached_is_left_to_git(repo: Repository, run: Run) -> None:
    steps(repo, "  a:\n    cmd: echo 1 > out\n    outs: [{out: {cache: false}}]\n")
    outcome = run()
    assert outcome.run is not None
    out = outcome.run.output("out")
    assert out is not None
    assert not open_repository(repo.root).objects.has(out.oid)
    assert git.is_ignored(repo.root, ["out"]) == set()
    git.add(repo.root, ["out"])
    assert run().run is None, "it is as it was made"
    (repo.root / "out").write_text("2\n")
    assert states(run()) == {"a": "ran"}


def test_an_output_that_persists_is_there_when_the_step_runs_again(
    repo: Repository, run: Run
) -> None:
    steps(repo, "  a:\n    cmd: echo ${seed} >> log\n    outs: [{log: {persist: true}}]\n")
    run()
    run(assignments=["seed=8"])
    assert (repo.root / "log").read_text() == "7\n8\n"


@pytest.mark.parametrize(("what", "left"), [("keep", True), ("remove", False)])
def test_what_a_failed_step_wrote_stays_or_goes(
    repo: Repository, run: Run, what: str, left: bool
) -> None:
    steps(repo, f"  a:\n    cmd: echo > out; exit 1\n    outs: [{{out: {{on_failure: {what}}}}}]\n")
    run()
    assert (repo.root / "out").exists() == left


def test_only_what_comes_after_a_step_runs_when_asked(repo: Repository, run: Run) -> None:
    run()
    (repo.root / "raw.csv").write_text("c\n")
    outcome = run("train", downstream=True, force=True)
    assert states(outcome) == {"train": "ran", "evaluate": "ran"}


def test_a_step_runs_with_its_own_variables_in_its_own_folder(repo: Repository, run: Run) -> None:
    (repo.root / "deep").mkdir()
    steps(
        repo,
        "  a:\n    cmd: echo $GREETING > out\n    outs: [deep/out]\n    workdir: deep\n"
        "    env: {GREETING: hello}\n",
    )
    run()
    assert (repo.root / "deep/out").read_text() == "hello\n"


def commit(repo: Repository, message: str) -> str:
    for path in (".mlops.yaml", "raw.csv"):
        git.add(repo.root, [path])
    return git.commit(repo.root, message)


def tree_of(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {".git", ".mlo"} & set(path.parts)
    }


def test_a_run_aside_takes_the_code_as_it_is_and_leaves_the_work_tree_alone(
    repo: Repository,
) -> None:
    commit(repo, "First")
    (repo.root / "raw.csv").write_text("z\ny\n")
    before = tree_of(repo.root)
    with aside(open_repository(repo.root), None) as (there, state):
        outcome = pipeline.run(there, (), watcher=Silent(), environ=os.environ, state=state)
        assert (there.root / "data/train.csv").read_text() == "y\nz\n"
    assert tree_of(repo.root) == before
    assert outcome.run is not None
    assert outcome.run.code.commit == git.head(repo.root)
    assert outcome.run.code.dirty


def test_what_a_run_aside_made_is_not_made_again_here(repo: Repository, run: Run) -> None:
    commit(repo, "First")
    with aside(open_repository(repo.root), None) as (there, state):
        pipeline.run(there, (), watcher=Silent(), environ=os.environ, state=state)
    assert set(states(run()).values()) == {"restored"}


def test_a_run_of_an_older_revision_does_not_see_what_came_after(repo: Repository) -> None:
    first = commit(repo, "First")
    (repo.root / "raw.csv").write_text("z\n")
    commit(repo, "Second")
    with aside(open_repository(repo.root), first) as (there, state):
        pipeline.run(there, (), watcher=Silent(), environ=os.environ, state=state)
        assert (there.root / "data/train.csv").read_text() == "a\nb\n"


def is_at_work(pid: int) -> bool:
    """Return whether a process is there, and is more than a note that nobody has read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


KILLED = """
import os, sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import ExternalError
from mlops_cli.pipeline import run as pipeline
from mlops_cli.pipeline.watcher import Silent
pipeline.run(open_repository(Path.cwd()), (), watcher=Silent(), environ=os.environ, jobs=2)
"""


def test_all_that_a_killed_run_had_at_work_is_stopped(repo: Repository) -> None:
    wait = "echo $$ > {me}.pid; sleep 60 & wait; echo > {me}"
    steps(
        repo,
        "".join(f"  {me}:\n    cmd: {wait.format(me=me)}\n    outs: [{me}]\n" for me in "ab"),
    )
    pids = [repo.root / "a.pid", repo.root / "b.pid"]
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=repo.root) as leader:
        while not all(path.exists() and path.read_text() for path in pids):
            assert leader.poll() is None
            time.sleep(0.005)
        leader.kill()
    (left,) = reap(open_repository(repo.root))
    assert left.status == "killed"
    assert not any(is_at_work(int(path.read_text())) for path in pids)


def test_an_interrupt_stops_every_step_and_the_record_says_so(repo: Repository) -> None:
    wait = "touch {me}.up; exec sleep 60"
    steps(
        repo,
        "".join(f"  {me}:\n    cmd: {wait.format(me=me)}\n    outs: [{me}]\n" for me in "ab"),
    )
    ups = [repo.root / "a.up", repo.root / "b.up"]
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=repo.root) as leader:
        while not all(path.exists() for path in ups):
            assert leader.poll() is None
            time.sleep(0.005)
        leader.send_signal(signal.SIGINT)
        leader.wait()
    found = resolve(open_repository(repo.root), "last")
    assert (found.status, found.exit_code) == ("interrupted", 130)
    assert {step.state for step in found.steps} == {"failed"}


def test_a_version_that_a_step_refers_to_is_where_it_wants_it(repo: Repository, run: Run) -> None:
    with repo.objects.writer() as writer:
        oid = writer.put(b"the champion\n")
    steps(
        repo,
        "  a:\n    cmd: cat best/model > out\n    outs: [out]\n"
        "    deps: [{model: churn@production, path: best/model}]\n",
    )
    run(resolve=lambda reference: oid)
    assert (repo.root / "out").read_text() == "the champion\n"
    assert git.is_ignored(repo.root, ["best/model"])


def test_mlo_lock_never_names_what_could_not_be_stored(repo: Repository, run: Run) -> None:
    steps(
        repo,
        "  a:\n    cmd: echo > a\n    outs: [a]\n"
        "  b:\n    cmd: mv .mlo/tmp .mlo/gone; echo > b\n    outs: [b]\n    deps: [a]\n",
    )
    with pytest.raises(ExternalError):
        run()
    (repo.root / ".mlo/gone").rename(repo.root / ".mlo/tmp")
    store = open_repository(repo.root).objects
    for step in lockfile.read(repo.layout.lockfile).values():
        assert all(store.has(out.oid) for out in step.outs.values())


def test_what_the_last_steps_made_is_in_one_pack_with_the_record(
    repo: Repository, run: Run
) -> None:
    steps(
        repo,
        "  a:\n    cmd: echo 1 > a\n    outs: [a]\n"
        "  b:\n    cmd: cp a b\n    outs: [b]\n    deps: [a]\n",
    )
    before = set(repo.layout.packs.iterdir())
    done = run().run
    assert done is not None
    (pack,) = set(repo.layout.packs.iterdir()) - before
    held = {key.hex() for key in Pack(pack).index.ids()}
    assert {done.id, done.outputs[0].oid, done.outputs[1].oid} <= held
    assert lockfile.read(repo.layout.lockfile).keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("where", "status", "then"),
    [("mlops_cli.core.refs.Refs.move", "done", "restored"),
     ("mlops_cli.core.pack_writer.PackWriter.flush", "killed", "ran")],
)  # fmt: skip
def test_killed_at_the_end_a_run_has_its_record_and_steps_or_neither(
    repo: Repository, run: Run, where: str, status: str, then: str
) -> None:
    steps(repo, "  a:\n    cmd: echo 1 > a\n    outs: [a]\n")
    module, kind, name = where.rsplit(".", 2)
    code = (
        f"import os; from {module} import {kind}; {kind}.{name} = lambda *_: os._exit(9)\n"
        "from mlops_cli.cli.main import run; run(['run'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=repo.root, env=unwatched())
    assert ended.returncode == 9
    reap(open_repository(repo.root))
    found = resolve(open_repository(repo.root), "last")
    assert (found.status, [step.name for step in found.steps]) == (
        (status, ["a"]) if status == "done" else (status, [])
    )
    assert states(run()) == {"a": then}


def test_what_a_frozen_step_made_may_be_edited(repo: Repository, run: Run) -> None:
    text = (
        "  a:\n    cmd: echo 1 > a\n    outs: [a]\n    frozen: {frozen}\n"
        "  b:\n    cmd: cp a b\n    outs: [b]\n    deps: [a]\n"
    )
    steps(repo, text.format(frozen="false"))
    run()
    steps(repo, text.format(frozen="true"))
    (repo.root / "a").write_text("by hand\n")
    assert states(run()) == {"a": "unchanged", "b": "ran"}
    assert (repo.root / "b").read_text() == "by hand\n"


def test_a_step_that_writes_what_another_makes_is_told(repo: Repository, run: Run) -> None:
    steps(
        repo,
        "  a:\n    cmd: echo 1 > a\n    outs: [a]\n"
        "  b:\n    cmd: echo 2 > a; echo > b\n    outs: [b]\n    deps: [raw.csv]\n",
    )
    outcome = run()
    assert outcome.run is not None
    assert outcome.run.status == "failed"
    assert "'a', which step 'a' makes, was changed by another step" in (outcome.run.error or "")


def test_what_brings_a_changed_input_back_is_said(repo: Repository, run: Run) -> None:
    git.add(repo.root, ["raw.csv"])
    steps(repo, "  a:\n    cmd: echo 1 > raw.csv; echo > a\n    outs: [a]\n    deps: [raw.csv]\n")
    outcome = run()
    assert outcome.run is not None
    assert outcome.run.error == (
        "step 'a' changed its own input 'raw.csv'; to have it back: git restore raw.csv"
    )
