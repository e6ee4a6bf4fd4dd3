"""In a project that was DVC's, what was not brought along is named, and old versions count."""

from pathlib import Path

import pytest

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import dvc_history, fsck
from mlops_cli.data.dvc_files import Digest
from mlops_cli.data.dvc_history import Kept
from tests.conftest import Mlo, git

HEX, OTHER = "0cc175b9c0f1b6a831c399e269772661", "92eb5ffee6ae2fec3ad71c777531578f"


def dvc_file(name: str, digest: str) -> str:
    return f"outs:\n- md5: {digest}\n  hash: md5\n  path: {name}\n"


@pytest.fixture
def moved(project: Path) -> Repository:
    """Return a project in whose first commits DVC kept two files; the move brought one along."""
    (project / ".dvc").mkdir()
    (project / ".dvc/config").touch()
    (project / "here.dvc").write_text(dvc_file("here", HEX))
    (project / "lost.dvc").write_text(dvc_file("lost", OTHER))
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "DVC")
    repo = open_repository(project)
    oid = repo.objects.put(b"kept before\n")
    git(project, "rm", "--quiet", "-r", "here.dvc", "lost.dvc", ".dvc")
    dvc_history.write(repo, {Digest("md5", HEX): Kept(oid, "file", 12, 1)})
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Move")
    return repo


def test_checkout_names_what_was_not_brought_along(moved: Repository, mlo_here: Mlo) -> None:
    assert "DVC" not in mlo_here("checkout").stderr
    git(moved.root, "checkout", "--quiet", "HEAD~1")
    for arguments in ([], ["--rev", "HEAD"]):
        done = mlo_here("checkout", *arguments)
        assert (moved.root / "here").read_text() == "kept before\n"
        assert "mlo does not have them:\n  lost\nbring them, " in done.stderr
        assert "mlo import-dvc\n" in done.stderr
    done = mlo_here("checkout", "lost", code=3)
    assert "the version of 'lost' that DVC kept was not brought along" in done.stderr


def test_what_git_keeps_of_the_outputs_of_a_lock_is_left_to_git(moved: Repository) -> None:
    lock = "schema: '2.0'\nstages:\n  fit:\n    outs:\n" + "".join(
        f"    - path: {path}\n      md5: {HEX}\n      hash: md5\n"
        for path in ("m.json", "plots", "model.bin")
    )
    (moved.root / "plots").mkdir()
    for name in ("m.json", "plots/p.csv"):
        (moved.root / name).write_text("git has it")
    (moved.root / "dvc.lock").write_text(lock)
    (moved.root / ".gitignore").write_text("/model.bin\n")
    git(moved.root, "add", "--all")
    git(moved.root, "commit", "--quiet", "--message", "Back in DVC")
    for rev in (None, "HEAD"):
        assert list(dvc_history.formers(moved, rev)) == ["model.bin"]


def test_fsck_names_versions_that_dvc_kept(moved: Repository) -> None:
    commit = git(moved.root, "rev-parse", "HEAD~1")[:10]
    (pack,) = moved.layout.packs.iterdir()
    raw = bytearray(pack.read_bytes())
    raw[18] ^= 1
    pack.write_bytes(raw)
    (problem,) = fsck.check(moved).problems
    assert problem.needed_by == (f"here@{commit}",)
    git(moved.root, "checkout", "--quiet", "HEAD~1")
    (problem,) = fsck.check(moved).problems
    assert problem.needed_by == ("here", f"here@{commit}")


def test_fsck_says_which_versions_of_dvc_are_not_here(moved: Repository) -> None:
    gone = {Digest("md5", HEX): Kept(ObjectId("0" * 64), "file", 12, 1)}
    dvc_history.write(moved, gone)
    (moved.root / "here.dvc").write_text(dvc_file("here", HEX))
    assert fsck.check(moved).absent == ("here",)


def test_a_table_that_cannot_be_read_is_a_problem_of_its_own(moved: Repository) -> None:
    (moved.root / "mlo.history").write_text("mlo history 1\nwrong\n")
    (problem,) = fsck.check(moved).problems
    assert problem.where == "mlo.history"
    assert "mlo.history:2: is not a version" in problem.what
