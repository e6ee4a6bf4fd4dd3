"""The tools that log, each timed from inside by a script that its own Python runs."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.environments import environment, pinned
from benchmarks.measure import MLO
from benchmarks.measure import environment as surroundings

SCRIPTS = Path(__file__).with_name("scripts")
MLFLOW = (
    "mlflow-skinny==3.17.2",
    *("sqlalchemy", "alembic", "flask", "flask-cors", "pandas", "aiohttp", "huey"),
)
"""MLflow, with what its database needs."""


@dataclass(frozen=True, slots=True)
class Logger:
    """A tool, what it is installed from (nothing for `mlo`), and how its script is called."""

    name: str
    packages: tuple[str, ...]
    script: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path | None:
        """The Python that has it, installed first if need be; None where that cannot be done."""
        if not self.packages:
            return Path(sys.executable)
        folder = environment(self.name, *self.packages)
        return None if folder is None else folder / "bin" / "python"

    @property
    def version(self) -> str | None:
        """The version that is measured."""
        if not self.packages:
            return version("mlo")
        return pinned(self.packages[0]) if self.python else None

    def time(self, folder: Path, *arguments: object) -> dict[str, Any]:
        """Run the script in a folder, made anew, and return what it prints.

        Raises:
            RuntimeError: it failed.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if not self.packages:
            begin(folder)
        return run(self, self.script, folder, *self.arguments, *arguments)


_FILES = {"MLFLOW_ALLOW_FILE_STORE": "true"}
MLFLOW_FILES = Logger("MLflow, files", MLFLOW, "mlflow_script.py", ("file:./mlruns",), _FILES)
MLFLOW_SQLITE = Logger("MLflow, SQLite", MLFLOW, "mlflow_script.py", ("sqlite:///mlflow.db",))
OURS = Logger("mlo", (), "mlo_script.py")
LOGGERS = (
    OURS,
    MLFLOW_SQLITE,
    MLFLOW_FILES,
    Logger("DVCLive", ("dvclive==3.49.1",), "dvclive_script.py"),
    Logger("wandb, offline", ("wandb==0.31.0",), "wandb_script.py"),
    Logger("aim", ("aim==3.29.1",), "aim_script.py"),
)


def begin(folder: Path) -> None:
    """Make a project of `mlo` with a commit."""
    for command in (
        [MLO, "init"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", "Begin"],
    ):
        subprocess.run(
            command, cwd=folder, env=_environment(folder), check=True, capture_output=True
        )


def run(tool: Logger, script: str, folder: Path, *arguments: object) -> dict[str, Any]:
    """Run one of the scripts by a tool's Python in a folder, and return what it prints.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        [str(tool.python), str(SCRIPTS / script), *map(str, arguments)],
        cwd=folder,
        env={**_environment(folder), **tool.variables},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed: {done.stderr[-2000:]}")
    held: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return held


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment without the user's settings, and without what asks the network."""
    who = {"name": "Benchmark", "email": "b@example.com"}
    named = {
        f"GIT_{role}_{what.upper()}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in who.items()
    }
    return surroundings(
        {
            **named,
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "DVC_NO_ANALYTICS": "1",
            "WANDB_MODE": "offline",
            "WANDB_SILENT": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }
    )
