"""Opening a project finds its store, makes it where only settings are, and tells clones apart."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mlops_cli.core.repository import create, open_repository
from mlops_cli.errors import ExternalError, NotARepository, StateError


def test_a_fresh_git_clone_gets_its_store_by_being_opened(tmp_path: Path) -> None:
    (tmp_path / ".mlops.yaml").write_text("")
    (tmp_path / "deep").mkdir()
    repo = open_repository(tmp_path / "deep")
    assert repo.root == tmp_path
    assert repo.layout.packs.is_dir()
    assert open_repository(tmp_path).clone_id == repo.clone_id


def test_a_folder_that_is_none_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(NotARepository) as caught:
        open_repository(tmp_path)
    assert caught.value.hint is not None
    assert "mlo init" in caught.value.hint


def test_a_clone_whose_name_was_lost_gets_another(tmp_path: Path) -> None:
    repo = create(tmp_path)
    lost = repo.clone_id
    repo.layout.clone.unlink()
    named = open_repository(tmp_path).clone_id
    assert named != lost
    assert open_repository(tmp_path).clone_id == named


def test_a_file_in_the_place_of_the_store_is_named(tmp_path: Path) -> None:
    (tmp_path / ".mlops.yaml").touch()
    (tmp_path / ".mlo").touch()
    with pytest.raises(ExternalError, match=r"\.mlo"):
        open_repository(tmp_path)


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    create(tmp_path).layout.format.write_text("mlo store 99\n")
    with pytest.raises(StateError, match="mlo store 99"):
        open_repository(tmp_path)


def test_a_copy_of_a_project_is_another_clone_and_a_moved_one_is_not(tmp_path: Path) -> None:
    name = create(tmp_path / "one").clone_id
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    copied = open_repository(tmp_path / "two").clone_id
    assert copied != name
    assert open_repository(tmp_path / "two").clone_id == copied
    shutil.move(tmp_path / "one", tmp_path / "three")
    assert open_repository(tmp_path / "three").clone_id == name


def test_git_never_sees_the_store(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    create(tmp_path)
    found = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain"], check=True, capture_output=True
    )
    assert found.stdout == b""


def test_the_lock_may_be_taken_again_by_who_holds_it(tmp_path: Path) -> None:
    repo = create(tmp_path)
    with repo.lock("outer"), repo.lock("inner"):
        pass
    with repo.lock("again"):
        pass
