"""Whether probabilities mean what they say: of rows told 0.8, eight in ten."""

from __future__ import annotations

from mlops_cli.registry.evaluation.answers import Labelled
from mlops_cli.registry.evaluation.classification import BINS, bin_of, confidence
from mlops_cli.registry.evaluation.record import Bin


def bins(answers: Labelled) -> tuple[Bin, ...]:
    """Return rows by their probability, in bins of equal width; those without rows are left out.

    None without probabilities.
    """
    import numpy as np

    if answers.shares is None:
        return ()
    probability, so = confidence(answers)
    place = bin_of(probability)
    rows = np.bincount(place, minlength=BINS)
    said = np.bincount(place, weights=probability, minlength=BINS)
    came = np.bincount(place, weights=so, minlength=BINS)
    return tuple(
        Bin(at / BINS, (at + 1) / BINS, int(rows[at]), said[at] / rows[at], came[at] / rows[at])
        for at in range(BINS)
        if rows[at]
    )
