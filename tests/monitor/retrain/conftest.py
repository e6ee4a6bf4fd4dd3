"""A project whose model goes by the first column, until the second one is what counts."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data.begin import begin
from mlops_cli.data.feedback import Feedback, Label
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.monitor.retrain.ground import Using
from mlops_cli.monitor.retrain.record import Told
from mlops_cli.monitor.retrain.retrain import retrain
from mlops_cli.registry import models
from mlops_cli.registry.models import Model
from mlops_cli.registry.promote import promote
from mlops_cli.registry.register import register
from tests.conftest import GIT_CONFIG, git

TRAIN = """\
set -e
test ! -e broken
awk -F, 'NR > 1 {a += (($1 > 0) == $3); b += (($2 > 0) == $3)} END {exit !(a >= b)}' train.csv \\
    && cp by_a.skops model.skops || cp by_b.skops model.skops
"""
"""Fitting, without the seconds that a library takes to load: it picks the better of two."""
SETTINGS = """\
steps:
  train: {{cmd: sh train.sh, deps: [train.sh, train.csv], outs: [model.skops]}}
models: {{m: {{path: model.skops, target: y, data: train.csv{model}}}}}
monitor: {{retrain: {{m: {{into: train.csv, min_rows: 200, cooldown: 0{more}}}}}}}
"""


def rows(count: int, seed: int, by: str = "a") -> pd.DataFrame:
    """Return rows whose truth goes by the sign of one column."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(count, 2)), columns=["a", "b"])
    return frame.assign(y=(frame[by] > 0).astype(int))


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with v1 in production."""
    folder = tmp_path_factory.mktemp("loop")
    (folder / "gitconfig").write_text(GIT_CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
        root = folder / "project"
        begin(root)
        _write_models(root)
        (root / "train.sh").write_text(TRAIN)
        (root / ".mlops.yaml").write_text(SETTINGS.format(model="", more=""))
        rows(600, 0).to_csv(root / "train.csv", index=False)
        repo = open_repository(root)
        from mlops_cli.data.add import add
        from mlops_cli.pipeline.run import run
        from mlops_cli.pipeline.watcher import Silent

        add(repo, [root / "train.csv"])
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "Begin")
        done = run(repo, [], watcher=Silent(), environ={"PATH": "/usr/bin:/bin"}).run
        assert done is not None
        assert done.status == "done"
        register(repo, "m", run=done)
        promote(repo, "m", "production")
    return root


def _write_models(root: Path) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    for by in "ab":
        frame = rows(600, 9, by)
        model = LogisticRegression().fit(frame[["a", "b"]], frame["y"])
        (root / f"by_{by}.skops").write_bytes(skops.io.dumps(model))


@dataclass
class Loop:
    """The project, a clock, and what a server does."""

    root: Path
    ahead_s: float = 0.0
    said: list[str] = field(default_factory=list)

    @property
    def repo(self) -> Repository:
        """The project, opened anew."""
        return open_repository(self.root)

    @property
    def model(self) -> Model:
        """The model as it is now."""
        return models.model(self.repo, "m")

    def settings(self, more: str = "", model: str = "") -> None:
        """Change how it is retrained, in the work tree; and the model's own settings."""
        said = SETTINGS.format(model=model and f", {model}", more=more and f", {more}")
        (self.root / ".mlops.yaml").write_text(said)

    def answer(
        self, frame: pd.DataFrame, which: str = "m@production", *, role: str = "answer",
        labels: bool = True,
    ) -> None:  # fmt: skip
        """Have a version answer rows, and tell what turned out to be true."""
        repo = self.repo
        version = models.resolve(repo, which)
        inputs = frame[["a", "b"]]
        given = models.load(repo, version).predict(inputs).tolist()
        writer = PredictionWriter(repo.layout.predictions, warn=pytest.fail)
        source = Source("m", version.number, version.id, ("a", "b"), (0, 1), role)
        ticket = writer.reserve(source, len(frame))
        columns = [inputs[name].tolist() for name in inputs]
        writer.record(ticket, columns, given, [[0.5, 0.5]] * len(frame))
        writer.close()
        if labels:
            now = time.time_ns() // 1000
            told = enumerate(frame["y"].tolist(), ticket.first)
            kept = [Label(f"{ticket.segment}-{number}", one, now) for number, one in told]
            assert Feedback(repo.layout.predictions).record(kept).new == len(frame)

    def retrain(self, **how: Any) -> Told:
        """Retrain it, by a clock that may be ahead."""
        return retrain(self.repo, "m", using=self.using(), **how)

    def using(self, **more: Any) -> Using:
        """Return what a caller lends."""
        return Using(
            now_ns=lambda: time.time_ns() + int(self.ahead_s * 1e9),
            environ={"PATH": "/usr/bin:/bin"},
            say=self.said.append,
            **more,
        )

    def recorded(self) -> list[Mapping[str, Any]]:
        """Return the entries of retrainings, oldest first."""
        from mlops_cli.audit import chain

        return [one.detail for one in chain.entries(self.repo) if one.action == "retrain"]


@pytest.fixture
def loop(begun: Path, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """Return a copy of the project, which nobody has done anything to."""
    root = shutil.copytree(begun, tmp_path / "loop", symlinks=True)
    monkeypatch.chdir(root)
    return Loop(root)
