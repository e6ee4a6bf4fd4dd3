"""A small project with data, a fitted model and the run that made it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data import snapshot
from mlops_cli.registry import formats, signature
from mlops_cli.runs.record import Artifact, Code, Model, Run, StepRun, encode

SETTINGS = """
models:
  churn:
    path: model
    data: data/train.csv
    target: left
    stages:
      staging: {}
      production:
        requires: staging
        gates:
          - {metric: auc, min: 0.8}
          - {metric: auc, not_worse_than: production, tolerance: 0.01}
"""


@dataclass
class Workshop:
    """Makes runs that trained a model, as `mlo run` would have recorded them."""

    repo: Repository
    made: int = 0

    def settings(self, text: str) -> None:
        self.repo.layout.settings.write_text(text)
        self.repo = open_repository(self.repo.root)

    def run(
        self,
        metrics: Mapping[str, float | str],
        *,
        strength: float = 1.0,
        parent: str | None = None,
        tags: tuple[str, ...] = (),
    ) -> Run:
        import pandas as pd

        self.made += 1
        root = self.repo.root
        frame = pd.DataFrame(
            {"age": [20, 30, 40, 50, 60, 70], "income": [1.5, 2.5, 1.0, 3.5, 9.0, 8.0]}
        )
        left = [0, 0, 0, 1, 1, 1]
        (root / "data").mkdir(exist_ok=True)
        frame.assign(left=left).to_csv(root / "data" / "train.csv", index=False)
        fitted = LogisticRegression(C=strength).fit(frame, left)
        formats.save(fitted, root / "model", signature.for_model(fitted, frame))
        with self.repo.objects.writer() as writer:
            model = snapshot.take(self.repo, root / "model", writer=writer)
            data = snapshot.take(self.repo, root / "data" / "train.csv", writer=writer)
        artifact = Artifact("model", model.oid, "folder", model.size, "train")
        read = Artifact("data/train.csv", data.oid, "file", data.size)
        step = StepRun(
            name="train",
            key=ObjectId("0" * 64),
            cmd="python train.py",
            deps={"data/train.csv": data.oid},
            params={},
            outs={"model": artifact},
            metrics=dict(metrics),
            state="ran",
            seconds=1.0,
            exit_code=0,
            run="",
        )
        key = f"{self.made:012x}"
        run = Run(
            id=ObjectId(""),
            key=key,
            name=f"run-{self.made}",
            command="mlo run",
            started=f"2026-01-31T12:00:{self.made:02}.000000Z",
            ended=f"2026-01-31T12:01:{self.made:02}.000000Z",
            seconds=60.0,
            status="done",
            exit_code=0,
            who={"name": "Ada", "email": "ada@example.org"},
            host="here",
            code=Code(),
            params={"strength": strength},
            environment=None,
            inputs=(read,),
            outputs=(artifact,),
            metrics=dict(metrics),
            steps=(replace(step, run=key),),
            models=(Model("model"),),
            parent=parent,
            tags=tags,
        )
        recorded, data_bytes = encode(run)
        self.repo.objects.put(data_bytes, Kind.RUN)
        return recorded


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    shop = Workshop(create(tmp_path / "project"))
    shop.settings(SETTINGS)
    return shop
