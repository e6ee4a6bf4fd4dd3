"""How likely each label is, by scores that are calibrated: as of the reference, or anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mlops_cli.monitor.estimation import isotonic
from mlops_cli.registry.evaluation.answers import Labelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_OF_LABEL = 30
"""Scores of a label that has fewer rows are not calibrated."""
_FEWEST_SAID = 10
"""Of an answer given less often no curve of its own is learned."""

Curve = Callable[["Floats"], "Floats"]
"""Scores to probabilities."""
Curves = Sequence[Curve | None]
"""By label; None where scores stay as they are."""


def rows(answers: Labelled, some: NDArray[np.intp] | slice) -> Labelled:
    """Return some of the rows, by their places."""
    shares = None if answers.shares is None else answers.shares[some]
    return replace(
        answers, truth=answers.truth[some], predicted=answers.predicted[some], shares=shares
    )


def usual(held: Labelled) -> Curves:
    """Return what calibrates the scores of each label; None where that does not help, or cannot.

    That is what NannyML does, and to the same values.
    """
    import numpy as np

    assert held.shares is not None
    needed = range(len(held.labels)) if not held.binary else [held.positive]
    counts = np.bincount(held.truth, minlength=len(held.labels))
    found: list[Curve | None] = [None] * len(held.labels)
    for place, count in enumerate(counts):
        scores, hits = held.shares[:, place], (held.truth == place).astype(float)
        enough = place in needed and count >= FEWEST_OF_LABEL
        if enough and isotonic.helps(scores, hits):
            found[place] = isotonic.fit(scores, hits)
    return found


def left_out(held: Labelled, curves: Curves) -> Curves:
    """Return what calibrates the rows that curves were fitted on as if they had been left out.

    Else what is said of them would be better than what is said of any other rows.
    """
    return [
        None if curve is None else partial(_of_place, held, at) for at, curve in enumerate(curves)
    ]


def _of_place(held: Labelled, place: int, scores: Floats) -> Floats:
    return isotonic.left_out(scores, (held.truth == place).astype(float))


def likely(answers: Labelled, curves: Curves) -> Floats:
    """Return how likely each label is, where scores are calibrated each for itself."""
    shares = answers.shares
    assert shares is not None

    def one(place: int) -> Floats:
        curve = curves[place]
        return shares[:, place] if curve is None else curve(shares[:, place])

    return _together(answers, one)


def anew(answers: Labelled, held: Labelled) -> Floats:
    """Return how likely each label is, as rows have it that are told since.

    A curve is learned of the rows that were given a label as the answer, and one of the others:
    what the model is surest of may now be what is wrong most often, and no single rising curve
    would follow that. Of the rows that were learned from the shares of right answers are theirs.

    Args:
        answers: any rows.
        held: the rows to learn from, with the same labels.
    """
    import numpy as np

    shares, learned = answers.shares, held.shares
    assert shares is not None
    assert learned is not None

    def one(place: int) -> Floats:
        hits = (held.truth == place).astype(float)
        found = np.empty(answers.rows)
        for said in (True, False):
            where, there = (answers.predicted == place) == said, (held.predicted == place) == said
            if there.sum() < _FEWEST_SAID:
                there = np.ones_like(there)
            found[where] = isotonic.fit(learned[there, place], hits[there])(shares[where, place])
        return found

    return _together(answers, one)


def _together(answers: Labelled, one: Callable[[int], Floats]) -> Floats:
    """Return probabilities of all labels, of which `one` says each: together they are 1."""
    import numpy as np

    assert answers.shares is not None
    if answers.binary and answers.positive is not None:
        found = np.empty((answers.rows, 2))
        favourable = one(answers.positive)
        found[:, answers.positive], found[:, 1 - answers.positive] = favourable, 1 - favourable
        return found
    every = np.stack([one(place) for place in range(len(answers.labels))], axis=1)
    total = every.sum(axis=1, keepdims=True)
    found = answers.shares.copy()
    np.divide(every, total, out=found, where=total > 0)
    return found
