"""Versions of data as a user types them: stdout, stderr, exit codes, and kills half way."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Mlo, git

RAW = "a,b\n1,x\n2,y\n"
OID = "cfa0d30875783cec8502a2900134f1e79e803d323aff2d27670ee9a4444a4129"


@pytest.fixture
def raw(project: Path) -> Path:
    """Return a data file of a project that nobody has added yet."""
    (project / "data").mkdir()
    path = project / "data/raw.csv"
    path.write_text(RAW)
    return path


def commit(project: Path, message: str) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", message)


def test_add_says_what_it_kept_and_what_to_type_next(raw: Path, mlo: Mlo) -> None:
    done = mlo("add", "data/raw.csv")
    assert "new  cfa0d30875  12 B  file  data/raw.csv\n" in done.stdout
    assert done.stderr == "next: git add data/.gitignore data/raw.csv.mlo, then git commit\n"
    assert (raw.parent / "raw.csv.mlo").read_text() == (
        f"mlo: 1\nid: {OID}\nkind: file\nsize: 12\nfiles: 1\n"
    )


def test_add_speaks_json(raw: Path, mlo_here: Mlo) -> None:
    (added,) = mlo_here("add", "data/raw.csv", "--json").json
    assert added == {
        "path": "data/raw.csv",
        "oid": OID,
        "kind": "file",
        "size": 12,
        "files": 1,
        "state": "new",
        "pointer": "data/raw.csv.mlo",
        "edited_import": None,
    }


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        (["add", "nothing"], 2, "there is nothing at 'nothing'"),
        (["add", "/etc/passwd"], 2, "outside the project"),
        (["add", ".git"], 2, "reaches into '.git'"),
        (["add"], 2, ""),
        (["cat", "nothing"], 2, "not versioned"),
        (["cat", "data/raw.csv@v9"], 2, "'v9' is not a commit"),
        (["log", "nothing"], 2, "not versioned"),
        (["diff", "nothing"], 2, "not versioned"),
        (["checkout", "nothing"], 2, "not versioned"),
        (["checkout", "--rev", "v9"], 2, "'v9' is not a commit"),
    ],
)
def test_a_bad_request_is_one_line_and_changes_nothing(
    raw: Path, mlo_here: Mlo, typed: list[str], code: int, says: str
) -> None:
    done = mlo_here(*typed, code=code)
    assert done.stdout == ""
    assert done.stderr.startswith("mlo: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert sorted(os.listdir(raw.parent)) == ["raw.csv"]


def test_outside_a_repository_every_command_says_how_to_make_one(
    tmp_path: Path, mlo_here: Mlo
) -> None:
    for typed in (["status"], ["add", "x"], ["checkout"], ["log", "x"], ["fsck"], ["diff"]):
        done = mlo_here(*typed, code=3, cwd=tmp_path)
        assert "not in an mlo repository" in done.stderr
        assert "mlo init" in done.stderr


def test_without_git_the_message_names_it(raw: Path, mlo: Mlo, tmp_path: Path) -> None:
    done = mlo("add", "data/raw.csv", code=5, env={"PATH": str(tmp_path)})
    assert done.stderr.startswith("mlo: git was not found")


def test_status_of_a_clean_and_a_dirty_project(raw: Path, mlo_here: Mlo) -> None:
    mlo_here("add", "data/raw.csv")
    commit(raw.parents[1], "Data")
    done = mlo_here("status", "--exit-code")
    assert done.stdout == "all is as it should be: 1 versioned path\n"
    raw.write_text("edited")
    done = mlo_here("status", "--exit-code", code=1)
    assert "  changed  data/raw.csv\n" in done.stdout
    raw.unlink()
    done = mlo_here("status")
    assert "  missing  data/raw.csv: mlo checkout data/raw.csv\n" in done.stdout
    (change,) = mlo_here("status", "--json").json["data"]
    assert (change["path"], change["state"]) == ("data/raw.csv", "missing")


def test_status_counts_within_a_folder(raw: Path, mlo_here: Mlo) -> None:
    mlo_here("add", "data")
    (raw.parent / "new").touch()
    raw.write_text("edited")
    assert "changed  data: 1 new, 1 changed\n" in mlo_here("status").stdout


def test_status_is_the_same_with_and_without_typer(raw: Path, mlo_here: Mlo) -> None:
    mlo_here("add", "data/raw.csv")
    raw.unlink()
    quick = mlo_here("status", "--json", "--exit-code", code=1)
    slow = mlo_here("status", "--json", "--exit-code", "--exit-code", code=1)
    assert quick == slow
    assert "Usage" not in mlo_here("status", "--nothing", code=2).stderr


def test_status_loads_nothing_that_is_slow(raw: Path, mlo_here: Mlo) -> None:
    mlo_here("add", "data/raw.csv")
    code = "import sys; from mlops_cli.cli.main import run; run(['status']); print(*sys.modules)"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    loaded = set(done.stdout.split())
    slow = {"git", "importlib.metadata", "numpy", "pandas", "rich", "sqlite3", "tempfile", "typer"}
    assert "mlops_cli.data.status" in loaded
    assert not slow & loaded
    assert len([name for name in loaded if name.startswith("mlops_cli.")]) < 60


def test_status_names_steps_that_are_stale(raw: Path, mlo_here: Mlo) -> None:
    (raw.parents[1] / ".mlops.yaml").write_text(
        "steps: {copy: {cmd: cp data/raw.csv out, deps: [data/raw.csv], outs: [out]}}\n"
    )
    done = mlo_here("status", "--exit-code", code=1)
    assert "steps to run: mlo run\n  copy: it has never run\n" in done.stdout


def test_status_names_a_run_that_was_killed(project: Path, mlo_here: Mlo) -> None:
    process = subprocess.Popen(
        ["mlo", "run", "--", "sh", "-c", "echo ready; exec sleep 60"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert "killed" not in mlo_here("status").stdout
    process.kill()
    process.wait()
    process.stdout.close()
    (name,) = mlo_here("status", "--json").json["killed"]
    assert f"runs that were killed: mlo runs list\n  {name}\n" in mlo_here("status").stdout
    assert mlo_here("runs", "list", "--json").json["runs"][0]["status"] == "killed"
    assert "killed" not in mlo_here("status").stdout


def test_status_says_what_remotes_lack(raw: Path, mlo_here: Mlo) -> None:
    (raw.parents[1] / ".mlops.yaml").write_text("remotes: {origin: ../store}\n")
    mlo_here("add", "data/raw.csv")
    assert "origin lacks 1 object, 12 B" in mlo_here("status").stdout
    mlo_here("push")
    assert "origin" not in mlo_here("status").stdout


def test_cat_prints_the_very_bytes(raw: Path, mlo: Mlo) -> None:
    content = bytes(range(256)) * 4000
    raw.write_bytes(content)
    mlo("add", "data/raw.csv")
    raw.unlink()
    done = subprocess.run(["mlo", "cat", "data/raw.csv"], capture_output=True, check=True)
    assert done.stdout == content
    assert done.stderr == b""


def test_the_way_through_versions(raw: Path, mlo_here: Mlo) -> None:
    project = raw.parents[1]
    mlo_here("add", "data/raw.csv")
    commit(project, "First")
    raw.write_text("a,b\n1,x\n3,z\n4,z\n")
    assert (
        "rows 2 -> 3 (2 added, 1 removed, 0 changed)"
        in mlo_here("diff", "--exit-code", code=1).stdout
    )
    mlo_here("add", "data/raw.csv")
    commit(project, "Second")
    assert mlo_here("diff", "--exit-code").stdout == ""
    assert max(map(len, mlo_here("log", "data/raw.csv").stdout.splitlines())) <= 80
    log = mlo_here("log", "data/raw.csv", "--json").json
    assert [one["subject"] for one in log] == ["Second", "First"]
    assert mlo_here("cat", "data/raw.csv@HEAD~1").stdout == RAW
    for typed in (["HEAD~1", "HEAD"], ["HEAD~1"], ["HEAD~1", "data/raw.csv"], ["HEAD~1", "data"]):
        found = mlo_here("diff", *typed, "--json").json
        assert [one["path"] for one in found["changes"]] == ["data/raw.csv"]
    assert mlo_here("diff", "HEAD~1", "--files").stdout.split()[:2] == ["~", "data/raw.csv"]
    done = mlo_here("checkout", "--rev", "HEAD~1", "data/raw.csv")
    assert done.stdout == "data/raw.csv: 1 file written\n"
    assert raw.read_text() == RAW
    assert "mlo checkout" in done.stderr
    assert mlo_here("checkout", "--json").json == [
        {"path": "data/raw.csv", "written": 1, "removed": 0, "rev": None}
    ]
    raw.write_text("precious")
    done = mlo_here("checkout", code=3)
    assert "in no store" in done.stderr
    assert "--force" in done.stderr
    mlo_here("checkout", "--force")
    assert mlo_here("status", "--exit-code").code == 0


def test_a_conflict_in_a_pointer_is_named_with_its_line(raw: Path, mlo_here: Mlo) -> None:
    mlo_here("add", "data/raw.csv")
    pointer = raw.parent / "raw.csv.mlo"
    text = pointer.read_text()
    pointer.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    for typed in (["status"], ["checkout"], ["add", "data/raw.csv"], ["cat", "data/raw.csv"]):
        done = mlo_here(*typed, code=2)
        assert done.stderr.startswith("mlo: data/raw.csv.mlo:1: has a merge-conflict marker")


def test_fsck_of_a_whole_and_a_damaged_store(raw: Path, mlo_here: Mlo) -> None:
    mlo_here("add", "data/raw.csv")
    assert mlo_here("fsck").stdout.startswith("whole: 1 object in 1 pack,")
    (pack,) = (raw.parents[1] / ".mlo/packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[18] ^= 1
    pack.write_bytes(data)
    done = mlo_here("fsck", code=4)
    assert f"  {OID}  its bytes hash to" in done.stdout
    assert "    needed by data/raw.csv\n" in done.stdout
    assert json.loads(mlo_here("fsck", "--json", code=4).stdout)["problems"][0]["oid"] == OID
    raw.unlink()
    assert "damaged" in mlo_here("checkout", code=4).stderr
    assert not raw.exists()


KILLER = """
import os, signal, sys
left = int(sys.argv[1])
def deadly(real):
    def call(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call
for name in ("fsync", "ftruncate", "link", "mkdir", "rename", "replace", "symlink", "unlink",
             "write", "writev"):
    setattr(os, name, deadly(getattr(os, name)))
from mlops_cli.cli.main import run
sys.exit(run(sys.argv[2:]))
"""
"""Kills itself with SIGKILL just before the nth time that it changes something on disk."""


def killed(point: int, *typed: str) -> bool:
    """Run `mlo` until its nth change of the disk; return whether it got as far as that."""
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(point), *typed], capture_output=True, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


def fill(project: Path, text: str) -> None:
    (project / "images/deep").mkdir(parents=True, exist_ok=True)
    (project / "images/small").write_text(text)
    (project / "images/deep/large").write_bytes(text.encode() * 50_000)


def test_add_killed_anywhere_leaves_all_whole_and_can_be_done_again(
    project: Path, mlo_here: Mlo
) -> None:
    point = 0
    fill(project, "version 0")
    while killed(point + 1, "add", "images"):
        point += 1
        mlo_here("fsck")
        mlo_here("status")
        if (project / "images.mlo").exists():
            seen = mlo_here("cat", "images/small").stdout
            assert seen in (f"version {point - 2}", f"version {point - 1}")
        mlo_here("add", "images")
        assert mlo_here("cat", "images/small").stdout == f"version {point - 1}"
        assert mlo_here("status", "--exit-code").code == 0
        assert git(project, "ls-files", "--others", "--exclude-standard").split() == ["images.mlo"]
        fill(project, f"version {point}")
    assert point > 5


def test_checkout_killed_anywhere_loses_nothing_and_can_be_done_again(
    project: Path, mlo_here: Mlo
) -> None:
    for number in (1, 2):
        fill(project, f"version {number}")
        (project / f"images/only{number}").touch()
        mlo_here("add", "images")
        commit(project, f"Version {number}")
        (project / f"images/only{number}").unlink()
    point = 0
    mlo_here("checkout")
    while killed(point + 1, "checkout", "--rev", "HEAD~1"):
        point += 1
        mlo_here("fsck")
        mlo_here("checkout")
        assert mlo_here("status", "--exit-code").code == 0
        assert (project / "images/small").read_text() == "version 2"
        assert sorted(os.listdir(project / "images")) == ["deep", "only2", "small"]
    assert point > 3
