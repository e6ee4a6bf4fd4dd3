"""A team at one remote, by SSH and encrypted: to and fro, at once, killed, damaged."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.remotes import keys
from tests.conftest import Mlo, git, noise
from tests.remotes.conftest import bytes_in, grow
from tests.servers.sshd import Sshd

WORDS = "name,diagnosis\nAda Byron,nothing that a remote should know\n"


@dataclass(frozen=True, slots=True)
class Team:
    """Two clones of a project, and the folder in which their remote is in the end."""

    mine: Path
    theirs: Path
    store: Path


@pytest.fixture(params=["ssh", "encrypted", "encrypted by ssh"])
def team(
    request: pytest.FixtureRequest,
    project: Path,
    tmp_path: Path,
    own_home: Path,
    mlo_here: Mlo,
    monkeypatch: pytest.MonkeyPatch,
) -> Team:
    store = tmp_path / "store"
    url = str(store)
    if "ssh" in request.param:
        server: Sshd = request.getfixturevalue("ssh_server")
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
        url = f"ssh://ada-host{store}" if os.geteuid() else f"root@ada-host:{store}"
    encrypt = ["--encrypt"] if "encrypted" in request.param else []
    mlo_here("remote", "add", "origin", url, *encrypt)
    (project / "data").mkdir()
    (project / "data" / "people.csv").write_text(WORDS * 500)
    (project / "data" / "noise.bin").write_bytes(noise(500_000))
    mlo_here("add", "data/people.csv", "data/noise.bin")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Data")
    git(tmp_path, "clone", "--quiet", str(project), "theirs")
    return Team(project, tmp_path / "theirs", store)


def test_what_one_pushes_the_other_pulls(team: Team, mlo_here: Mlo) -> None:
    mlo_here("push", cwd=team.mine)
    assert "has everything" in mlo_here("push", cwd=team.mine).stdout
    mlo_here("pull", cwd=team.theirs)
    for name in ("data/people.csv", "data/noise.bin"):
        assert (team.theirs / name).read_bytes() == (team.mine / name).read_bytes()
    assert "ok    remote origin" in mlo_here("doctor", cwd=team.theirs, code=None).stdout


@pytest.mark.parametrize("team", ["encrypted", "encrypted by ssh"], indirect=True)
def test_nothing_there_can_be_read_without_the_key(team: Team, mlo_here: Mlo) -> None:
    mlo_here("push", cwd=team.mine)
    packs = [path.stem for path in (team.mine / ".mlo" / "packs").iterdir()]
    assert packs
    held = [path for path in team.store.rglob("*") if path.is_file()]
    assert any("packs" in str(path) for path in held)
    for path in held:
        assert b"Byron" not in path.read_bytes()
        assert not any(pack.encode() in path.read_bytes() + bytes(path) for pack in packs)


def test_of_two_who_push_at_once_one_is_told_to_pull(team: Team, mlo: Mlo, mlo_here: Mlo) -> None:
    mlo_here("push", cwd=team.mine)
    mlo_here("fetch", cwd=team.theirs)
    for clone in (team.mine, team.theirs):
        grow(open_repository(clone), "models/churn", clone.name)
    line = [Path(sys.executable).parent / "mlo", "push"]
    both = [
        subprocess.Popen(line, cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for clone in (team.mine, team.theirs)
    ]
    said = [process.communicate()[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 3], said
    assert "try: mlo pull origin" in said[codes.index(3)]
    winner = (team.mine, team.theirs)[codes.index(0)]
    assert "has everything" in mlo("push", cwd=winner).stdout


def test_a_push_that_was_killed_is_taken_up_again(team: Team, mlo_here: Mlo) -> None:
    (team.mine / "data" / "noise.bin").write_bytes(noise(20_000_000, 2))
    mlo_here("add", "data/noise.bin", cwd=team.mine)
    git(team.mine, "commit", "--quiet", "--all", "--message", "More")
    line = [Path(sys.executable).parent / "mlo", "push"]
    process = subprocess.Popen(
        line, cwd=team.mine, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        if bytes_in(team.store) >= 4_000_000:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    git(team.theirs, "pull", "--quiet")
    fetched = mlo_here("fetch", cwd=team.theirs, code=None)
    assert fetched.code in (0, 3)
    assert "Traceback" not in fetched.stderr
    mlo_here("push", cwd=team.mine)
    mlo_here("pull", cwd=team.theirs)
    assert (team.theirs / "data" / "noise.bin").read_bytes() == noise(20_000_000, 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("damage", [flip, cut], ids=["flipped", "cut"])
@pytest.mark.parametrize("which", ["state", "pack"])
def test_damage_there_is_found_and_nothing_is_written(
    team: Team, mlo_here: Mlo, damage: "type[flip]", which: str
) -> None:
    mlo_here("push", cwd=team.mine)
    packs = sorted((team.store / "packs").iterdir(), key=lambda path: path.stat().st_size)
    damage(team.store / "state" if which == "state" else packs[-1])
    said = mlo_here("pull", cwd=team.theirs, code=4).stderr
    assert said.count("\n") <= 2
    assert not (team.theirs / "data" / "noise.bin").exists()
    assert not list((team.theirs / ".mlo" / "packs").glob("*.pack"))


def test_packs_that_change_places_are_found(team: Team, mlo_here: Mlo) -> None:
    mlo_here("push", cwd=team.mine)
    (team.mine / "more.bin").write_bytes(noise(500_000, 3))
    mlo_here("add", "more.bin", cwd=team.mine)
    mlo_here("push", cwd=team.mine)
    one, two = sorted((team.store / "packs").iterdir())
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    mlo_here("pull", cwd=team.theirs, code=4)
    assert not (team.theirs / "data" / "noise.bin").exists()


@pytest.mark.parametrize("team", ["encrypted", "encrypted by ssh"], indirect=True)
def test_who_has_another_key_or_none_is_told_so(team: Team, mlo_here: Mlo, own_home: Path) -> None:
    mlo_here("push", cwd=team.mine)
    (key,) = (own_home / ".config" / "mlo" / "keys").iterdir()
    right = key.read_bytes()
    key.unlink()
    said = mlo_here("pull", cwd=team.theirs, code=2).stderr
    assert "the key of the remote is not at" in said
    keys.make(key, "origin")
    for command in ("pull", "push", "fetch"):
        said = mlo_here(command, cwd=team.theirs, code=2).stderr
        assert "the key is not the one that the remote" in said
    key.write_bytes(right)
    mlo_here("pull", cwd=team.theirs)


def test_a_remote_cannot_be_added_with_a_key_in_two_places(project: Path, mlo_here: Mlo) -> None:
    both = ("--key-file", "../key", "--key-env", "KEY")
    assert "not in both" in mlo_here("remote", "add", "origin", "../s", *both, code=2).stderr
    mlo_here("remote", "add", "origin", "../s", "--key-env", "NO_SUCH_KEY", code=2)
    assert mlo_here("remote", "list", "--json").json == {}


def test_adding_an_encrypted_remote_says_what_to_keep(
    project: Path, mlo_here: Mlo, own_home: Path
) -> None:
    done = mlo_here("remote", "add", "origin", "../s", "--encrypt")
    assert done.stdout == f"origin  {project.parent / 's'}, encrypted\n"
    assert "keep a copy" in done.stderr
    (key,) = (own_home / ".config" / "mlo" / "keys").iterdir()
    secret = key.read_text().split()[-1]
    assert secret not in done.stdout + done.stderr
    assert secret not in (project / ".mlops.yaml").read_text()
    listed = mlo_here("remote", "list").stdout
    assert "~/.config/mlo/keys/project-origin" in listed
    again = mlo_here("remote", "add", "origin", "../other", "--encrypt", code=2)
    assert "there is a remote 'origin' already: ../s" in again.stderr
