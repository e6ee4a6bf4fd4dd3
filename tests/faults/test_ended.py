"""Who is asked to end, or killed, leaves nothing that the next command does not take away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Mlo, git

MLO = str(Path(sys.executable).parent / "mlo")
FILES = 4_200  # so many that two processes write them


@pytest.fixture
def full(project: Path, mlo: Mlo) -> Path:
    """Return a project with many small files and a large one, added, and a remote with a key."""
    data = project / "data"
    for folder in range(30):
        (data / str(folder)).mkdir(parents=True)
        for number in range(FILES // 30):
            (data / str(folder) / str(number)).write_bytes(os.urandom(8_000))
    mlo("add", "data")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Data")
    return project


def left(project: Path) -> list[str]:
    return [name for name in os.listdir(project / ".mlo/tmp") if not name.endswith(".lock")]


def end(project: Path, number: int, arguments: list[str], when: Callable[[], object]) -> int:
    """Run a command, send it a signal as soon as `when` says so, and return how it ended.

    Nobody measures coverage there: coverage.py waits for ever for its own lock when a signal's
    handler raises while it holds that.
    """
    process = subprocess.Popen(
        [MLO, *arguments],
        cwd=project,
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        stderr=subprocess.DEVNULL,
        # a shell has what it starts behind its back ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not when():
        if process.poll() is not None:
            pytest.fail("it ended before anybody asked it to")
        time.sleep(0.0005)
    process.send_signal(number)
    return process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_who_is_asked_to_end_cleans_up(full: Path, mlo: Mlo, number: signal.Signals) -> None:
    subprocess.run(["rm", "-r", "data"], cwd=full, check=True)
    code = end(full, number, ["checkout"], lambda: left(full))
    assert code == 128 + number
    assert left(full) == []
    assert not (full / "data").exists()
    mlo("checkout")
    assert mlo("status").stdout.startswith("all is as it should be")


def test_add_and_push_clean_up_too(full: Path, mlo: Mlo, tmp_path: Path) -> None:
    mlo("remote", "add", "origin", str(tmp_path / "remote"), "--encrypt")
    code = end(full, signal.SIGTERM, ["push"], lambda: [n for n in left(full) if "seal" in n])
    assert code == 143
    assert left(full) == []
    (full / "big").write_bytes(os.urandom(150_000_000))
    code = end(full, signal.SIGTERM, ["add", "big"], lambda: [n for n in left(full) if "pack" in n])
    assert code == 143
    assert left(full) == []
    assert not (full / "big.mlo").exists()
    mlo("fsck")


def test_what_the_killed_leave_goes_with_the_next_command(full: Path, mlo: Mlo) -> None:
    subprocess.run(["rm", "-r", "data"], cwd=full, check=True)
    assert end(full, signal.SIGKILL, ["checkout"], lambda: left(full)) == -9
    assert left(full) != []
    mlo("checkout")
    assert left(full) == []


def test_nohup_is_honoured(project: Path) -> None:
    script = "import signal; from mlops_cli.cli.signals import take_signals; take_signals(); "
    script += "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    done = subprocess.run(["nohup", sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "True\n"
