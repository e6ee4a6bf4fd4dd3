"""A project with a registered model that has answered requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.registry import events, models, signature
from mlops_cli.registry.models import Version


def table(rows: int, seed: int) -> pd.DataFrame:
    """Return a training table: two inputs and the target."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "width": rng.normal(size=rows),
            "colour": rng.choice(["red", "blue"], rows),
            "price": rng.normal(size=rows),
        }
    )


@dataclass
class Shop:
    """A project whose model `churn` was fitted on `data/train.csv`."""

    root: Path
    repo: Repository

    def register(
        self, frame: pd.DataFrame | None = None, *, model: str = "churn", **changes: Any
    ) -> Version:
        """Add a version that was fitted on `frame`."""
        frame = table(300, 1) if frame is None else frame
        oid = self.repo.objects.put(frame.to_csv(index=False).encode())
        columns = signature.from_frame(frame, leave_out=("price",))
        detail: Mapping[str, Any] = {
            "artifact": oid,
            "kind": "file",
            "path": "model.skops",
            "size": 1,
            "format": "skops",
            "trusted": False,
            "run": None,
            "inputs": [],
            "data": {"path": "data/train.csv", "oid": oid, "kind": "file"},
            "target": "price",
            "commit": None,
            "environment": None,
            "task": "regression",
            "signature": columns.to_dict(),
            "metrics": {},
            **changes,
        }
        number = len(models.model(self.repo, model).versions) + 1 if self._known(model) else 1
        with self.repo.lock("register"):
            events.append(self.repo, model, "register", number, detail)
        return models.model(self.repo, model).newest

    def answer(
        self, version: Version, frame: pd.DataFrame, settings: LogSettings | None = None
    ) -> None:
        """Log that `version` was asked to predict the rows of `frame`."""
        source = Source(version.model, version.number, version.id, tuple(frame.columns))
        writer = PredictionWriter(self.repo.layout.predictions, warn=pytest.fail, settings=settings)
        columns = [frame[name].tolist() for name in frame.columns]
        ticket = writer.reserve(source, len(frame))
        writer.record(ticket, columns, [0.0] * len(frame), None)
        writer.close()

    def _known(self, model: str) -> bool:
        return model in models.names(self.repo)


@pytest.fixture
def shop(project: Path) -> Shop:
    """Return a project without a model yet."""
    return Shop(project, open_repository(project))
