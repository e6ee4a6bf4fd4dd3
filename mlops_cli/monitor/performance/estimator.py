"""What says how a model does where there are no labels, and what it goes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.core.clock import moment
from mlops_cli.monitor.estimation.stretches import FEWEST, Compare, Stretch, stretches
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.monitor.performance.report import Grounds

if TYPE_CHECKING:
    from mlops_cli.monitor.performance.blocks import Block
    from mlops_cli.monitor.performance.gather import Gathered

Estimate = Callable[[int, int], Measures]
"""Metrics of the rows from one place up to another, the latter left out."""


def _of_none(_first: int, _end: int) -> Measures:
    return {}


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates metrics of rows without labels; `of` is None where that cannot be done.

    `before` is what it says of the reference, `sure` the metrics of that by labels, whose spread
    tells how far the true one of so many rows is off by chance. `why` says why there is nothing to
    say, `hint` what to type. `learned` are metrics by labels of the newer rows that the estimate of
    some rows goes by; none where it goes by the reference.
    """

    of: Estimate | None
    before: Measures
    sure: Measures
    why: str = ""
    hint: str = ""
    learned: Estimate = _of_none
    grounds: Grounds | None = None


def none(why: str, hint: str = "") -> Estimator:
    """Return what estimates nothing, and why."""
    return Estimator(None, {}, {}, f"performance cannot be estimated: {why}", hint)


@dataclass(frozen=True, slots=True)
class Piece:
    """Predictions, by their places, that are estimated by a stretch of labelled ones."""

    first: int
    end: int
    stretch: Stretch
    by_labels: Measures


def pieces(
    asked: Block, known: Block, off: Compare, by_labels: Callable[[slice], Measures]
) -> list[Piece]:
    """Return predictions in pieces, oldest first; the first also has those before any label.

    Args:
        asked: all that are estimated, oldest first.
        known: labelled ones, oldest first.
        off: compares these, by their places.
        by_labels: gives the metrics of some of them.
    """
    import numpy as np

    found = stretches(len(known), off)
    begins = [int(known.times_us[one.first]) for one in found[1:]]
    if found and not found[0].usual:
        begins.insert(0, int(known.times_us[0]))
        found.insert(0, Stretch(0, 0, usual=True))
    firsts = [0, *map(int, np.searchsorted(asked.times_us, begins))]
    ends = [*firsts[1:], len(asked)]
    return [
        Piece(first, end, one, {} if one.usual else by_labels(slice(one.first, one.end)))
        for first, end, one in zip(firsts, ends, found, strict=True)
    ]


def learned(found: Sequence[Piece]) -> Estimate:
    """Return what gives the metrics, by labels, of the newest labels that rows go by."""

    def of(first: int, end: int) -> Measures:
        for one in reversed(found):
            if one.first < end and first < one.end and not one.stretch.usual:
                return one.by_labels
        return {}

    return of


def grounds(found: Sequence[Piece], known: Block, gathered: Gathered, reference: int) -> Grounds:
    """Return what the estimate of the newest predictions goes by.

    Args:
        found: from `pieces`, with `known`.
        known: the labelled ones.
        gathered: all.
        reference: how many rows of the reference are learned from.
    """
    last = found[-1].stretch
    newer = last.end - last.first
    times = gathered.asked.times_us
    ahead = int((times > known.times_us[-1]).sum()) if len(known) else len(times)
    return Grounds(
        by="reference" if last.usual else "labels",
        rows=reference if last.usual else newer,
        checked=newer if newer >= FEWEST else 0,
        labels=newer,
        since=_moment(known, last.first) if newer else None,
        until=_moment(known, last.end - 1) if newer else None,
        ahead=round(ahead * gathered.rows / max(len(times), 1)),
    )


def _moment(known: Block, place: int) -> str:
    return moment(int(known.times_us[place]) * 1000)
