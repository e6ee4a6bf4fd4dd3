"""One writer at a time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli.core.lock import hold
from mlops_cli.errors import Locked

HOLDER = """
import sys
from pathlib import Path
from mlops_cli.core.lock import hold
with hold(Path(sys.argv[1]), purpose="mlo add data"):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_waits_in_vain_is_told_who_holds_it(tmp_path: Path) -> None:
    holder = start_holder(tmp_path / "lock")
    told: list[str] = []
    try:
        with (
            pytest.raises(Locked, match=f"`mlo add data` \\(process {holder.pid}\\)"),
            hold(tmp_path / "lock", purpose="other", wait_s=0.1, on_wait=told.append),
        ):
            raise AssertionError("two hold one lock")
    finally:
        holder.communicate("")
    assert told == [f"`mlo add data` (process {holder.pid})"]


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    holder = start_holder(tmp_path / "lock")
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with hold(tmp_path / "lock", purpose="next", wait_s=0):
        pass
