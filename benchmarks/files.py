"""Versioning 50,000 files of 4 KiB in 500 folders."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import MLO, Row, medians

FOLDERS, FILES, BYTES = 500, 100, 4096
TIMES = 3
_HASH = """
import os, sys
from blake3 import blake3
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            blake3(file.read()).hexdigest()
"""


def rows(folder: Path) -> list[Row]:
    """Measure `add` and a `status` that finds nothing changed, and the memory of both."""
    project = folder / "many"
    _fill(project / "data")
    subprocess.run([MLO, "init"], cwd=project, check=True, capture_output=True)
    archive = str(folder / "data.tar")
    hashing = _hash_command()
    add = medians(
        {
            "hash": hashing,
            "tar": ["tar", "cf", archive, "data"],
            "add": [MLO, "add", "data"],
        },
        times=TIMES,
        cwd=project,
        before=lambda: _forget(project),
    )
    subprocess.run([MLO, "add", "data"], cwd=project, check=True, capture_output=True)
    status = medians(
        {
            "find": ["find", "data", "-printf", "%s %T@\n"],
            "status": [MLO, "status"],
        },
        times=2 * TIMES,
        cwd=project,
    )
    floor = 4 * add["hash"].seconds + 2 * add["tar"].seconds
    return [
        Row(
            "mlo add, 50,000 files of 4 KiB",
            add["add"].seconds,
            f"4 x {Path(hashing[0]).name if hashing[0] != 'sh' else 'b3sum'} + 2 x tar",
            floor,
            1.0,
        ),
        Row(
            "mlo status of them, unchanged",
            status["status"].seconds,
            "find -printf '%s %T@'",
            status["find"].seconds,
            4.0,
        ),
        Row("memory of that add", add["add"].peak_mib, "200 MiB", 200.0, 1.0, "MiB"),
        Row("memory of that status", status["status"].peak_mib, "200 MiB", 200.0, 1.0, "MiB"),
    ]


def _fill(data: Path) -> None:
    for number in range(FOLDERS):
        folder = data / f"{number:03}"
        folder.mkdir(parents=True)
        for file in range(FILES):
            (folder / f"{file:03}.bin").write_bytes(os.urandom(BYTES))


def _hash_command() -> list[str]:
    """Return b3sum over all files, or the same in Python where there is no b3sum."""
    if shutil.which("b3sum"):
        return ["sh", "-c", "find data -type f -print0 | xargs -0 b3sum"]
    return [sys.executable, "-c", _HASH, "data"]


def _forget(project: Path) -> None:
    """Make the store as it was before the first add."""
    for name in ("packs", "stat"):
        path = project / ".mlo" / name
        if path.is_dir():
            shutil.rmtree(path)
            path.mkdir()
        else:
            path.unlink(missing_ok=True)
    (project / "data.mlo").unlink(missing_ok=True)
