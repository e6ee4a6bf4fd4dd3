"""Which Python to make an environment with: the minor version that was recorded, if it is here."""

import os
import subprocess
import sys
from collections.abc import Mapping
from shutil import which

from mlops_cli.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Python:
    """A Python that was found: its program and its version."""

    program: str
    version: str

    @property
    def minor(self) -> str:
        """Major and minor version, such as `3.12`."""
        return minor(self.version)


def find(version: str | None, environ: Mapping[str, str]) -> Python:
    """Return a Python of a minor version, or the one that is here where there is none."""
    own = getattr(sys, "_base_executable", None) or sys.executable
    here = Python(own, ".".join(map(str, sys.version_info[:3])))
    if version is None or minor(version) == here.minor:
        return here
    path = environ.get("PATH", os.defpath)
    candidates = [which(f"python{minor(version)}", path=path), _of_uv(minor(version), path)]
    for program in candidates:
        found = None if program is None else _asked(program)
        if found is not None and found.minor == minor(version):
            return found
    return here


def minor(version: str) -> str:
    """Return major and minor of a version.

    >>> minor("3.11.7")
    '3.11'
    """
    return ".".join(version.split(".")[:2])


def _of_uv(wanted: str, path: str) -> str | None:
    uv = which("uv", path=path)
    if uv is None:
        return None
    said = _said([uv, "python", "find", "--no-project", wanted])
    return said or None


def _asked(program: str) -> Python | None:
    """Return a Python as it tells of itself; a shim for one that is not installed fails."""
    said = _said(
        [
            program,
            "-I",
            "-c",
            "import sys; print(sys.executable, sys.version.split()[0], sep='\\n')",
        ]
    )
    lines = said.splitlines()
    return Python(lines[0], lines[1]) if len(lines) == 2 else None


def _said(words: list[str]) -> str:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.strip()
