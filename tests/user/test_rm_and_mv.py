"""Removing and moving versioned data as users type it."""

from pathlib import Path

import pytest

from tests.conftest import Mlo, versioned


@pytest.fixture
def data(project: Path) -> Path:
    versioned(project, {"data/raw.csv": b"hello\n", "data/more": {"a": b"a"}})
    return project


def test_rm_says_what_it_did_and_what_is_left(data: Path, mlo_here: Mlo) -> None:
    (data / ".mlops.yaml").write_text("steps: {show: {cmd: cat data/raw.csv}}\n")
    done = mlo_here("rm", "data/raw.csv")
    assert done.stdout == "data/raw.csv: removed\n"
    assert done.stderr == "'data/raw.csv' is still named in .mlops.yaml:1\nnext: git commit\n"
    assert "not versioned" in mlo_here("rm", "data/raw.csv", code=2).stderr


def test_flags_of_rm(data: Path, mlo_here: Mlo) -> None:
    (data / "data/raw.csv").write_text("edited")
    assert "try: keep them: mlo add data/raw.csv" in mlo_here("rm", "data/raw.csv", code=3).stderr
    assert "try: mlo rm -r data\n" in mlo_here("rm", "data", code=2).stderr
    found = mlo_here("rm", "--cached", "data/raw.csv", "--json").json
    assert found["kept"]
    assert [one["path"] for one in found["removed"]] == ["data/raw.csv"]
    assert (data / "data/raw.csv").read_text() == "edited"
    (data / "data/more/a").write_text("edited")
    mlo_here("rm", "-r", "--force", "data")
    assert sorted(path.name for path in (data / "data").iterdir()) == ["raw.csv"]


def test_mv_says_what_it_did_and_what_is_left(data: Path, mlo_here: Mlo) -> None:
    done = mlo_here("mv", "data/raw.csv", "raw.csv")
    assert (done.stdout, done.stderr) == ("data/raw.csv -> raw.csv\n", "next: git commit\n")
    assert mlo_here("mv", "data/more", "more", "--json").json == {
        "moved": [{"path": "data/more", "to": "more", "mentions": []}],
        "unstaged": [],
    }
    assert mlo_here("status").stdout == "all is as it should be: 2 versioned paths\n"
    mlo_here("mv", "nothing", "more", code=2)
