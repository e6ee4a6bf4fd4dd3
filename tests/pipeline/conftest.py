"""A project with a small pipeline, and a way to run it in this process."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.pipeline import run as pipeline
from mlops_cli.pipeline.outputs import Saved
from mlops_cli.pipeline.run import Outcome

SETTINGS = """\
params: {seed: 7, train: {depth: 5}}
steps:
  prepare:
    cmd: sort raw.csv > data/train.csv
    deps: [raw.csv]
    outs: [data/train.csv]
  train:
    cmd: mkdir model; (cat data/train.csv; echo depth ${train.depth}) > model/weights
    deps: [data/train.csv]
    params: [train]
    outs: [model]
  evaluate:
    cmd: wc -c < model/weights | sed 's/.*/{"size":&}/' > metrics.json
    deps: [model/weights]
    metrics: [metrics.json]
"""


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.kept: list[Saved] = []
        self.warned: list[str] = []

    def planned(self, count: int) -> None:
        self.count = count

    def begins(self, plan, reasons: Sequence[str]) -> None:
        self.told.append(f"{plan.step.name}: {'; '.join(reasons)}")

    def again(self, plan, error: str, left: int) -> None:
        self.told.append(f"{plan.step.name} again, {left} left: {error}")

    def ended(self, step, error: str | None) -> None:
        self.told.append(f"{step.name} {step.state}")

    def restored(self, step, name: str) -> None:
        self.told.append(f"{step.name} restored from {name}")

    def saved(self, saved: Saved) -> None:
        self.kept.append(saved)

    def warns(self, text: str) -> None:
        self.warned.append(text)


Run = Callable[..., Outcome]


@pytest.fixture
def repo(project: Path) -> Repository:
    (project / ".mlops.yaml").write_text(SETTINGS)
    (project / "raw.csv").write_text("b\na\n")
    return open_repository(project)


@pytest.fixture
def run(repo: Repository) -> Run:
    def call(*names: str, watcher: Recorder | None = None, **options) -> Outcome:
        return pipeline.run(
            open_repository(repo.root),
            names,
            watcher=watcher or Recorder(),
            environ=os.environ,
            **options,
        )

    return call


def states(outcome: Outcome) -> dict[str, str]:
    assert outcome.run is not None
    return {step.name: step.state for step in outcome.run.steps}
