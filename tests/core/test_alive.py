"""What dead processes left goes at once, and what living ones are at never does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_cli.core import alive
from mlops_cli.core.repository import Repository, create, open_repository

OLD_NS = 1_000_000_000


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path / "project")


@contextmanager
def another(repo: Repository) -> Iterator[subprocess.Popen[str]]:
    """Run a process that opens the repository and leaves a folder in `tmp`, until it is told."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from mlops_cli.core.repository import open_repository\n"
        f"repo = open_repository(Path({str(repo.root)!r}))\n"
        "room = repo.layout.tmp / f'.mlo-restore-{os.getpid()}-ab'\n"
        "room.mkdir(); (room / 'file').touch()\n"
        f"os.utime(room, ns=({OLD_NS}, {OLD_NS}))\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def left(repo: Repository) -> list[str]:
    return [name for name in os.listdir(repo.layout.tmp) if not name.endswith(".lock")]


def test_what_a_killed_process_left_goes_at_once_and_not_before(repo: Repository) -> None:
    with another(repo) as process:
        alive.sweep(repo.layout.tmp)
        assert left(repo) == [f".mlo-restore-{process.pid}-ab"]
        process.send_signal(signal.SIGKILL)
        process.wait()
        alive.sweep(repo.layout.tmp)
        assert left(repo) == []
        assert os.listdir(repo.layout.mlo / "alive") in ([], [str(os.getpid())])


def test_a_process_that_ends_by_itself_leaves_nothing(repo: Repository) -> None:
    with another(repo) as process:
        process.communicate("")
        assert str(process.pid) not in os.listdir(repo.layout.mlo / "alive")
        assert left(repo) == []


def test_nobody_knows_who_left_a_file_so_it_stays_for_a_day(repo: Repository) -> None:
    young, old, lock = (repo.layout.tmp / name for name in ("tmpab", "tmpcd", "tidy.lock"))
    for path in (young, old, lock):
        path.touch()
    for path in (old, lock):
        os.utime(path, ns=(OLD_NS, OLD_NS))
    with another(repo) as process:
        alive.sweep(repo.layout.tmp)
        assert old.exists()
        process.kill()
        process.wait()
        alive.sweep(repo.layout.tmp)
    assert sorted(os.listdir(repo.layout.tmp)) == ["tidy.lock", "tmpab"]


def test_what_this_process_is_at_stays(repo: Repository) -> None:
    mine = repo.layout.tmp / f"pack-{os.getpid()}-ab"
    mine.touch()
    os.utime(mine, ns=(OLD_NS, OLD_NS))
    alive.sweep(repo.layout.tmp)
    assert mine.exists()


def test_a_forked_process_is_alive_by_itself(repo: Repository) -> None:
    open_repository(repo.root)
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        (repo.layout.tmp / f"pack-{os.getpid()}-ab").touch()
        os.write(told, b"x")
        signal.pause()
    os.read(ready, 1)
    alive.sweep(repo.layout.tmp)
    assert left(repo) == [f"pack-{child}-ab"]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    alive.sweep(repo.layout.tmp)
    assert left(repo) == []
    os.close(ready)
    os.close(told)


def test_what_a_killed_fork_left_goes_when_who_forked_it_ends(repo: Repository) -> None:
    code = (
        "import os, signal; from pathlib import Path\n"
        "from mlops_cli.core.repository import open_repository\n"
        f"repo = open_repository(Path({str(repo.root)!r}))\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    (repo.layout.tmp / f'pack-{os.getpid()}-ab').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.waitpid(child, 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert left(repo) == []
    assert os.listdir(repo.layout.mlo / "alive") in ([], [str(os.getpid())])


def test_a_process_of_the_same_number_buries_the_one_before(repo: Repository) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from mlops_cli.core import alive\n"
        f"tmp = Path({str(repo.layout.tmp)!r})\n"
        "(tmp.with_name('alive') / str(os.getpid())).touch()\n"
        "(tmp / f'pack-{os.getpid()}-ab').touch()\n"
        "alive.announce(tmp)\n"
        "print(os.listdir(tmp))\n"
    )
    (repo.layout.mlo / "alive").mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pack-" not in done.stdout


def test_what_another_machine_may_be_at_stays_for_a_day(repo: Repository) -> None:
    folder = repo.layout.mlo / "alive"
    (folder / "4711").write_text("another machine, or before a restart")
    young, old = repo.layout.tmp / "pack-4711-ab", repo.layout.tmp / "pack-4711-cd"
    for path in (young, old):
        path.touch()
    os.utime(old, ns=(OLD_NS, OLD_NS))
    alive.sweep(repo.layout.tmp)
    assert left(repo) == [young.name]
    os.utime(young, ns=(OLD_NS, OLD_NS))
    alive.sweep(repo.layout.tmp)
    assert left(repo) == []
    assert not (folder / "4711").exists()


def test_a_store_that_cannot_be_written_to_is_no_error() -> None:
    alive.announce(Path("/proc/tmp"))
    alive.sweep(Path("/proc/tmp"))
