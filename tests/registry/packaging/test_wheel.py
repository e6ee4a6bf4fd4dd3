"""The wheel that is made from what is installed is one that pip installs."""

import subprocess
import sys
from pathlib import Path

from mlops_cli import __version__
from mlops_cli.registry.packaging import wheel


def test_pip_installs_it_without_an_index(tmp_path: Path) -> None:
    (tmp_path / wheel.name()).write_bytes(wheel.build())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    line = [*pip, "--no-compile", "--target", tmp_path / "site", tmp_path / wheel.name()]
    subprocess.run(line, check=True, capture_output=True)
    assert (tmp_path / "site/bin/mlo").is_file()
    assert (tmp_path / "site/mlops_cli/templates/docker/Dockerfile").is_file()
    assert not list((tmp_path / "site").rglob("__pycache__"))
    code = "import mlops_cli.cli.main as m, sys; print(m.__file__); sys.exit(m.run(['--version']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd="/",
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{tmp_path}/site/mlops_cli/cli/main.py\nmlo {__version__}\n"
