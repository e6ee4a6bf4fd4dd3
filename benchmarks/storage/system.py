"""Programs of the operating system: found, or installed by apt-get where that is possible."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def have(program: str, package: str) -> bool:
    """Return whether the program is there, after trying to install its package if it is not."""
    if not shutil.which(program) and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", "--quiet", "--quiet", *command],
                check=False,
                capture_output=True,
                env=environment,
            )
    return shutil.which(program) is not None


def first_line(*command: str) -> str:
    """Return the first line that a command prints."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[0].strip()


def cache_folder() -> Path:
    """Return the folder that keeps what was installed, outside of any repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mlo-benchmarks"
