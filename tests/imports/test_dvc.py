"""A real DVC project moves over with all that its history names, and loses nothing."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from tests.conftest import Mlo, git
from tests.imports.conftest import Dvc
from tests.servers.files import FileServer

PIPELINE = """\
stages:
  double:
    cmd: python double.py ${scale}
    deps: [data/raw.csv, double.py]
    params: [seed]
    outs: [out/double.csv]
    metrics:
    - metrics.json: {cache: false}
  each:
    foreach: [a, b]
    do: {cmd: "echo ${item} > ${item}.txt", outs: ["${item}.txt"]}
"""
SCRIPT = """\
import json, os, sys
rows = [int(row) * int(sys.argv[1]) for row in open("data/raw.csv")]
os.makedirs("out", exist_ok=True)
open("out/double.csv", "w").write("".join(f"{row}\\n" for row in rows))
json.dump({"sum": sum(rows)}, open("metrics.json", "w"))
"""


def commit(root: Path, message: str) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of DVC projects that tests begin with copies of: DVC is slow."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def begun(tmp_path: Path, made: Path, dvc: Dvc, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a DVC project with nothing in it, and a remote that is a folder."""
    return _copy(_made(made / "begun", _begin, dvc), tmp_path, monkeypatch)


@pytest.fixture
def moving(tmp_path: Path, made: Path, dvc: Dvc, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a DVC project with versions on a branch, at a tag and at the head, pushed."""
    return _copy(_made(made / "moving", _make, dvc), tmp_path, monkeypatch)


def _made(folder: Path, make: Callable[[Path, Dvc], None], dvc: Dvc) -> Path:
    if not folder.exists():
        first = _first(folder)
        (first / "project").mkdir(parents=True)
        make(first / "project", dvc)
        first.rename(folder)
    return folder


def _first(folder: Path) -> Path:
    """Return where a project is made: commits name its remote, which none may find."""
    return folder.with_suffix(".first")


def _copy(folder: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True)
    root = target / "project"
    settings = root / ".dvc/config"
    settings.write_text(settings.read_text().replace(str(_first(folder)), str(target)))
    git(root, "commit", "--quiet", "--all", "--amend", "--no-edit")
    monkeypatch.chdir(root)
    return root


def _begin(root: Path, dvc: Dvc) -> None:
    git(root, "init", "--quiet")
    dvc(root, "init", "--quiet")
    dvc(root, "remote", "add", "--quiet", "--default", "shelf", str(root.parent / "shelf"))
    commit(root, "Begin")


def _make(root: Path, dvc: Dvc) -> None:
    _begin(root, dvc)
    images = root / "data/images/sub dir"
    images.mkdir(parents=True)
    (root / "data/raw.csv").write_text("1\n2\n")
    (root / "data/grün (1).txt").write_text("ü")
    (root / "data/tool.sh").write_text("#!/bin/sh\n")
    (root / "data/tool.sh").chmod(0o755)
    for name in ("one", "two", "three"):
        (images / f"{name}.png").write_text(name)
    dvc(root, "add", "data/raw.csv", "data/grün (1).txt", "data/tool.sh", "data/images")
    commit(root, "One")
    git(root, "tag", "v1")
    git(root, "checkout", "--quiet", "-b", "side")
    (root / "data/raw.csv").write_text("7\n")
    dvc(root, "add", "data/raw.csv")
    commit(root, "Aside")
    git(root, "checkout", "--quiet", "main")
    dvc(root, "checkout", "--quiet")
    (root / "data/raw.csv").write_text("1\n2\n3\n")
    (images / "one.png").unlink()
    (images / "four.png").write_text("four")
    dvc(root, "add", "data/raw.csv", "data/images")
    git(root, "rm", "--quiet", "data/grün (1).txt.dvc")
    commit(root, "Two")
    dvc(root, "push", "--quiet", "--all-commits")


def test_a_project_moves_in_one_command_and_old_commits_stay_readable(
    moving: Path, mlo_here: Mlo
) -> None:
    inode = os.stat(moving / "data/raw.csv").st_ino
    plan = mlo_here("import-dvc", "--dry-run", "--json").json
    assert git(moving, "status", "--short") == ""
    assert not (moving / ".mlo").exists()
    done = mlo_here("import-dvc", "--json").json
    assert done["missing"] == []
    assert plan["pointers"] == done["pointers"]
    assert plan["versions"] == done["versions"] == 7
    assert done["pointers"] == ["data/images", "data/raw.csv", "data/tool.sh"]
    assert not list(moving.glob("data/*.dvc"))
    assert os.stat(moving / "data/raw.csv").st_ino == inode
    commit(moving, "Move to mlo")
    assert git(moving, "status", "--short") == ""
    assert mlo_here("status", "--exit-code").code == 0
    shutil.rmtree(moving / ".dvc/cache")

    assert mlo_here("cat", "data/raw.csv@side").stdout == "7\n"
    assert mlo_here("cat", "data/grün (1).txt@v1").stdout == "ü"
    assert mlo_here("cat", "data/images/sub dir/one.png@v1").stdout == "one"
    subjects = [one["subject"] for one in mlo_here("log", "data/raw.csv", "--json").json]
    assert subjects == ["Two", "One"]
    removed, first = mlo_here("log", "data/grün (1).txt", "--json").json
    assert (removed["oid"], first["subject"]) == (None, "One")
    shown = mlo_here("diff", "v1", "HEAD").stdout
    assert "- data/images/sub dir/one.png" in shown
    assert "~ data/raw.csv" in shown
    mlo_here("checkout", "--rev", "v1")
    assert (moving / "data/raw.csv").read_text() == "1\n2\n"
    assert (moving / "data/images/sub dir/one.png").read_text() == "one"
    mlo_here("checkout")
    assert (moving / "data/raw.csv").read_text() == "1\n2\n3\n"
    assert mlo_here("fsck").code == 0


def test_an_old_commit_that_is_checked_out_by_git_has_its_data(moving: Path, mlo_here: Mlo) -> None:
    mlo_here("import-dvc")
    commit(moving, "Move to mlo")
    shutil.rmtree(moving / ".dvc/cache")
    git(moving, "checkout", "--quiet", "side")
    mlo_here("checkout")
    assert (moving / "data/raw.csv").read_text() == "7\n"
    assert (moving / "data/images/sub dir/one.png").read_text() == "one"
    assert git(moving, "status", "--short") == ""
    git(moving, "checkout", "--quiet", "main")
    mlo_here("checkout")
    assert (moving / "data/raw.csv").read_text() == "1\n2\n3\n"


def test_the_remote_gives_what_the_cache_and_the_work_tree_do_not(
    moving: Path, mlo_here: Mlo
) -> None:
    shutil.rmtree(moving / ".dvc/cache")
    shutil.rmtree(moving / "data/images")
    (moving / "data/tool.sh").unlink()
    done = mlo_here("import-dvc", "--json").json
    assert done["missing"] == []
    mlo_here("checkout")
    assert (moving / "data/images/sub dir/four.png").read_text() == "four"
    assert os.access(moving / "data/tool.sh", os.X_OK)
    assert mlo_here("status", "--exit-code").code == 0


def test_versions_that_are_nowhere_are_listed_and_the_rest_is_kept(
    moving: Path, mlo_here: Mlo
) -> None:
    shelf = moving.parent / "shelf"
    shutil.rmtree(moving / ".dvc/cache")
    shelf.rename(shelf.with_name("away"))
    done = mlo_here("import-dvc", code=1)
    assert "4 versions missing:" in done.stdout
    assert "data/raw.csv@" in done.stdout
    assert mlo_here("status", "--exit-code").code == 0
    assert "not versioned at 'side'" in mlo_here("cat", "data/raw.csv@side", code=2).stderr
    commit(moving, "Move to mlo")
    git(moving, "checkout", "--quiet", "side")
    told = ["versions that DVC kept and mlo does not have: mlo import-dvc", "data/grün (1).txt"]
    said = mlo_here("status").stdout.splitlines()
    assert [line.strip() for line in said[:4]] == [*told, "data/images", "data/raw.csv"]
    git(moving, "checkout", "--quiet", "main")
    assert mlo_here("status", "--json").json["lost"] == []
    shelf.with_name("away").rename(shelf)
    assert mlo_here("import-dvc", "--json").json["missing"] == []
    assert mlo_here("cat", "data/raw.csv@side").stdout == "7\n"


def test_what_is_damaged_in_the_cache_is_taken_from_the_remote(moving: Path, mlo_here: Mlo) -> None:
    digest = hashlib.md5(b"7\n").hexdigest()
    kept = moving / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    kept.chmod(0o644)
    kept.write_text("8\n")
    assert mlo_here("import-dvc", "--json").json["missing"] == []
    assert mlo_here("cat", "data/raw.csv@side").stdout == "7\n"
    remote = moving.parent / "shelf/files/md5" / digest[:2] / digest[2:]
    remote.chmod(0o644)
    remote.write_text("8\n")
    (moving / "mlo.history").unlink()
    done = mlo_here("import-dvc", code=1)
    assert "is damaged: its MD5 is" in done.stdout


def test_an_edit_that_dvc_does_not_know_stays_where_it_is(moving: Path, mlo_here: Mlo) -> None:
    (moving / "data/raw.csv").unlink()
    (moving / "data/raw.csv").write_text("mine\n")
    mlo_here("import-dvc")
    assert (moving / "data/raw.csv").read_text() == "mine\n"
    assert "changed  data/raw.csv" in mlo_here("status").stdout


def test_links_into_the_cache_become_files(moving: Path, dvc: Dvc, mlo_here: Mlo) -> None:
    dvc(moving, "config", "cache.type", "symlink")
    dvc(moving, "checkout", "--relink", "--quiet")
    assert (moving / "data/raw.csv").is_symlink()
    mlo_here("import-dvc")
    shutil.rmtree(moving / ".dvc")
    assert not (moving / "data/raw.csv").is_symlink()
    assert (moving / "data/raw.csv").read_text() == "1\n2\n3\n"
    assert (moving / "data/images/sub dir/four.png").read_text() == "four"
    assert mlo_here("status", "--exit-code").code == 0


def test_stages_become_steps_that_are_up_to_date(begun: Path, dvc: Dvc, mlo_here: Mlo) -> None:
    (begun / "data").mkdir()
    (begun / "data/raw.csv").write_text("1\n2\n")
    (begun / "double.py").write_text(SCRIPT)
    (begun / "params.yaml").write_text("seed: 7\nscale: 2\n")
    (begun / "dvc.yaml").write_text(PIPELINE)
    dvc(begun, "add", "data/raw.csv")
    dvc(begun, "repro", "--quiet")
    first = commit(begun, "Run")
    done = mlo_here("import-dvc", "--json").json
    assert done["steps"] == ["double", "each"]
    assert done["rerun"] == {}
    assert done["notes"] == []
    assert done["untrack"] == []
    assert not (begun / "dvc.yaml").exists()
    assert done["pointers"] == ["data/raw.csv"]
    commit(begun, "Move to mlo")
    assert "metrics.json" in git(begun, "ls-files")
    assert mlo_here("run").stdout == "nothing is stale\n"
    assert mlo_here("cat", f"out/double.csv@{first[:10]}").stdout == "2\n4\n"
    (begun / "params.yaml").write_text("seed: 7\nscale: 3\n")
    assert "parameter scale: 2 -> 3" in mlo_here("status").stdout
    mlo_here("run")
    assert json.loads((begun / "metrics.json").read_text()) == {"sum": 9}
    assert mlo_here("import-dvc", "--json").json["missing"] == []


def test_what_dvc_2_kept_is_found_by_the_md5_of_its_lines(
    begun: Path, dvc: Dvc, mlo_here: Mlo
) -> None:
    text = b"a\r\nb\r\n" * 10
    folder = json.dumps([{"md5": hashlib.md5(b"x\n").hexdigest(), "relpath": "in.txt"}]).encode()
    cache = begun / ".dvc/cache"
    lines = hashlib.md5(text.replace(b"\r\n", b"\n")).hexdigest()
    listed = hashlib.md5(folder).hexdigest()
    for digits, data in (
        (lines, text),
        (listed + ".dir", folder),
        (hashlib.md5(b"x\n").hexdigest(), b"x\r\n"),
    ):
        (cache / digits[:2]).mkdir(parents=True, exist_ok=True)
        (cache / digits[:2] / digits[2:]).write_bytes(data)
    (begun / "old.csv.dvc").write_text(
        f"outs:\n- md5: {lines}\n  size: {len(text)}\n  path: old.csv\n"
    )
    (begun / "set.dvc").write_text(f"outs:\n- md5: {listed}.dir\n  path: set\n")
    (begun / ".gitignore").write_text("/old.csv\n/set\n")
    commit(begun, "Old")
    dvc(begun, "checkout", "--quiet")
    assert (begun / "old.csv").read_bytes() == text
    mlo_here("import-dvc")
    assert "md5-dos2unix:" + lines in (begun / "mlo.history").read_text()
    commit(begun, "Move")
    assert mlo_here("status", "--exit-code").code == 0
    assert open_repository(begun).objects.size(
        mlo_here("log", "old.csv", "--json").json[0]["oid"]
    ) == len(text)


def test_the_versions_travel_by_push_and_fetch_and_gc_keeps_them(
    moving: Path, tmp_path: Path, mlo_here: Mlo
) -> None:
    mlo_here("import-dvc", "--remotes")
    commit(moving, "Move to mlo")
    assert "shelf/mlo" in (moving / ".mlops.yaml").read_text()
    mlo_here("gc", code=None)
    mlo_here("push")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(moving), str(clone))
    git(clone, "fetch", "--quiet", "origin", "side:side")
    mlo_here("fetch", "--all", cwd=clone)
    assert mlo_here("cat", "data/raw.csv@side", cwd=clone).stdout == "7\n"


def test_a_path_of_a_dvc_project_is_imported_without_moving_it(
    moving: Path, dvc: Dvc, tmp_path: Path, mlo_here: Mlo, file_server: FileServer
) -> None:
    ours = tmp_path / "ours"
    mlo_here("init", ours)
    mlo_here("import", f"{moving}#data/raw.csv@v1", cwd=ours)
    assert (ours / "raw.csv").read_text() == "1\n2\n"
    mlo_here("import", f"{moving}#data/images", "images", cwd=ours)
    assert (ours / "images/sub dir/four.png").read_text() == "four"
    mlo_here("import", f"{moving}#data/images/sub dir/one.png@v1", cwd=ours)
    assert (ours / "one.png").read_text() == "one"
    shutil.rmtree(moving / ".dvc/cache")
    mlo_here("import", f"{moving}#data/tool.sh", cwd=ours)
    assert os.access(ours / "tool.sh", os.X_OK)
    assert "is not one output" in mlo_here("import", f"{moving}#data", cwd=ours, code=2).stderr
    shutil.copytree(tmp_path / "shelf", file_server.folder)
    (tmp_path / "shelf").rename(tmp_path / "away")
    lost = mlo_here("import", f"{moving}#data/raw.csv@side", "side.csv", cwd=ours, code=3)
    assert "cannot be had" in lost.stderr
    dvc(moving, "remote", "modify", "shelf", "url", file_server.url)
    commit(moving, "Move the remote")
    mlo_here("import", f"{moving}#data/raw.csv", "web.csv", cwd=ours)
    assert (ours / "web.csv").read_text() == "1\n2\n3\n"
    assert {one["state"] for one in mlo_here("import", "--update", "--json", cwd=ours).json} == {
        "unchanged",
        "noted",
    }


def test_a_list_of_files_that_leaves_its_folder_is_refused(
    begun: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    data = b"evil\n"
    digest = hashlib.md5(data).hexdigest()
    folder = json.dumps([{"md5": digest, "relpath": "../../evil"}]).encode()
    listed = hashlib.md5(folder).hexdigest()
    for digits, content in ((digest, data), (listed + ".dir", folder)):
        place = begun / ".dvc/cache/files/md5" / digits[:2]
        place.mkdir(parents=True, exist_ok=True)
        (place / digits[2:]).write_bytes(content)
    (begun / "set.dvc").write_text(f"outs:\n- md5: {listed}.dir\n  hash: md5\n  path: set\n")
    commit(begun, "Evil")
    done = mlo_here("import-dvc", code=1)
    assert "leaves the project" in done.stdout
    assert not list(tmp_path.rglob("evil"))


def test_a_folder_that_is_no_dvc_project_is_told(project: Path, mlo_here: Mlo) -> None:
    assert "is not a DVC project" in mlo_here("import-dvc", code=2).stderr
