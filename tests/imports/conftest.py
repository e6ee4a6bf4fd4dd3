"""The real DVC, in an environment of its own, and projects that people made with it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DVC = "dvc==3.67.1"
"""Pinned, and installed apart: it brings a hundred packages that mlo's tests must not see."""

_INSTALL_S = 600
Dvc = Callable[..., str]


@pytest.fixture(scope="session")
def dvc_program(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of `dvc`; the environment stays in pytest's cache for the next time."""
    cache = pytestconfig.cache
    room = tmp_path_factory.mktemp("dvc") if cache is None else cache.mkdir("dvc")
    folder = room / DVC.replace("==", "-")
    program = folder / "bin/dvc"
    if not (folder / "whole").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", DVC]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=_INSTALL_S)
        if done.returncode:
            why = f"{DVC} cannot be installed: {done.stderr[-300:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
        (folder / "whole").touch()
    return program


@pytest.fixture
def dvc(dvc_program: Path, own_home: Path) -> Dvc:
    """Run DVC in a folder, and return what it prints."""

    def call(root: Path, *arguments: str) -> str:
        done = subprocess.run(
            [dvc_program, *arguments],
            cwd=root,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call
