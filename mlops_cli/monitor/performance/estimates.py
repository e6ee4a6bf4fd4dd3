"""Performance without labels: what a model's own answers let expect of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mlops_cli.core.repository import Repository
from mlops_cli.data.predictions.block import Cells
from mlops_cli.errors import MissingObject
from mlops_cli.monitor.estimation import isotonic
from mlops_cli.monitor.performance import gather, measure
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.registry.evaluation import inputs_kept
from mlops_cli.registry.evaluation.answers import Labelled, Measured

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_PAST = 100_000
"""Of more held-out rows so many calibrate, evenly chosen."""
FEWEST_PAST = 100
"""On fewer nothing can be calibrated or learned."""
FEWEST_OF_LABEL = 30
"""Nor can scores of a label that has fewer."""


Curve = Callable[["Floats"], "Floats"]
"""Scores to probabilities."""
Estimate = Callable[[int, int], Measures]
"""Metrics of the rows from one place up to another, the latter left out."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates metrics of rows without labels; `of` is None where that cannot be done.

    `before` is what it says of the reference, `sure` the metrics of that by labels, whose spread
    tells how far the true one of so many rows is off by chance. `why` says why there is nothing to
    say, `hint` what to type.
    """

    of: Estimate | None
    before: Measures
    sure: Measures
    why: str = ""
    hint: str = ""


def estimator(repo: Repository, past: Past | None, gathered: Gathered, named: str) -> Estimator:
    """Return what estimates performance on what was asked; `named` is how the model is typed."""
    if past is None:
        return _none(f"{named} has no evaluation to learn from", f"mlo evaluate {named}")
    again = f"mlo evaluate {named} --data {past.evaluation.data.path}"
    if past.answers is None:
        return _none("the answers of its evaluation are not in this store", again)
    if past.answers.rows < FEWEST_PAST:
        why = f"its evaluation has {past.answers.rows} rows, and takes {FEWEST_PAST}"
        return _none(why, f"mlo evaluate {named} --data PATH")
    if isinstance(past.answers, Labelled):
        return _of_labels(past.answers, gathered)
    return _of_numbers(repo, past, past.answers, gathered, again)


def _none(why: str, hint: str = "") -> Estimator:
    return Estimator(None, {}, {}, f"performance cannot be estimated: {why}", hint)


def _of_labels(past: Labelled, gathered: Gathered) -> Estimator:
    """Return confidence-based estimates (CBPE)."""
    import numpy as np

    if past.shares is None or gathered.asked.shares is None:
        return _none("the model gives no probabilities")
    some = np.linspace(0, past.rows - 1, min(past.rows, MOST_PAST)).round().astype(int)
    held = _rows(past, some)
    rows = np.bincount(held.truth, minlength=len(held.labels))
    if held.binary and rows.min() < FEWEST_OF_LABEL:
        rarest = past.labels[int(rows.argmin())]
        return _none(
            f"its evaluation has {rows.min()} rows of '{rarest}', and takes {FEWEST_OF_LABEL}"
        )
    curves = _curves(held, rows.tolist())
    favourable = None if past.positive is None else past.labels[past.positive]
    if int(gathered.asked.predicted.max()) >= len(past.labels):
        return _none("it answered in labels that its evaluation does not have")
    answers = gather.answers(gathered.asked, past.labels, favourable)
    assert isinstance(answers, Labelled)
    likely = _likely(answers, curves)

    def of(first: int, end: int) -> Measures:
        return measure.of_labels(_rows(answers, slice(first, end)), likely[first:end])

    before = measure.of_labels(held, _likely(held, _left_out(held, curves)))
    return Estimator(of, before, measure.of_labels(held))


def _rows(answers: Labelled, some: NDArray[np.intp] | slice) -> Labelled:
    shares = None if answers.shares is None else answers.shares[some]
    return replace(
        answers, truth=answers.truth[some], predicted=answers.predicted[some], shares=shares
    )


def _likely(answers: Labelled, curves: Sequence[Curve | None]) -> Floats:
    """Return how likely each label is, where scores are calibrated each for itself."""
    import numpy as np

    assert answers.shares is not None
    if answers.binary and answers.positive is not None:
        found = np.empty((answers.rows, 2))
        one = _calibrated(curves[answers.positive], answers.shares[:, answers.positive])
        found[:, answers.positive], found[:, 1 - answers.positive] = one, 1 - one
        return found
    each = [_calibrated(curve, answers.shares[:, at]) for at, curve in enumerate(curves)]
    every = np.stack(each, axis=1)
    total = every.sum(axis=1, keepdims=True)
    found = answers.shares.copy()
    np.divide(every, total, out=found, where=total > 0)
    return found


def _left_out(held: Labelled, curves: Sequence[Curve | None]) -> list[Curve | None]:
    """Return what calibrates the rows that curves were fitted on as if they had been left out.

    Else what is said of them would be better than what is said of any other rows.
    """
    return [
        None if curve is None else partial(_of_place, held, at) for at, curve in enumerate(curves)
    ]


def _of_place(held: Labelled, place: int, scores: Floats) -> Floats:
    return isotonic.left_out(scores, (held.truth == place).astype(float))


def _curves(held: Labelled, rows: Sequence[int]) -> list[Curve | None]:
    """Return what calibrates the scores of each label; None where that does not help, or cannot."""
    assert held.shares is not None
    needed = range(len(rows)) if not held.binary else [held.positive]
    found: list[Curve | None] = [None] * len(rows)
    for place, count in enumerate(rows):
        scores, hits = held.shares[:, place], (held.truth == place).astype(float)
        enough = place in needed and count >= FEWEST_OF_LABEL
        if enough and isotonic.helps(scores, hits):
            found[place] = isotonic.fit(scores, hits)
    return found


def _calibrated(curve: Curve | None, scores: Floats) -> Floats:
    return scores if curve is None else curve(scores)


def _of_numbers(
    repo: Repository, past: Past, answers: Measured, gathered: Gathered, again: str
) -> Estimator:
    """Return direct estimates of the loss (DLE)."""
    from mlops_cli.monitor.estimation import loss

    oid = past.evaluation.kept.inputs
    if oid is None:
        return _none("its evaluation does not have what the model was given", again)
    try:
        held = inputs_kept.read(repo, oid)
    except MissingObject:
        return _none("what the model was given then is not in this store", again)
    hidden = [name for name in held.columns if name in gathered.hidden]
    if hidden:
        return _none(f"the prediction log does not have the values of {', '.join(hidden[:5])}")
    said, truth = answers.predicted[held.places], answers.truth[held.places]
    learned = loss.fit(_frame(held.columns), said, truth)
    asked = {name: gathered.asked.columns[name] for name in held.columns}
    absolute, squared = loss.expected(learned, _frame(asked), gathered.asked.predicted)
    by_labels = measure.of_numbers(Measured(truth, said))

    def of(first: int, end: int) -> Measures:
        return measure.of_losses(absolute[first:end], squared[first:end])

    before = {name: by_labels[name] for name in ("mae", "rmse")}
    return Estimator(of, before, before)


def _frame(columns: Mapping[str, Cells]) -> pd.DataFrame:
    import pandas as pd

    made = {name: pd.Series(cells.array(), copy=False) for name, cells in columns.items()}
    return pd.DataFrame(made, copy=False)
