"""The detectors side by side on one stream of errors, and what each found.

Their bounds are set here so that a stream of 10,000 errors whose mean does not change rarely raises
an alarm; `docs/design/performance.md` has how rarely, and how late they find what does change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

from mlops_cli.monitor.concept.adwin import Adwin
from mlops_cli.monitor.concept.ddm import DriftDetectionMethod
from mlops_cli.monitor.concept.page_hinkley import PageHinkley

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Detector = Literal["ADWIN", "Page-Hinkley", "DDM"]
_DELTA = 0.02
_TOLERATED, _THRESHOLD = 0.05, 100.0
"""Of Page-Hinkley, in standard deviations of an error."""
_LEAST = 100
_LEAST_WRONG = 30
_FEWEST_WRONG = 0.01
"""A share of wrong answers that is smaller counts as this one: also none, where all were right."""
_WARNING, _DRIFT = 3.0, 4.0
_LARGEST = 4.0
"""So many standard deviations above the mean an error is as large as any, for ADWIN."""
_MERGED = 500
"""Cuts of ADWIN's window that are fewer errors apart are of one change."""
_APART = 10
"""On both sides of where a change seems to have begun there are at least so many errors."""
_FIRST = 1000
"""So many errors at the beginning say what is usual where no reference does."""


@dataclass(frozen=True, slots=True)
class Change:
    """A detector that found the mean error changed, at a place in the stream.

    `before` is the mean error from the change before up to where this one seems to have begun,
    `after` the mean from there to the place where it was found.
    """

    detector: Detector
    place: int
    before: float
    after: float


def changes(errors: Floats, *, usual: tuple[float, float] | None = None) -> list[Change]:
    """Return what the detectors find in a stream of errors, in the order of the stream.

    Args:
        errors: in the order of time, shape (rows,): 1 for a wrong answer and 0 for a right one,
            or how large an error is. DDM takes only wrong and right ones.
        usual: mean and standard deviation of an error of the reference; of the first errors of
            the stream where it is not given.
    """
    if not len(errors):
        return []
    first = errors[:_FIRST]
    mean, deviation = usual or (float(first.mean()), float(first.std()))
    if bool(((errors == 0) | (errors == 1)).all()):
        mean = max(mean, _FEWEST_WRONG)
        deviation = max(deviation, sqrt(mean * (1 - mean)))
        found = [*_adwin(errors, 1.0), *_ddm(errors, mean)]
    else:
        found = list(_adwin(errors, mean + _LARGEST * deviation))
    found += _page_hinkley(errors, deviation)
    return sorted(found, key=lambda one: one.place)


def _adwin(errors: Floats, largest: float) -> Iterator[Change]:
    """Yield a change for each run of cuts: its window shrinks again and again after one change.

    ADWIN takes values in 0..1, so an error of `largest` is 1, and so is a larger one.
    """
    import numpy as np

    if not largest:
        return
    detector, begun, told = Adwin(delta=_DELTA), 0, -_MERGED
    for place, value in enumerate(np.minimum(errors / largest, 1.0).tolist()):
        if not detector.update(value):
            continue
        if place - told >= _MERGED:
            yield _split("ADWIN", errors, begun, place)[0]
        begun, told = place + 1 - detector.width, place


def _page_hinkley(errors: Floats, deviation: float) -> Iterator[Change]:
    """Yield changes; after each the errors vary at least as much as they did when it was found."""
    if not deviation:
        return
    detector, begun = _bounded(deviation), 0
    for place, value in enumerate(errors.tolist()):
        if detector.update(value):
            found, low = _split("Page-Hinkley", errors, begun, place)
            yield found
            deviation = max(deviation, float(errors[low : place + 1].std()))
            detector, begun = _bounded(deviation), place + 1


def _bounded(deviation: float) -> PageHinkley:
    return PageHinkley(
        least=_LEAST,
        tolerated=_TOLERATED * deviation,
        threshold=_THRESHOLD * deviation,
        direction="up",
    )


def _ddm(errors: Floats, mean: float) -> Iterator[Change]:
    least = _LEAST + round(_LEAST_WRONG / mean)
    detector = DriftDetectionMethod(least=least, warning=_WARNING, drift=_DRIFT)
    begun = 0
    for place, value in enumerate(errors.tolist()):
        if detector.update(wrong=bool(value)) == "drift":
            yield _split("DDM", errors, begun, place)[0]
            begun = place + 1


def _split(detector: Detector, errors: Floats, begun: int, place: int) -> tuple[Change, int]:
    """Return a change, and where it seems to have begun: where the two means differ most.

    Only ADWIN finds a mean that has fallen.
    """
    import numpy as np

    some = errors[begun : place + 1]
    if len(some) < 2 * _APART:
        return Change(detector, place, float(some[0]), float(some.mean())), begun
    ends = np.arange(_APART, len(some) - _APART + 1)
    below = -np.cumsum(some - some.mean())[ends - 1] / np.sqrt(ends * (len(some) - ends))
    low = int(ends[np.argmax(np.abs(below) if detector == "ADWIN" else below)])
    change = Change(detector, place, float(some[:low].mean()), float(some[low:].mean()))
    return change, begun + low
