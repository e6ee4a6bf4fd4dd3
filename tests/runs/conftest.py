"""A project, and runs recorded in it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.runs.begin import begin
from mlops_cli.runs.finish import finish
from mlops_cli.runs.record import Run

Made = Callable[..., Run]


@pytest.fixture
def repo(project: Path) -> Repository:
    return open_repository(project)


@pytest.fixture
def made(repo: Repository) -> Made:
    """Record a run with these parameters and metrics."""

    def call(
        command: str = "train",
        *,
        params: dict | None = None,
        metrics: dict | None = None,
        status: str = "done",
        name: str | None = None,
    ) -> Run:
        run = begin(repo, command, params=params or {}, environ=os.environ, name=name)
        if metrics:
            run.say({"metrics": metrics})
        return finish(repo, run, status=status, exit_code=0 if status == "done" else 1)  # type: ignore[arg-type]

    return call
