from pathlib import Path

import pytest

from mlops_cli.core import templates
from mlops_cli.core.config import load
from tests.conftest import Mlo, git


def test_a_new_folder_gets_git_the_store_and_settings(mlo_here: Mlo, tmp_path: Path) -> None:
    ended = mlo_here("init", "new", cwd=tmp_path)
    root = tmp_path / "new"
    assert ended.stdout == f"made the repository {root}\n  git repository made\n  .mlops.yaml\n"
    assert ended.stderr == "next: cd new, then mlo add PATH, or mlo run\n"
    assert (root / ".mlo/format").is_file()
    assert git(root, "status", "--short") == "?? .gitignore\n?? .mlops.yaml\n"
    load(root / ".mlops.yaml")


def test_a_second_init_changes_nothing_and_says_so(mlo_here: Mlo, project: Path) -> None:
    clone = (project / ".mlo/clone").read_bytes()
    (project / ".mlops.yaml").write_text("params: {seed: 1}\n")
    assert mlo_here("init").stdout == f"already a repository: {project}\n"
    assert (project / ".mlo/clone").read_bytes() == clone
    assert git(project, "status", "--short") == " M .mlops.yaml\n"


def test_json_says_what_was_made(mlo_here: Mlo, tmp_path: Path) -> None:
    assert mlo_here("init", "new", "--json", cwd=tmp_path).json == {
        "root": str(tmp_path / "new"),
        "existed": False,
        "git_root": str(tmp_path / "new"),
        "git_created": True,
        "template": None,
        "written": [".mlops.yaml"],
    }


def test_a_folder_inside_a_git_repository_stays_in_it(mlo_here: Mlo, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert (
        f"  in the git repository at {tmp_path}\n" in mlo_here("init", "part", cwd=tmp_path).stdout
    )
    assert not (tmp_path / "part/.git").exists()
    found = mlo_here("init", "other", "--json", cwd=tmp_path).json
    assert (found["git_root"], found["git_created"]) == (str(tmp_path), False)


def test_a_folder_inside_a_project_is_refused_unless_that_is_meant(
    mlo_here: Mlo, project: Path
) -> None:
    ended = mlo_here("init", "data/raw", code=3)
    assert ended.stderr == (
        f"mlo: '{project}/data/raw' is in the mlo repository '{project}' already\n"
        "  try: use that one; for one inside the other: mlo init DIR --nested\n"
    )
    assert not (project / "data").exists()
    assert mlo_here("init", "data/raw", "--nested").stdout.startswith("made the repository")
    assert mlo_here("init", "data/raw").stdout.startswith("already a repository")
    assert mlo_here("init", "../beside").stdout.startswith("made the repository")


def test_in_the_folder_itself_there_is_nowhere_to_go_first(mlo_here: Mlo, tmp_path: Path) -> None:
    assert mlo_here("init", cwd=tmp_path).stderr == "next: mlo add PATH, or mlo run\n"


def test_gitignore_keeps_what_it_had(mlo_here: Mlo, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc")
    mlo_here("init", cwd=tmp_path)
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[0] == "*.pyc"
    assert "/.mlo" in lines


@pytest.mark.parametrize("name", templates.names())
def test_each_template_is_written_whole(mlo_here: Mlo, tmp_path: Path, name: str) -> None:
    mlo_here("init", "new", "--template", name, cwd=tmp_path)
    for path, data in templates.files(name).items():
        assert (tmp_path / "new" / path).read_bytes() == data
    load(tmp_path / "new/.mlops.yaml")


def test_a_template_can_follow_a_plain_init(mlo_here: Mlo, project: Path) -> None:
    ended = mlo_here("init", "--template", "minimal")
    assert ended.stdout.startswith(f"wrote into the repository {project}\n")
    assert (project / ".mlops.yaml").read_bytes() == templates.files("minimal")[".mlops.yaml"]
    assert mlo_here("init", "--template", "minimal").stdout == f"already a repository: {project}\n"


def test_a_template_overwrites_nothing(mlo_here: Mlo, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mine")
    ended = mlo_here("init", "--template", "minimal", cwd=tmp_path, code=3)
    assert ended.stderr == (
        "mlo: 'train.py' would be overwritten by the template\n"
        "  try: move it away, or name a new folder: mlo init FOLDER --template NAME\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.py"]
    assert (tmp_path / "train.py").read_text() == "mine"


def test_a_link_in_the_way_of_a_template_is_not_written_through(
    mlo_here: Mlo, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/train.py").symlink_to(tmp_path / "elsewhere.py")
    mlo_here("init", "new", "--template", "minimal", cwd=tmp_path, code=3)
    assert not (tmp_path / "elsewhere.py").exists()


def test_an_unknown_template_names_the_known(mlo_here: Mlo, tmp_path: Path) -> None:
    ended = mlo_here("init", "--template", "tabluar", cwd=tmp_path, code=2)
    assert ended.stderr == (
        "mlo: there is no template 'tabluar'\n"
        f"  try: one of these: {', '.join(templates.names())}\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_cannot_become_a_project(mlo_here: Mlo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = mlo_here("init", "file", cwd=tmp_path, code=2)
    assert "is a file" in ended.stderr


def test_without_git_it_says_what_to_install(mlo_here: Mlo, tmp_path: Path) -> None:
    ended = mlo_here("init", cwd=tmp_path, env={"PATH": str(tmp_path)}, code=5)
    assert ended.stderr == "mlo: git was not found\n  try: install git: https://git-scm.com\n"
