"""Imported data is versioned, remembers its source, and is never taken for what it is not."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import Mlo, git
from tests.servers.files import FileServer
from tests.servers.seaweed import BUCKET, S3Server

RAW = "a,b\n1,x\n"


@pytest.fixture
def served(file_server: FileServer) -> FileServer:
    """Serve `raw.csv`."""
    file_server.folder.mkdir()
    (file_server.folder / "raw.csv").write_text(RAW)
    return file_server


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder outside the project, with files of any name."""
    folder = tmp_path / "out side"
    (folder / "deep").mkdir(parents=True)
    (folder / "raw.csv").write_text(RAW)
    (folder / "deep/grün 1").write_text("ü")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def commit(root: Path, message: str = "More") -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD").strip()


def states(mlo: Mlo, *arguments: str, code: int | None = 0) -> dict[str, str]:
    done = mlo("import", "--update", *arguments, "--json", code=code)
    return {one["path"]: one["state"] for one in done.json}


def test_a_file_of_a_web_server_is_updated_when_the_server_says_so(
    project: Path, served: FileServer, mlo_here: Mlo
) -> None:
    mlo_here("import", f"{served.url}/raw.csv", "data/")
    assert (project / "data/raw.csv").read_text() == RAW
    assert f'url: "{served.url}/raw.csv"' in (project / "data/raw.csv.mlo").read_text()
    assert "/raw.csv" in (project / "data/.gitignore").read_text()
    assert states(mlo_here) == {"data/raw.csv": "unchanged"}
    assert served.asked[-1][3] == 304
    (served.folder / "raw.csv").write_text(RAW * 2)
    done = mlo_here("import", "--check", code=1)
    assert done.stdout.splitlines()[1].startswith("outdated")
    assert (project / "data/raw.csv").read_text() == RAW
    assert states(mlo_here) == {"data/raw.csv": "updated"}
    assert (project / "data/raw.csv").read_text() == RAW * 2
    assert mlo_here("status", "--exit-code", code=None).code == 0


def test_an_edit_that_is_not_kept_is_never_overwritten(
    project: Path, served: FileServer, mlo_here: Mlo
) -> None:
    mlo_here("import", f"{served.url}/raw.csv")
    (project / "raw.csv").write_text("mine\n")
    (served.folder / "raw.csv").write_text(RAW * 2)
    done = mlo_here("import", "--update", code=3)
    assert "raw.csv: 'raw.csv' holds work that is in no store" in done.stderr
    assert (project / "raw.csv").read_text() == "mine\n"
    mlo_here("import", f"{served.url}/raw.csv", code=3)
    assert states(mlo_here, "--force") == {"raw.csv": "updated"}
    assert (project / "raw.csv").read_text() == RAW * 2


def test_what_is_edited_and_added_is_no_import_any_more(
    project: Path, served: FileServer, mlo_here: Mlo
) -> None:
    mlo_here("import", f"{served.url}/raw.csv")
    assert "no longer" not in mlo_here("add", "raw.csv").stderr
    (project / "raw.csv").write_text("mine\n")
    assert "raw.csv is no longer what came from" in mlo_here("add", "raw.csv").stderr
    assert "source" not in (project / "raw.csv.mlo").read_text()
    assert states(mlo_here) == {}


def test_a_checksum_is_demanded_and_remembered(
    project: Path, served: FileServer, mlo_here: Mlo
) -> None:
    url = f"{served.url}/raw.csv"
    wrong = mlo_here("import", url, "--sha256", "0" * 64, code=4)
    assert "not " + "0" * 64 + " as demanded" in wrong.stderr
    assert not (project / "raw.csv").exists()
    assert not (project / "raw.csv.mlo").exists()
    good = sha256(RAW.encode()).hexdigest()
    mlo_here("import", url, "--sha256", good)
    (served.folder / "raw.csv").write_text("other\n")
    mlo_here("import", "--update", code=4)
    assert (project / "raw.csv").read_text() == RAW


def test_a_source_that_fails_hinders_no_other(
    project: Path, served: FileServer, outside: Path, mlo_here: Mlo
) -> None:
    mlo_here("import", f"{served.url}/raw.csv")
    mlo_here("import", str(outside), "folder")
    (served.folder / "raw.csv").unlink()
    (outside / "raw.csv").write_text("new\n")
    assert states(mlo_here, code=5) == {"folder": "updated", "raw.csv": "failed"}
    assert (project / "folder/raw.csv").read_text() == "new\n"


def test_credentials_are_refused_and_signatures_not_kept(
    project: Path, served: FileServer, mlo_here: Mlo
) -> None:
    done = mlo_here("import", "https://ada:hush@example.org/raw.csv", code=2)
    assert "hush" not in done.stderr
    (served.folder / "raw.csv?v=2&X-Amz-Signature=hush").write_text(RAW)
    done = mlo_here("import", f"{served.url}/raw.csv?v=2&X-Amz-Signature=hush", "raw.csv")
    assert "hush" not in done.stdout + done.stderr + (project / "raw.csv.mlo").read_text()
    assert (project / "raw.csv").read_text() == RAW
    again = mlo_here("import", "--update", code=2)
    assert "was a signed URL, which is not kept" in again.stderr


def test_a_folder_of_this_machine_comes_with_all_that_is_in_it(
    project: Path, outside: Path, mlo_here: Mlo
) -> None:
    mlo_here("import", f"../{outside.name}", "folder")
    assert (project / "folder/deep/grün 1").read_text() == "ü"
    assert os.access(project / "folder/run.sh", os.X_OK)
    assert f'url: "../{outside.name}"' in (project / "folder.mlo").read_text()
    assert states(mlo_here) == {"folder": "unchanged"}
    mlo_here("import", str(outside / "run.sh"))
    assert os.access(project / "run.sh", os.X_OK)


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        (["ftp://example.org/x"], 2, "'ftp://' cannot be imported"),
        (["nothing/there"], 2, "there is nothing at 'nothing/there'"),
        ([".mlops.yaml", "x"], 2, "is in this project already"),
        (["../out side/raw.csv", "--rev", "v1"], 2, "--rev is for a path of a project"),
        (["../out side/raw.csv", "../x"], 2, "outside the project"),
        (["../out side", "--sha256", "0" * 64], 2, "is a folder, which has no checksum"),
        (["../out side/raw.csv", "--sha256", "abc"], 2, "64 hex digits are needed"),
        (["../out side#raw.csv"], 3, "not in a git repository"),
        ([], 2, "one URL"),
        (["--update", "raw.csv"], 2, "'raw.csv' was not imported"),
        (["http:///raw.csv"], 2, "names no host"),
    ],
)
def test_a_bad_request_is_told_in_a_line_and_changes_nothing(
    project: Path, outside: Path, mlo_here: Mlo, typed: list[str], code: int, says: str
) -> None:
    done = mlo_here("import", *typed, code=code)
    assert says in done.stderr
    assert done.stderr.startswith("mlo: ")
    assert len(done.stderr.splitlines()) <= 2
    assert git(project, "status", "--short") == ""


@pytest.fixture
def other(tmp_path: Path, mlo_here: Mlo) -> Path:
    """Return another mlo project: a file, a folder and a script, at v1 and changed since."""
    root = tmp_path / "other"
    mlo_here("init", root)
    (root / "images/deep").mkdir(parents=True)
    (root / "raw.csv").write_text(RAW)
    (root / "images/one").write_text("1" * 100_000)
    (root / "images/deep/two").write_text("2")
    (root / "fit.py").write_text("print()\n")
    mlo_here("add", "raw.csv", "images", cwd=root)
    commit(root)
    git(root, "tag", "v1")
    (root / "raw.csv").write_text(RAW * 2)
    mlo_here("add", "raw.csv", cwd=root)
    commit(root)
    return root


def test_a_whole_project_is_no_folder_of_data(project: Path, other: Path, mlo_here: Mlo) -> None:
    done = mlo_here("import", "../other", "data", code=2)
    assert "'../other' is a project, of which a path is imported" in done.stderr
    assert "mlo import '../other#PATH@REV'" in done.stderr
    assert not (project / "data").exists()


def test_a_path_of_another_project_at_a_revision(project: Path, other: Path, mlo_here: Mlo) -> None:
    mlo_here("import", "../other#raw.csv@v1")
    assert (project / "raw.csv").read_text() == RAW
    mlo_here("import", "../other#images/deep", "deep")
    assert (project / "deep/two").read_text() == "2"
    mlo_here("import", "../other#fit.py", "--rev", "v1")
    assert (project / "fit.py").read_text() == "print()\n"
    assert 'revision: "v1"' in (project / "raw.csv.mlo").read_text()
    assert set(states(mlo_here).values()) == {"unchanged"}
    assert states(mlo_here, "raw.csv", "--rev", "main") == {"raw.csv": "updated"}
    assert (project / "raw.csv").read_text() == RAW * 2
    commit(other, "Something else")
    assert set(states(mlo_here).values()) == {"noted", "unchanged"}


def test_a_project_of_which_only_a_clone_is_here_gives_what_its_remote_has(
    project: Path, other: Path, tmp_path: Path, mlo_here: Mlo
) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "store", cwd=other)
    commit(other)
    mlo_here("push", cwd=other)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(other), str(clone))
    mlo_here("import", f"{clone}#images", "here")
    assert (project / "here/one").read_text() == "1" * 100_000
    assert not (clone / ".mlo").exists()
    mlo_here("import", f"file://{clone}#images/deep/two")
    assert (project / "two").read_text() == "2"


def test_a_project_without_the_content_is_told_where_it_was_looked_for(
    project: Path, other: Path, tmp_path: Path, mlo_here: Mlo
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(other), str(clone))
    done = mlo_here("import", f"{clone}#raw.csv", code=3)
    assert "does not have the content: not in its store, and no remote is named" in done.stderr
    done = mlo_here("import", f"{clone}#nothing", code=2)
    assert "has no 'nothing' at" in done.stderr
    done = mlo_here("import", f"{clone}#raw.csv@v9", code=2)
    assert "has no revision 'v9'" in done.stderr


def test_a_project_that_git_has_to_clone(
    project: Path, other: Path, tmp_path: Path, mlo_here: Mlo
) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "store", cwd=other)
    commit(other)
    git(other, "tag", "--force", "v1")
    mlo_here("push", cwd=other)
    port = _free_port()
    daemon = subprocess.Popen(
        [
            *("git", "daemon", f"--base-path={tmp_path}", "--export-all", "--listen=127.0.0.1"),
            *("--reuseaddr", f"--port={port}", str(tmp_path)),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        url = f"git://127.0.0.1:{port}/other"
        mlo_here("import", f"{url}#images@v1", "here")
        assert (project / "here/deep/two").read_text() == "2"
        assert states(mlo_here) == {"here": "unchanged"}
        assert "cannot clone" in mlo_here("import", f"{url}x#raw.csv", code=5).stderr
    finally:
        daemon.terminate()
        daemon.wait()
    assert not list((project / ".mlo/tmp").glob("clone-*"))


def test_a_bucket_gives_objects_and_folders(
    project: Path, s3_server: S3Server, mlo_here: Mlo, tmp_path: Path
) -> None:
    from mlops_cli.remotes.s3 import S3Transport

    environment = s3_server.environment()
    bucket = S3Transport(f"s3://{BUCKET}/imports", environment)
    (tmp_path / "big").write_bytes(os.urandom(9_000_000))
    bucket.write_new("big.bin", tmp_path / "big")
    bucket.write_new("set/a.txt", b"a")
    bucket.write_new("set/deep/b.txt", b"b")
    url = f"s3://{BUCKET}/imports"
    mlo_here("import", f"{url}/big.bin", env=environment)
    assert (project / "big.bin").read_bytes() == (tmp_path / "big").read_bytes()
    mlo_here("import", f"{url}/set/", "set", env=environment)
    assert (project / "set/deep/b.txt").read_text() == "b"
    done = mlo_here("import", "--check", "--json", env=environment)
    assert {one["state"] for one in done.json} == {"unchanged"}
    bucket.write_new("set/c.txt", b"c")
    mlo_here("import", "--check", env=environment, code=1)
    mlo_here("import", "--update", env=environment)
    assert (project / "set/c.txt").read_text() == "c"
    done = mlo_here("import", f"{url}/none", env=environment, code=2)
    assert "there is nothing at" in done.stderr


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    import socket
    import time

    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
