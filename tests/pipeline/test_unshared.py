"""Warnings of data that no other clone would get."""

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data.add import add
from tests.pipeline.conftest import Recorder, Run

SETTINGS = """\
steps:
  first:
    cmd: echo 1 > data/made
    outs: [data/made]
  count:
    cmd: ls data > out
    deps: [data]
    outs: [out]
"""


@pytest.fixture
def folder(repo: Repository) -> Repository:
    (repo.root / "data/deep/__pycache__").mkdir(parents=True)
    (repo.root / "data/deep/kept.txt").touch()
    (repo.root / "data/deep/__pycache__/x.pyc").touch()
    (repo.root / ".mlops.yaml").write_text(SETTINGS)
    (repo.root / ".gitignore").write_text("*.bin\n*.pyc\n")
    return repo


def warned(run: Run) -> list[str]:
    watcher = Recorder()
    run(watcher=watcher, force=True)
    return watcher.warned


def test_what_every_clone_gets_is_no_reason_to_warn(folder: Repository, run: Run) -> None:
    assert warned(run) == []


def test_files_that_git_ignores_and_nothing_versions_are_told(folder: Repository, run: Run) -> None:
    for name in ("a.bin", "deep/b.bin", "deep/c.bin"):
        (folder.root / "data" / name).touch()
    (told,) = warned(run)
    assert "step 'count' reads 'data': data/a.bin is ignored by git and not versioned" in told
    assert "as are 2 more" in told


def test_versioned_data_in_the_folder_is_fine(folder: Repository, run: Run) -> None:
    (folder.root / "data/a.bin").write_text("x")
    add(open_repository(folder.root), [folder.root / "data/a.bin"])
    assert warned(run) == []
