"""How a classifier does, by its probabilities (CBPE), calibrated anew where labels ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_cli.monitor.estimation import holds
from mlops_cli.monitor.estimation.holds import Answered, Off
from mlops_cli.monitor.performance import calibrated, estimator, gather, measure
from mlops_cli.monitor.performance.calibrated import FEWEST_OF_LABEL
from mlops_cli.monitor.performance.estimator import Estimator, none
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.registry.evaluation.answers import Labelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.monitor.performance.blocks import Block

    Floats = NDArray[np.float64]

MOST_PAST = 100_000
"""Of more held-out rows so many calibrate, evenly chosen."""


def of(past: Labelled, gathered: Gathered) -> Estimator:
    """Return what estimates metrics of what was asked; `past` are the answers of the reference."""
    import numpy as np

    if past.shares is None or gathered.asked.shares is None:
        return none("the model gives no probabilities")
    some = np.linspace(0, past.rows - 1, min(past.rows, MOST_PAST)).round().astype(int)
    held = calibrated.rows(past, some)
    counts = np.bincount(held.truth, minlength=len(held.labels))
    if held.binary and counts.min() < FEWEST_OF_LABEL:
        rarest = past.labels[int(counts.argmin())]
        few = f"{counts.min()} rows of '{rarest}', and takes {FEWEST_OF_LABEL}"
        return none(f"its evaluation has {few}")
    if int(gathered.asked.predicted.max()) >= len(past.labels):
        return none("it answered in labels that its evaluation does not have")
    known = _usable(gathered.newest, len(past.labels))
    return _estimator(held, _answers(gathered.asked, past), known, gathered, past)


def _answers(block: Block, past: Labelled) -> Labelled:
    favourable = None if past.positive is None else past.labels[past.positive]
    found = gather.answers(block, past.labels, favourable)
    assert isinstance(found, Labelled)
    return found


def _usable(known: Block, labels: int) -> Block:
    """Return the labelled rows with labels that the reference has, and probabilities."""
    import numpy as np

    if known.shares is None or known.truth is None:
        return known.take(np.zeros(len(known), dtype=np.bool_))
    there = (known.truth < labels) & (known.predicted < labels)
    return known.take(there & np.isfinite(known.shares).all(axis=1))


def _estimator(
    held: Labelled, asked: Labelled, known: Block, gathered: Gathered, past: Labelled
) -> Estimator:
    curves = calibrated.usual(held)
    left_out = calibrated.likely(held, calibrated.left_out(held, curves))
    told = _answers(known, past) if len(known) else calibrated.rows(held, slice(0, 0))
    reference = _answered(held, left_out)
    expected = calibrated.likely(told, curves)

    def off(older: slice | None, newer: slice) -> Off:
        now = calibrated.rows(told, newer)
        if older is None:
            return holds.of_answers(reference, _answered(now, expected[newer]))
        past = calibrated.rows(told, older)
        return holds.of_answers(
            _answered(past, calibrated.anew(past, past)),
            _answered(now, calibrated.anew(now, past)),
        )

    def by_labels(some: slice) -> Measures:
        return measure.of_labels(calibrated.rows(told, some))

    found = estimator.pieces(gathered.asked, known, off, by_labels)
    likely = calibrated.likely(asked, curves)
    for one in found:
        if not one.stretch.usual and one.end > one.first:
            learned = calibrated.rows(told, slice(one.stretch.first, one.stretch.end))
            some = slice(one.first, one.end)
            likely[some] = calibrated.anew(calibrated.rows(asked, some), learned)

    def estimate(first: int, end: int) -> Measures:
        return measure.of_labels(calibrated.rows(asked, slice(first, end)), likely[first:end])

    return Estimator(
        estimate,
        measure.of_labels(held, left_out),
        measure.of_labels(held),
        learned=estimator.learned(found),
        grounds=estimator.grounds(found, known, gathered, held.rows),
    )


def _answered(answers: Labelled, likely: Floats) -> Answered:
    import numpy as np

    assert answers.shares is not None
    said = np.arange(answers.rows), answers.predicted
    right = (answers.predicted == answers.truth).astype(float)
    return Answered(answers.shares[said], likely[said], right, answers.predicted)
