"""Environments of other tools, each of its own under the cache folder, made once."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.storage.system import cache_folder


def environment(name: str, *packages: str) -> Path | None:
    """Return the folder of an environment with these packages; None if it cannot be made.

    The first of them is pinned, and gives the environment's name.
    """
    folder = cache_folder() / packages[0].replace("==", "-")
    whole = folder / "whole"
    if whole.exists():
        return folder
    print(f"installing {name} ...", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", *packages]
    done = subprocess.run(pip, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        shutil.rmtree(folder)
        return None
    whole.touch()
    return folder


def pinned(package: str) -> str:
    """Return the version that a requirement pins.

    >>> pinned("dvc==3.67.1")
    '3.67.1'
    """
    return package.partition("==")[2]
