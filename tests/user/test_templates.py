"""Starter projects run as they are; the demo goes round the loop in the other one."""

from pathlib import Path

from tests.conftest import Mlo


def test_the_minimal_project_runs_and_is_then_up_to_date(mlo_here: Mlo, tmp_path: Path) -> None:
    project = tmp_path / "new"
    mlo_here("init", project, "--template", "minimal")
    assert "1 ran" in mlo_here("run", cwd=project).stdout
    assert "score" in mlo_here("runs", "show", "last", cwd=project).stdout
    assert "nothing is stale" in mlo_here("run", cwd=project).stdout
    first = mlo_here("runs", "show", "last", "--json", cwd=project).json["metrics"]
    mlo_here("run", "--set", "seed=8", cwd=project)
    assert mlo_here("runs", "show", "last", "--json", cwd=project).json["metrics"] != first
