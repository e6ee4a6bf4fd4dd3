"""The real DVC and MLflow, each in an environment of its own."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DVC = "dvc==3.67.1"
"""Pinned, and installed apart: it brings a hundred packages that mlo's tests must not see."""

MLFLOW = [
    "mlflow-skinny==3.17.2",
    *("sqlalchemy", "alembic", "flask", "flask-cors", "pandas", "aiohttp", "huey"),
]
"""MLflow without what trains models, and what its database and its server need: 350 MB, not 700."""

_INSTALL_S = 600
Dvc = Callable[..., str]


@pytest.fixture(scope="session")
def dvc_program(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of `dvc`; the environment stays in pytest's cache for the next time."""
    return _environment("dvc", [DVC], pytestconfig, tmp_path_factory) / "bin/dvc"


@pytest.fixture(scope="session")
def mlflow_python(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python that has MLflow; the environment stays in pytest's cache."""
    return _environment("mlflow", MLFLOW, pytestconfig, tmp_path_factory) / "bin/python"


def _environment(
    name: str, packages: list[str], config: pytest.Config, temporary: pytest.TempPathFactory
) -> Path:
    """Return an environment with packages, of which the first is pinned; made once."""
    room = temporary.mktemp(name) if config.cache is None else config.cache.mkdir(name)
    folder = room / packages[0].replace("==", "-")
    with (room / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _make(folder, packages)
    return folder


def _make(folder: Path, packages: list[str]) -> None:
    """Make an environment; two workers of pytest never make the same one at once."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)
    python = str(folder / "bin/python")
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    done = _installed(uv, packages)
    if done.returncode:
        done = _installed(pip, packages)
    if done.returncode:
        why = f"{packages[0]} cannot be installed: {done.stderr[-300:]}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    (folder / "whole").touch()


def _installed(installer: list[str], packages: list[str]) -> subprocess.CompletedProcess[str]:
    """Install packages by uv, in seconds, or by pip, which may know indexes that uv does not."""
    argv = [*installer, *packages]
    return subprocess.run(argv, capture_output=True, text=True, timeout=_INSTALL_S)


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
