"""A project with two versions of a file and a folder, all pushed, and a clone without a fetch."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Mlo, git

OLD = "a,b\n1,x\n"
NEW = "a,b\n1,x\n2,y\n"


@pytest.fixture
def versions(project: Path, mlo_here: Mlo, tmp_path: Path) -> Path:
    """Return the project, with `v1` and a newer commit."""
    images = project / "data/images"
    (images / "more").mkdir(parents=True)
    for name in ("a.png", "icon@2x.png", "more/c.png"):
        (images / name).write_text(name)
    (images / "link.png").symlink_to("more/c.png")
    (images / "out.png").symlink_to("../../../secret")
    (images / "loop.png").symlink_to("loop.png")
    (project / "data/raw.csv").write_text(OLD)
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    keep(project, mlo_here, "data/raw.csv", "data/images")
    git(project, "tag", "v1")
    (project / "data/raw.csv").write_text(NEW)
    keep(project, mlo_here, "data/raw.csv")
    mlo_here("push")
    return project


def keep(project: Path, mlo: Mlo, *paths: str) -> None:
    """Add paths, and commit their pointers."""
    mlo("add", *paths)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Data")


@pytest.fixture
def clone(versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a fresh clone of the project, in which nobody has fetched, and go into it."""
    copy = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", versions, copy], check=True)
    monkeypatch.chdir(copy)
    return copy
