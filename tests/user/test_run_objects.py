"""What a run logged is there for whoever looks at it, in a clone that has only fetched too."""

from pathlib import Path

import pytest

from tests.conftest import Mlo, git

_TRAIN = """\
from mlops_cli import api as mlo
for step in range(5):
    mlo.log_metric("loss", 1 / (step + 1), step)
open("roc.csv", "w").write("x,y\\n0,0\\n1,1\\n")
print("trained")
"""
_STEPS = (
    "steps: {train: {cmd: python train.py, deps: [train.py], outs: [roc.csv], plots: [roc.csv]}}\n"
)


@pytest.fixture
def clone(project: Path, mlo_here: Mlo) -> Path:
    """Return a clone that has pulled, of a project in which a run was made and pushed."""
    (project / "train.py").write_text(_TRAIN)
    (project / ".mlops.yaml").write_text(_STEPS)
    mlo_here("remote", "add", "origin", project.parent / "remote")
    mlo_here("run", "--name", "w4")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "One")
    mlo_here("push")
    found = project.parent / "clone"
    git(project, "clone", "--quiet", ".", str(found))
    mlo_here("fetch", cwd=found)
    return found


def test_in_a_clone_what_runs_logged_comes_when_it_is_asked_for(
    clone: Path, project: Path, mlo_here: Mlo
) -> None:
    assert mlo_here("runs", "show", "w4", "--log", cwd=clone).stdout.endswith("trained\n")
    asked = ("runs", "export", "w4", "--history")
    assert mlo_here(*asked, cwd=clone).stdout == mlo_here(*asked, cwd=project).stdout
    (project.parent / "remote").rename(project.parent / "away")
    assert "loss" in mlo_here("runs", "plot", "w4", "-m", "loss", cwd=clone).stdout


def test_in_a_clone_a_plot_brings_its_tables_too(clone: Path, mlo_here: Mlo) -> None:
    found = mlo_here("runs", "plot", "w4", "--json", cwd=clone).json
    assert [chart["title"] for chart in found["charts"]] == ["loss", "roc.csv"]


@pytest.mark.parametrize(
    "command", [("show", "w4", "--log"), ("plot", "w4"), ("export", "w4", "--history")]
)
def test_without_a_remote_nothing_is_half_printed(
    clone: Path, mlo_here: Mlo, command: tuple[str, ...]
) -> None:
    mlo_here("remote", "remove", "origin", cwd=clone)
    ended = mlo_here("runs", *command, cwd=clone, code=3)
    assert ended.stdout == ""
    assert "run 'w4'" in ended.stderr
    assert ended.stderr.endswith("  try: mlo remote add origin URL\n")


def test_what_was_never_pushed_is_told_by_the_run(clone: Path, mlo_here: Mlo) -> None:
    mlo_here("remote", "remove", "origin", cwd=clone)
    mlo_here("remote", "add", "origin", clone.parent / "other", cwd=clone)
    ended = mlo_here("runs", "show", "w4", "--log", cwd=clone, code=3)
    assert ended.stderr == (
        "mlo: the log of run 'w4' is neither here nor on 'origin'\n"
        "  try: push it from where it was made: mlo push\n"
    )


def test_in_a_clone_the_code_of_a_run_comes_back_too(clone: Path, mlo_here: Mlo) -> None:
    (clone / "train.py").unlink()
    git(clone, "commit", "--quiet", "--all", "--message", "Gone")
    mlo_here("runs", "restore", "w4", "--branch", "again", cwd=clone)
    assert git(clone, "show", "again:train.py") == _TRAIN
