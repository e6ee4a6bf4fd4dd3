"""A disk that is full, or that may only be read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = r"""
import json, os, subprocess, sys
from pathlib import Path

disk, megabytes, scenario = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk], check=True)
os.chdir(disk)
steps = []

def mlo(*arguments):
    done = subprocess.run([Path(sys.executable).parent / "mlo", *arguments],
                          capture_output=True, text=True)
    steps.append([done.returncode, done.stdout, done.stderr])

def read_only():
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

exec(scenario)
print(json.dumps(steps))
"""


def on_a_disk(folder: Path, megabytes: int, scenario: str) -> list[Any]:
    """Run steps on a small disk of their own, which nobody else sees; return how each ended."""
    folder.mkdir()
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], check=False).returncode:
        if os.environ.get("CI"):
            pytest.fail("this machine cannot mount a small disk for a test: unshare is refused")
        pytest.skip("nobody may mount here")
    done = subprocess.run(
        [*own, sys.executable, "-c", SCRIPT, str(folder), str(megabytes), scenario],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps: list[Any] = json.loads(done.stdout)
    return steps


def test_a_full_disk_loses_nothing_and_gc_makes_room(tmp_path: Path) -> None:
    steps = on_a_disk(
        tmp_path / "disk", 12,
        """
mlo("init")
Path("data").write_bytes(os.urandom(3_000_000))
mlo("add", "data")
first = Path("data").read_bytes()
Path("data").write_bytes(os.urandom(3_000_000))
mlo("add", "data")
Path("fill").write_bytes(os.urandom(1_500_000))
Path("data").write_bytes(os.urandom(3_000_000))
mlo("add", "data")
mlo("fsck")
mlo("gc", "--older-than", "0d")
mlo("add", "data")
mlo("fsck")
""",
    )  # fmt: skip
    assert [step[0] for step in steps] == [0, 0, 0, 5, 0, 0, 0, 0]
    assert "no space left on device" in steps[3][2]
    assert steps[3][2].count("\n") == 1
    assert steps[5][1].startswith("dropped")
    assert steps[7][1].startswith("whole")


def test_from_a_store_that_may_only_be_read_all_can_be_read(tmp_path: Path) -> None:
    steps = on_a_disk(
        tmp_path / "disk", 20,
        """
mlo("init")
Path("data").write_text("content")
mlo("add", "data")
Path("garbage").write_text("garbage")
mlo("add", "garbage")
Path("garbage.mlo").unlink()
mlo("run", "--", "true")
Path("new").write_text("new")
read_only()
for command in (["status"], ["cat", "data"], ["fsck"], ["gc", "--dry-run"], ["log", "data"]):
    mlo(*command)
for command in (["add", "new"], ["gc", "--older-than", "0d"], ["fsck", "--repair"]):
    mlo(*command)
""",
    )  # fmt: skip
    assert [step[0] for step in steps[:4]] == [0, 0, 0, 0]
    reading, writing = steps[4:9], steps[9:]
    assert [step[0] for step in reading] == [0, 0, 0, 0, 0], reading
    assert reading[1][1] == "content"
    assert [step[0] for step in writing] == [5, 5, 0], writing
    for _, _, said in writing[:2]:
        assert "read-only file system" in said
        assert said.count("\n") == 1
