"""Streams of river's generators of which no column moves but the truth does, answered by a model.

They are looked at as `mlo performance` does, without a prediction log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.drift import performance as tries
from benchmarks.loop.learner import TARGET, fit
from mlops_cli.core.config_performance import PerformanceSettings
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.monitor.performance import calibrated, estimates, look
from mlops_cli.monitor.performance.blocks import Block
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.registry.evaluation.answers import Labelled

Mask = NDArray[np.bool_]
FITTED = 4000
LATE = 500
SHARE = 0.05


@dataclass(frozen=True)
class Drift:
    """A generator, and from which of its concepts to which the truth changes."""

    name: str
    kind: str
    before: int
    after: int


DRIFTS = (
    Drift("STAGGER, first to second concept", "stagger", 0, 1),
    Drift("STAGGER, first to third", "stagger", 0, 2),
    Drift("SEA, noise 0.1, first to second", "sea", 0, 1),
    Drift("SEA, noise 0.1, third to fourth", "sea", 2, 3),
    Drift("Agrawal, first to fourth", "agrawal", 0, 3),
    Drift("Agrawal, first to seventh", "agrawal", 0, 6),
)


def table(kind: str, concept: int, rows: int, seed: int) -> pd.DataFrame:
    """Return rows of a concept with their truth."""
    from river.datasets import synth

    makers: dict[str, Any] = {
        "agrawal": lambda: synth.Agrawal(classification_function=concept, seed=seed),
        "sea": lambda: synth.SEA(variant=concept, noise=0.1, seed=seed),
        "stagger": lambda: synth.STAGGER(classification_function=concept, seed=seed),
    }
    made = makers[kind]()
    return pd.DataFrame([{**x, TARGET: int(y)} for x, y in made.take(rows)])


def answered(model: Any, rows: pd.DataFrame) -> Labelled:
    """Return what a model answers, beside the truth."""
    shares = model.predict_proba(rows.drop(columns=TARGET))
    truth = rows[TARGET].to_numpy().astype(np.intp)
    return Labelled(("0", "1"), truth, shares.argmax(axis=1).astype(np.intp), shares, 1)


@dataclass(frozen=True)
class Stream:
    """Answers on held-out data, and then live, first of the old concept and then of the new."""

    held: Labelled
    old: Labelled
    new: Labelled

    @property
    def live(self) -> Labelled:
        """All live ones."""
        return together(self.old, self.new)


def stream(drift: Drift, rows: int, *, fitted: int = FITTED) -> Stream:
    """Return `rows` held out, as many of the old concept and as many of the new."""
    model = fit(table(drift.kind, drift.before, fitted, 1))
    held, old = (answered(model, table(drift.kind, drift.before, rows, at)) for at in (2, 3))
    return Stream(held, old, answered(model, table(drift.kind, drift.after, rows, 4)))


def unchanged(
    drift: Drift, held: int, rows: int, times: int
) -> Iterator[tuple[Labelled, Labelled]]:
    """Yield held-out and live answers of the old concept, anew for each seed."""
    model = fit(table(drift.kind, drift.before, FITTED, 1))
    pool = answered(model, table(drift.kind, drift.before, 10 * (held + rows), 77))
    for seed in range(times):
        places = np.random.default_rng(seed).permutation(pool.rows)
        some = places[:held], places[held : held + rows]
        yield calibrated.rows(pool, some[0]), calibrated.rows(pool, some[1])


def together(*parts: Labelled) -> Labelled:
    """Return answers one after the other."""
    shares = [one.shares for one in parts if one.shares is not None]
    return Labelled(
        parts[0].labels,
        np.concatenate([one.truth for one in parts]),
        np.concatenate([one.predicted for one in parts]),
        np.concatenate(shares),
        parts[0].positive,
    )


def none(rows: int) -> Mask:
    """Return that no row is labelled."""
    return np.zeros(rows, dtype=np.bool_)


def late(rows: int) -> Mask:
    """Return which rows are labelled where labels come 500 rows late."""
    return np.arange(rows) < rows - LATE


def few(rows: int, seed: int = 0) -> Mask:
    """Return which rows are labelled where one in twenty is, by chance."""
    return np.random.default_rng(seed).random(rows) < SHARE


def seen(held: Labelled, live: Labelled, labelled: Mask, window: int) -> look.Look:
    """Return predictions, of which some are labelled, as `performance.check` looks at them."""
    favourable = None if held.positive is None else str(held.labels[held.positive])
    past = Past(cast("Any", tries._Held(held.labels, favourable, tries.HELD_OUT)), held)
    rows, zeros = np.arange(live.rows), np.zeros(live.rows, dtype=np.int64)
    block = Block(rows, zeros, rows, live.predicted, live.shares, {}, live.truth, zeros)
    known = block.take(np.flatnonzero(labelled))
    found = Gathered(
        labels=held.labels,
        asked=block,
        known=known,
        newest=known,
        rows=live.rows,
        labelled=len(known),
        segments=("0" * 16,),
        unusable=0,
        hidden=(),
        sampled=False,
        tally=Tally(),
    )
    guess = estimates.estimator(cast("Any", None), past, found, "model")
    return look.look(past, found, PerformanceSettings(), str(window), guess)
