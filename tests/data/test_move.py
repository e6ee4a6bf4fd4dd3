"""Moving takes data, pointer and ignore line along, and nothing that stands in the way is lost."""

import os
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer
from mlops_cli.data.add import add
from mlops_cli.data.move import move
from mlops_cli.data.status import changes
from mlops_cli.errors import ExternalError, RequestError
from tests.conftest import git

RAW = Path("data/raw.csv")


@pytest.fixture
def repo(two_versioned: Repository) -> Repository:
    return two_versioned


def clean(repo: Repository) -> bool:
    again = open_repository(repo.root)
    return not changes(again, pointer.each(again))


def test_data_pointer_and_ignore_line_move_together(repo: Repository) -> None:
    done = move(repo, [RAW], Path("new/deep/r.csv"))
    assert [(one.path, one.to) for one in done.moved] == [("data/raw.csv", "new/deep/r.csv")]
    assert (repo.root / "new/deep/r.csv").read_bytes() == b"hello\n"
    assert not (repo.root / "data").exists()
    staged = git(repo.root, "status", "--porcelain").splitlines()
    assert "R  data/raw.csv.mlo -> new/deep/r.csv.mlo" in staged
    assert all(line[1] == " " for line in staged)
    assert done.unstaged == ()
    assert clean(repo)


def test_several_move_into_a_folder_that_is_not_versioned(repo: Repository) -> None:
    (repo.root / "in").mkdir()
    move(repo, [RAW, Path("images/")], Path("in"))
    assert [one.path for one in pointer.each(repo)] == ["in/images", "in/raw.csv"]
    assert clean(repo)
    with pytest.raises(RequestError, match="no folder to move several paths into"):
        move(repo, [Path("in/raw.csv"), Path("in/images")], Path("out"))


def test_paths_count_from_the_working_folder(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo.root / "data/in").mkdir()
    monkeypatch.chdir(repo.root / "data")
    move(repo, [Path("raw.csv"), Path("../images")], Path("in"))
    assert [one.path for one in pointer.each(repo)] == ["data/in/images", "data/in/raw.csv"]
    assert clean(repo)


def test_any_name_that_can_be_versioned_can_be_moved(repo: Repository) -> None:
    name = os.fsdecode(b"a \n*[\xff\xfe]")
    move(repo, [RAW], Path(name))
    assert clean(repo)
    assert git(repo.root, "ls-files", "--others", "--exclude-standard") == ""
    move(repo, [Path(name)], RAW)
    assert git(repo.root, "status", "--porcelain") == ""


def test_a_link_that_leads_out_is_no_folder_to_move_into(repo: Repository, tmp_path: Path) -> None:
    (repo.root / "out").symlink_to(tmp_path)
    with pytest.raises(RequestError):
        move(repo, [RAW], Path("out"))
    assert clean(repo)


def test_a_moved_folder_is_not_read_again(repo: Repository) -> None:
    move(repo, [Path("images")], Path("photos"))
    photo = repo.root / "photos/deep/a"
    again = open_repository(repo.root)
    block = again.stat_cache.blocks[b"photos/deep"].trusted()
    assert list(block) == [b"a"]
    photo.write_bytes(b"b")
    assert not clean(repo)


def test_changes_that_are_in_no_version_move_along(repo: Repository) -> None:
    (repo.root / RAW).write_bytes(b"edited\n")
    (repo.root / "images/deep/b").write_bytes(b"new")
    move(repo, [RAW], Path("raw.csv"))
    move(repo, [Path("images")], Path("photos"))
    assert (repo.root / "raw.csv").read_bytes() == b"edited\n"
    assert (repo.root / "photos/deep/b").read_bytes() == b"new"
    assert not clean(repo)


def test_a_pointer_moves_without_its_data(repo: Repository) -> None:
    (repo.root / RAW).unlink()
    move(repo, [RAW], Path("raw.csv"))
    assert pointer.read(repo, "raw.csv") is not None


def test_a_pointer_that_git_does_not_know_moves_too(repo: Repository) -> None:
    (repo.root / "x").write_bytes(b"x")
    add(repo, [Path("x")])
    done = move(repo, [Path("x")], Path("y"))
    assert "y.mlo" in done.unstaged
    assert all((repo.root / name).exists() for name in done.unstaged)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("images", "images/deep", "cannot be moved into itself"),
        ("data/raw.csv", "taken", "there is something at 'taken'"),
        ("data/raw.csv", "images", "there is something at 'images'"),
        ("data/raw.csv", "images/deep", "versioned as a whole"),
        ("data/raw.csv", ".git/x", "reaches into '.git'"),
        ("data/raw.csv", "../x", "outside the project"),
        ("images/deep/a", "b", "'images', which is versioned as a whole"),
        ("nothing", "b", "not versioned"),
        ("data", "b", "folder of versioned paths"),
    ],
)
def test_what_stands_in_the_way_is_refused(repo: Repository, old: str, new: str, says: str) -> None:
    (repo.root / "taken").touch()
    with pytest.raises(RequestError, match=says):
        move(repo, [Path(old)], Path(new))
    assert git(repo.root, "status", "--porcelain") == "?? taken\n"
    assert clean(repo)


def test_data_goes_back_when_git_refuses(repo: Repository) -> None:
    (repo.root / ".git/index.lock").touch()
    with pytest.raises(ExternalError):
        move(repo, [Path("images")], Path("photos"))
    assert (repo.root / "images/deep/a").read_bytes() == b"a"
    assert not (repo.root / "photos").exists()
    assert clean(repo)


def test_settings_that_name_the_old_path_are_told(repo: Repository) -> None:
    repo.layout.settings.write_text("steps: {show: {cmd: cat data/raw.csv}}\n")
    (done,) = move(repo, [RAW], Path("x.csv")).moved
    assert done.mentions == (".mlops.yaml:1",)
