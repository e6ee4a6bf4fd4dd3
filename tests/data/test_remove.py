"""Removing stops versioning a path, loses nothing unasked, and leaves git ready to commit."""

from pathlib import Path

import pytest

from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data.add import add
from mlops_cli.data.checkout import checkout
from mlops_cli.data.move import move
from mlops_cli.data.remove import remove
from mlops_cli.errors import Conflict, RequestError
from tests.conftest import git

RAW = Path("data/raw.csv")


@pytest.fixture
def repo(two_versioned: Repository) -> Repository:
    return two_versioned


def commit(repo: Repository) -> None:
    git(repo.root, "add", "--all")
    git(repo.root, "commit", "--quiet", "--message", "Next")


def test_nothing_of_a_path_is_left_but_in_the_store_and_in_git(repo: Repository) -> None:
    done = remove(repo, [RAW, Path("images")])
    assert [one.path for one in done.removed] == ["data/raw.csv", "images"]
    assert not (repo.root / "data").exists()
    assert not (repo.root / "images").exists()
    assert "images" not in (repo.root / ".gitignore").read_text()
    staged = git(repo.root, "status", "--porcelain").splitlines()
    assert staged == ["M  .gitignore", "D  data/.gitignore", "D  data/raw.csv.mlo", "D  images.mlo"]
    assert done.unstaged == ()
    git(repo.root, "commit", "--quiet", "--message", "Remove")
    git(repo.root, "checkout", "--quiet", "HEAD~1")
    checkout(open_repository(repo.root))
    assert (repo.root / RAW).read_bytes() == b"hello\n"
    assert (repo.root / "images/deep/a").read_bytes() == b"a"


def test_nothing_new_is_stored(repo: Repository) -> None:
    before = set(repo.objects.each(Kind.TREE))
    remove(repo, [Path("images")])
    assert set(open_repository(repo.root).objects.each(Kind.TREE)) == before


def test_an_empty_folder_in_its_place_is_stored(repo: Repository) -> None:
    remove(repo, [Path("images")])
    (repo.root / "images").mkdir()
    again = open_repository(repo.root)
    (added,) = add(again, [Path("images")])
    assert open_repository(repo.root).objects.has(added.oid)


def test_the_data_stays_when_asked_and_git_sees_it(repo: Repository) -> None:
    (repo.root / RAW).write_bytes(b"edited\n")
    (done,) = remove(repo, [RAW], keep=True).removed
    assert (done.path, done.size) == ("data/raw.csv", 6)
    assert (repo.root / RAW).read_bytes() == b"edited\n"
    untracked = git(repo.root, "ls-files", "--others", "--exclude-standard").split()
    assert untracked == ["data/raw.csv"]


@pytest.mark.parametrize("path", ["data/raw.csv", "images"])
def test_unsaved_changes_are_not_lost(repo: Repository, path: str) -> None:
    edited = repo.root / (path if path != "images" else "images/deep/a")
    edited.write_bytes(b"edited\n")
    with pytest.raises(Conflict, match="in no version"):
        remove(repo, [Path("images"), RAW])
    assert edited.read_bytes() == b"edited\n"
    assert git(repo.root, "status", "--porcelain") == ""
    remove(repo, [Path(path)], force=True)
    assert not (repo.root / path).exists()


def test_a_version_that_no_commit_names_is_not_lost(repo: Repository) -> None:
    (repo.root / RAW).write_bytes(b"second\n")
    add(repo, [RAW])
    with pytest.raises(Conflict, match="not in git's last commit"):
        remove(repo, [RAW])
    (done,) = remove(repo, [RAW], keep=True).removed
    assert done.path == "data/raw.csv"
    assert (repo.root / RAW).read_bytes() == b"second\n"


def test_a_version_that_a_commit_names_by_another_path_may_go(repo: Repository) -> None:
    move(repo, [RAW], Path("moved.csv"))
    remove(repo, [Path("moved.csv")])
    assert git(repo.root, "status", "--porcelain") == "D  data/.gitignore\nD  data/raw.csv.mlo\n"


def test_content_that_is_not_in_the_store_is_not_lost(repo: Repository) -> None:
    for pack in repo.layout.packs.iterdir():
        pack.unlink()
    with pytest.raises(Conflict, match="not in this store"):
        remove(open_repository(repo.root), [RAW])


def test_a_pointer_goes_also_where_its_data_is_missing(repo: Repository) -> None:
    (repo.root / RAW).unlink()
    remove(repo, [Path("data/raw.csv.mlo")])
    assert not (repo.root / "data").exists()


def test_a_folder_of_versioned_paths_is_asked_for_by_name(repo: Repository) -> None:
    with pytest.raises(RequestError, match="not versioned itself, but"):
        remove(repo, [Path("data")])
    remove(repo, [Path("data")], recursive=True)
    assert not (repo.root / "data").exists()


def test_a_part_of_what_is_versioned_is_refused(repo: Repository) -> None:
    with pytest.raises(RequestError, match="'images', which is versioned as a whole"):
        remove(repo, [Path("images/deep/a")])
    with pytest.raises(RequestError, match="not versioned"):
        remove(repo, [Path("nothing")])


def test_lines_of_the_user_in_an_ignore_file_are_neither_lost_nor_staged(repo: Repository) -> None:
    ignore = repo.root / "data/.gitignore"
    ignore.write_bytes(ignore.read_bytes() + b"*.tmp\n")
    assert remove(repo, [RAW]).unstaged == ("data/.gitignore",)
    assert ignore.read_bytes() == b"*.tmp\n"


def test_a_link_where_data_was_is_removed_when_forced(repo: Repository) -> None:
    (repo.root / RAW).unlink()
    (repo.root / RAW).symlink_to("/etc/passwd")
    with pytest.raises(Conflict):
        remove(repo, [RAW])
    remove(repo, [RAW], force=True)
    assert not (repo.root / RAW).is_symlink()
    assert Path("/etc/passwd").exists()


def test_caches_of_programs_go_with_a_folder(repo: Repository) -> None:
    (repo.root / "images/__pycache__").mkdir()
    (repo.root / "images/__pycache__/x.pyc").touch()
    remove(repo, [Path("images")])
    assert not (repo.root / "images").exists()


def test_settings_that_name_the_path_are_told(repo: Repository) -> None:
    repo.layout.settings.write_text(
        "# data/raw.csv\nsteps: {a: {cmd: cat data/raw.csv},\n  b: {cmd: cat data/raw.csv2}}\n"
    )
    (done,) = remove(repo, [RAW]).removed
    assert done.mentions == (".mlops.yaml:2",)
