"""A project whose model was evaluated on held-out rows and has answered; truths come later."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core.clock import moment
from mlops_cli.core.ids import ObjectId
from mlops_cli.data.feedback import Feedback, Label
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.registry import events
from mlops_cli.registry.evaluation import bootstrap, inputs_kept, kept
from mlops_cli.registry.evaluation.answers import Answers, Labelled, Measured
from mlops_cli.registry.evaluation.classification import confusion
from mlops_cli.registry.evaluation.evaluate import _fairness, _slices
from mlops_cli.registry.evaluation.record import Data, Evaluation, Latency
from mlops_cli.registry.evaluation.slices import of_column
from mlops_cli.registry.models import Version
from tests.monitor.conftest import Shop, shop

__all__ = ["shop"]
START_US = 1_767_225_600_000_000
"""The first of January 2026."""
DAY_US = 86_400_000_000


@dataclass
class Rows:
    """What a model was asked, what it answered, and what was true."""

    inputs: pd.DataFrame
    answers: Answers

    @property
    def said(self) -> list[Any]:
        """The answers as JSON values."""
        if isinstance(self.answers, Measured):
            return list(self.answers.predicted.tolist())
        return [self.answers.labels[one] for one in self.answers.predicted]

    @property
    def truth(self) -> list[Any]:
        """What was true, as JSON values."""
        if isinstance(self.answers, Measured):
            return list(self.answers.truth.tolist())
        return [self.answers.labels[one] for one in self.answers.truth]


def patients(rows: int, seed: int, *, flipped: float = 0.0, middle: float = 0.0) -> Rows:
    """Return rows of a classifier whose probabilities are right, but for a `flipped` share.

    The more are near `middle` = 1, the less can be told of them.
    """
    rng = np.random.default_rng(seed)
    width = rng.normal(size=rows) * 3 * (1 - middle)
    ill = 1 / (1 + np.exp(-width))
    truth = (rng.random(rows) < ill) ^ (rng.random(rows) < flipped)
    shares = np.column_stack([1 - ill, ill])
    inputs = pd.DataFrame({"width": width, "ward": rng.choice(["north", "south"], rows)})
    said = (ill > 0.5).astype(np.intp)
    return Rows(inputs, Labelled(("no", "yes"), truth.astype(np.intp), said, shares, 1))


def houses(rows: int, seed: int, *, off: float = 1.0) -> Rows:
    """Return rows of a regressor whose errors grow with the input `width`, times `off`."""
    rng = np.random.default_rng(seed)
    width = rng.uniform(1, 3, rows)
    price = 10 * width + rng.normal(size=rows) * width * off
    inputs = pd.DataFrame({"width": width, "ward": rng.choice(["north", "south"], rows)})
    return Rows(inputs, Measured(price, 10 * width))


@dataclass
class Clinic:
    """A project with one model."""

    shop: Shop
    version: Version
    ids: list[str] = field(default_factory=list)
    truths: list[Any] = field(default_factory=list)
    _time_us: int = START_US

    def evaluate(self, rows: Rows, *, columns: Sequence[str] = (), path: str = "test.csv") -> None:
        """Put an evaluation on record."""
        repo, answers = self.shop.repo, rows.answers
        groups = [of_column(name, rows.inputs[name]) for name in columns]
        labelled = answers if isinstance(answers, Labelled) else None
        signature = self.version.signature
        inputs = None if labelled else inputs_kept.keep(repo, rows.inputs, signature)
        found = Evaluation(
            id=ObjectId(""),
            time="",
            who={},
            model=self.version.model,
            number=self.version.number,
            version=self.version.id,
            data=Data(path, repo.objects.put(path.encode()), "as the settings say"),
            target="ill",
            task="classification" if labelled else "regression",
            rows=answers.rows,
            dropped=0,
            metrics=bootstrap.estimates(answers),
            labels=labelled.labels if labelled else None,
            positive=labelled.labels[1] if labelled else None,
            confusion=tuple(map(tuple, confusion(labelled).tolist())) if labelled else None,
            calibration=(),
            slices=tuple(one for some in groups for one in _slices(answers, some)),
            fairness=tuple(_fairness(answers, some) for some in groups),
            latency=Latency(0.0, 0.0, 0, 0.0, "", ""),
            size=1,
            kept=kept.keep(repo, answers, groups, inputs),
        )
        with repo.lock("evaluate"):
            number = self.version.number
            events.append(repo, self.version.model, "evaluate", number, found.detail())

    def answer(self, rows: Rows, *, days: float = 1.0, parts: int = 10) -> None:
        """Log that the model was asked these rows, evenly over some days."""
        classes = rows.answers.labels if isinstance(rows.answers, Labelled) else None
        version = self.version
        names = tuple(rows.inputs.columns)
        source = Source(version.model, version.number, version.id, names, classes)
        writer = PredictionWriter(self.shop.repo.layout.predictions, warn=pytest.fail)
        said = rows.said
        shares = rows.answers.shares if isinstance(rows.answers, Labelled) else None
        for some in np.array_split(np.arange(len(said)), parts):
            ticket = writer.reserve(source, len(some))._replace(time_us=self._time_us)
            cells = [rows.inputs[name].iloc[some].tolist() for name in names]
            writer.record(
                ticket,
                cells,
                [said[one] for one in some],
                None if shares is None else shares[some].tolist(),
            )
            self.ids += [f"{ticket.segment}-{ticket.first + at}" for at in range(len(some))]
            self._time_us += round(days * DAY_US / parts)
        writer.close()
        self.truths += rows.truth

    def label(self, first: int = 0, end: int | None = None, *, later_s: int = 3600) -> None:
        """Say what was true of the predictions from one place up to another."""
        told = self._time_us + later_s * 1_000_000
        pairs = zip(self.ids[first:end], self.truths[first:end], strict=True)
        Feedback(self.shop.repo.layout.predictions).record(
            [Label(one, truth, told) for one, truth in pairs]
        )

    @property
    def now(self) -> str:
        """The moment after the last prediction."""
        return moment(self._time_us * 1000)


@pytest.fixture
def clinic(shop: Shop) -> Clinic:
    """Return a project with a classifier that nobody evaluated or asked yet."""
    frame = patients(50, 0).inputs.assign(price="yes")
    version = shop.register(frame, model="ills", task="classification", classes=["no", "yes"])
    return Clinic(shop, version)


@pytest.fixture
def agency(shop: Shop) -> Clinic:
    """Return a project with a regressor that nobody evaluated or asked yet."""
    frame = houses(50, 0).inputs.assign(price=1.0)
    return Clinic(shop, shop.register(frame, model="prices", task="regression"))
