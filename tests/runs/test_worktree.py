"""Promises of work trees aside: they share the store, and leave nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli.core import git, git_reach, worktrees
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import open_run
from mlops_cli.runs.begin import begin
from mlops_cli.runs.finish import finish, reap
from mlops_cli.runs.index import open_index
from mlops_cli.runs.worktree import worktree


@pytest.fixture
def committed(repo: Repository) -> Repository:
    (repo.root / ".mlops.yaml").touch()
    (repo.root / "train.py").write_text("print(1)\n")
    git.add(repo.root, ["train.py", ".mlops.yaml"])
    git.commit(repo.root, "Train")
    return repo


def status(root: Path) -> str:
    done = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_it_has_the_commit_and_not_what_changed_since(committed: Repository) -> None:
    (committed.root / "train.py").write_text("print(2)\n")
    with worktree(committed, "HEAD") as aside:
        assert (aside.root / "train.py").read_text() == "print(1)\n"
        assert status(aside.root) == ""
    assert (committed.root / "train.py").read_text() == "print(2)\n"


def test_objects_and_runs_made_there_are_in_the_store_of_the_project(
    committed: Repository,
) -> None:
    with worktree(committed, "HEAD") as aside:
        with aside.objects.writer() as writer:
            oid = writer.put(b"made aside")
        run = begin(aside, "train", params={}, environ=os.environ)
        done = finish(aside, run, status="done", exit_code=0)
    fresh = open_repository(committed.root)
    assert fresh.objects.get(oid) == b"made aside"
    with open_index(fresh) as index:
        assert index.ids() == [done.id]


def test_a_command_started_there_finds_it_and_not_the_project_around(
    committed: Repository,
) -> None:
    with worktree(committed, "HEAD") as aside:
        inner = aside.root / "deep"
        inner.mkdir()
        found = open_repository(inner)
        assert found.root == aside.root
        assert found.layout.packs == committed.layout.packs


def test_nothing_is_left_when_it_ends(committed: Repository) -> None:
    with worktree(committed, "HEAD") as aside:
        root = aside.root
    assert not root.exists()
    assert os.listdir(committed.layout.worktrees) == []
    assert git_reach.worktrees(committed.root) == [committed.root]
    assert status(committed.root) == ""


def test_a_project_below_the_top_of_git_is_found_in_it(committed: Repository) -> None:
    inner = committed.root / "inner"
    inner.mkdir()
    (inner / ".mlops.yaml").write_text("")
    (inner / "own.py").write_text("")
    git.add(inner, [".mlops.yaml", "own.py"])
    git.commit(inner, "Inner")
    with worktree(open_repository(inner), "HEAD") as aside:
        assert (aside.root / "own.py").exists()
        assert not (aside.root / "train.py").exists()


def test_outside_of_git_it_says_what_is_missing(project: Path) -> None:
    subprocess.run(["rm", "-rf", str(project / ".git")], check=True)
    with (
        pytest.raises(RequestError, match="in no git repository"),
        worktree(open_repository(project), "HEAD"),
    ):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.runs.begin import begin
from mlops_cli.runs.worktree import worktree
with worktree(open_repository(Path(sys.argv[1])), "HEAD") as aside:
    begin(aside, "train", params={}, environ=os.environ, name="lost")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_recorded_and_removed(committed: Repository) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(committed.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    (aside,) = worktrees.layouts(committed.layout)
    assert [run.head.name for run in open_run.each(Repository(aside))] == ["lost"]
    assert [(run.name, run.status) for run in reap(committed)] == [("lost", "killed")]
    assert os.listdir(committed.layout.worktrees) == []
    assert git_reach.worktrees(committed.root) == [committed.root]


def test_one_that_is_in_use_is_left_alone(committed: Repository) -> None:
    with worktree(committed, "HEAD") as aside:
        begin(aside, "train", params={}, environ=os.environ)
        assert reap(open_repository(committed.root)) == []
        assert aside.root.exists()
