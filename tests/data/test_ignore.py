"""git ignores exactly what is versioned, and nobody's own lines are touched."""

import os
import subprocess
from pathlib import Path

import pytest

from mlops_cli.data.ignore import are_ignored, ignore, ignore_all, with_lines
from mlops_cli.errors import IntegrityError


@pytest.mark.parametrize(
    "name",
    [
        b"raw.csv",
        b"with space ",
        b" leading",
        b"star*[x]?.csv",
        b"back\\slash",
        b"!not",
        b"#hash",
        "ümlaut.csv".encode(),
        b"new\nline",
        b"return\r",
        b"not-utf8-\xff",
        b"-dash",
        b"tab\t",
    ],
)
def test_git_ignores_the_name_and_only_that(tmp_path: Path, name: bytes) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "data/deeper").mkdir(parents=True)
    for folder in (b"data/", b"data/deeper/"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + folder + name)).write_bytes(b"x")
    (tmp_path / "data/other").write_bytes(b"x")
    assert ignore(tmp_path, "data/" + os.fsdecode(name))
    listed = subprocess.run(
        ["git", "-C", tmp_path, "ls-files", "-z", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout.split(b"\0")
    assert set(listed) == {b"data/.gitignore", b"data/other", b"data/deeper/" + name, b""}


def test_it_is_known_whether_all_are_ignored(tmp_path: Path) -> None:
    assert are_ignored(tmp_path, [])
    assert not are_ignored(tmp_path, ["a"])
    ignore_all(tmp_path, ["a", "b/c"])
    assert are_ignored(tmp_path, ["a", "b/c"])
    assert not are_ignored(tmp_path, ["a", "b/d"])


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    assert ignore(tmp_path, "a")
    before = (tmp_path / ".gitignore").read_bytes()
    assert not ignore(tmp_path, "a")
    assert (tmp_path / ".gitignore").read_bytes() == before


def test_the_order_of_adding_does_not_show() -> None:
    one = with_lines(with_lines(b"", [b"/a"]), [b"/b"])
    assert one == with_lines(with_lines(b"", [b"/b"]), [b"/a"])
    assert one == with_lines(b"", [b"/b", b"/a", b"/b"])


def test_what_the_user_wrote_stays_where_it_is() -> None:
    mine = b"*.pyc\r\n# mine\n\n!keep"
    first = with_lines(mine, [b"/a"])
    assert first.startswith(mine + b"\n")
    after = with_lines(first + b"later\n", [b"/b"])
    assert after.startswith(mine)
    assert after.endswith(b"later\n")
    assert b"/a\n/b\n" in after


def test_a_line_that_the_user_has_is_enough() -> None:
    assert with_lines(b"/a\n", [b"/a"]) == b"/a\n"


def test_many_paths_change_each_file_once(tmp_path: Path) -> None:
    changed = ignore_all(tmp_path, ["a", "data/b", "data/c"])
    assert changed == [tmp_path / ".gitignore", tmp_path / "data/.gitignore"]
    assert ignore_all(tmp_path, ["data/c", "data/d"]) == [tmp_path / "data/.gitignore"]
    assert b"\n/b\n/c\n/d\n" in (tmp_path / "data/.gitignore").read_bytes()


def test_a_path_out_of_the_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        ignore(tmp_path, "../a")
