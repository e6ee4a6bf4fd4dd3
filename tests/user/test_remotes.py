"""Remotes as a user types them: two clones, one remote, and what is said when it fails."""

import shutil
import uuid
from pathlib import Path

import pytest

from tests.conftest import Mlo, git
from tests.servers.files import FileServer
from tests.servers.seaweed import BUCKET, S3Server


@pytest.fixture
def with_data(project: Path) -> Path:
    (project / "data").mkdir()
    for number in range(20):
        (project / "data" / f"{number}.txt").write_text(f"number {number}\n")
    return project


def shared(project: Path, mlo: Mlo, url: str, env: dict[str, str]) -> Path:
    """Add, commit and push the data; return a clone of the project."""
    mlo("remote", "add", "origin", url)
    mlo("add", "data")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Data")
    assert "to origin" in mlo("push", env=env).stdout
    clone = project.parent / "clone"
    git(project, "clone", "--quiet", ".", str(clone))
    return clone


def test_a_bucket_carries_data_from_clone_to_clone(
    with_data: Path, mlo: Mlo, s3_server: S3Server
) -> None:
    env = s3_server.environment()
    clone = shared(with_data, mlo, f"s3://{BUCKET}/{uuid.uuid4()}", env)
    assert mlo("push", env=env).stdout == "origin has everything already\n"
    mlo("pull", cwd=clone, env=env)
    assert (clone / "data/7.txt").read_text() == "number 7\n"
    assert mlo("status", cwd=clone).code == 0


def test_what_lies_in_a_folder_is_pulled_from_its_web_server(
    with_data: Path, mlo: Mlo, file_server: FileServer
) -> None:
    clone = shared(with_data, mlo, str(file_server.folder), {})
    mlo("remote", "add", "web", file_server.url, cwd=clone)
    mlo("remote", "remove", "origin", cwd=clone)
    mlo("pull", cwd=clone)
    assert (clone / "data/7.txt").read_text() == "number 7\n"
    assert mlo("push", "web", cwd=clone).stdout == "web has everything already\n"

    (clone / "data/7.txt").write_text("edited\n")
    mlo("add", "data", cwd=clone)
    done = mlo("push", cwd=clone, code=2)
    assert done.stderr.splitlines()[-2:] == [
        f"mlo: the remote '{file_server.url}' is read-only, as all over HTTP are",
        "  try: push to the folder, bucket or host that the web server shows",
    ]


def test_a_server_that_is_not_there_is_an_outside_failure(project: Path, mlo_here: Mlo) -> None:
    mlo_here("remote", "add", "origin", f"s3://{BUCKET}/x")
    done = mlo_here("fetch", env=S3Server("http://127.0.0.1:1").environment(), code=5)
    assert done.stdout == ""
    assert done.stderr == (
        "mlo: cannot reach the remote 's3://team/x' at http://127.0.0.1:1: connection refused\n"
        "  try: see whether the network is up and AWS_ENDPOINT_URL is right\n"
    )


@pytest.mark.parametrize("url", ["s3://key:hush@bucket/x", "https://me:hush@host/x"])
def test_a_url_with_a_password_is_not_kept_and_not_repeated(
    project: Path, mlo_here: Mlo, url: str
) -> None:
    before = (project / ".mlops.yaml").read_bytes()
    done = mlo_here("remote", "add", "origin", url, code=2)
    assert "takes no credentials" in done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert (project / ".mlops.yaml").read_bytes() == before
    (project / ".mlops.yaml").write_text(f"remotes:\n  origin: {url}\n")
    for command in ("push", "fetch", "doctor"):
        done = mlo_here(command, code=None)
        assert done.code != 0
        assert "hush" not in done.stdout + done.stderr


def test_a_path_where_the_remote_belongs_is_told_so(project: Path, mlo_here: Mlo) -> None:
    mlo_here("remote", "add", "origin", "../store")
    (project / "rows").mkdir()
    (project / "rows/1.csv").write_text("a\n1\n")
    mlo_here("add", "rows")
    for path in ("rows", "rows/1.csv"):
        hint = f"name the remote before the path, as in mlo pull origin {path}"
        assert mlo_here("pull", path, code=2).stderr.endswith(f"  try: {hint}\n")
    assert mlo_here("pull", "team", code=2).stderr.endswith("  try: mlo remote add team URL\n")


def test_content_that_a_remote_lacks_is_named_by_its_path(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    (project / "rows.csv").write_text("a\n1\n")
    mlo_here("add", "rows.csv")
    mlo_here("remote", "add", "origin", str(tmp_path / "store"))
    shutil.rmtree(project / ".mlo")
    said = (
        "mlo: the content of 'rows.csv' is neither here nor on 'origin', which holds nothing yet\n"
    )
    for words in (["pull"], ["pull", "origin", "rows.csv"], ["fetch"]):
        assert mlo_here(*words, code=3).stderr.startswith(said)


def test_fsck_of_a_remote_names_what_is_damaged_and_who_needs_it(
    with_data: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shared(with_data, mlo_here, str(store), {})
    done = mlo_here("fsck", "origin")
    assert done.stdout.startswith("all there: 21 objects in 1 pack, ")
    assert done.stderr == "to read every byte of it: mlo fsck origin --deep\n"
    assert mlo_here("fsck", "origin", "--deep").stdout.startswith("whole: 21 objects in 1 pack, ")
    (pack,) = (store / "packs").iterdir()
    raw = bytearray(pack.read_bytes())
    raw[20] ^= 1
    pack.write_bytes(raw)
    mlo_here("fsck", "origin")
    done = mlo_here("fsck", "origin", "--deep", code=4)
    first, second, *needed = done.stdout.splitlines()
    assert first == f"packs/{pack.name}"
    assert "  its bytes hash to " in second
    assert needed[0] == "      needed by data"
    assert "mlo: the remote 'origin' is damaged: 1 problem\n" in done.stderr
    found = mlo_here("fsck", "origin", "--deep", "--json", code=4).json
    assert (found["deep"], len(found["problems"])) == (True, 1)
    pack.unlink()
    assert "is not there" in mlo_here("fsck", "origin", code=4).stdout
    assert "for a remote" in mlo_here("fsck", "--deep", code=2).stderr
    mlo_here("remote", "add", "far", "http://127.0.0.1:9")
    mlo_here("fsck", "far", code=5)
