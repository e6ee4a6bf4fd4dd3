import subprocess
from pathlib import Path

from mlops_cli.runs.code_files import Changed, changed, without
from tests.conftest import git


def patch(root: Path) -> str:
    git(root, "add", "--all")
    command = ["git", "diff", "--cached", "--binary"]
    return subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout


def test_each_file_of_a_patch_is_told_with_its_lines(project: Path) -> None:
    for name in ("plain", "gone", "old name", "größe", "bin", "--- a"):
        (project / name).write_bytes(b"\0\xff" if name == "bin" else b"one\ntwo\nthree\nfour\n")
    (project / "gone").write_text("something\nelse\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "One")
    (project / "plain").write_text("one\n--- two\n+++ b/x\nthree\nfour\n")
    (project / "gone").unlink()
    (project / "old name").rename(project / "new name")
    (project / "größe").write_text("one\n")
    (project / "bin").write_bytes(b"\0\xfe")
    (project / "--- a").write_text("")
    (project / "mlo.lock").write_text("{}\n")
    found = changed(without(patch(project), "mlo.lock"))
    assert {one.path: str(one) for one in found} == {
        "--- a": "+0 -4",
        "bin": "differs",
        "gone": "+0 -2",
        "größe": "+0 -3",
        "new name": "+0 -0",
        "plain": "+2 -1",
    }


def test_nothing_differs_in_an_empty_patch() -> None:
    assert changed("") == ()
    assert without("", "x") == ""
    assert str(Changed("a", 1, 2)) == "+1 -2"
