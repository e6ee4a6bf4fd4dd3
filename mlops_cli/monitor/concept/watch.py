"""The detectors side by side on one stream of errors, and what each found.

Their bounds are set here so that a stream of 10,000 errors whose mean does not change rarely raises
an alarm; `docs/design/performance.md` has how rarely, and how late they find what does change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
_WARNING, _DRIFT = 3.0, 4.0
_LARGEST = 4.0
"""So many standard deviations above the mean an error is as large as any, for ADWIN."""
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
    found = list(_page_hinkley(errors, deviation))
    if bool(((errors == 0) | (errors == 1)).all()):
        found += [*_adwin(errors, 1.0), *_ddm(errors, mean)]
    else:
        found += _adwin(errors, mean + _LARGEST * deviation)
    return sorted(found, key=lambda one: one.place)


def _adwin(errors: Floats, largest: float) -> Iterator[Change]:
    """Yield a change for each run of cuts: a window shrinks again and again after one change.

    ADWIN takes values in 0..1, so an error of `largest` is 1, and so is a larger one.
    """
    import numpy as np

    if not largest:
        return
    detector, begun, quiet = Adwin(delta=_DELTA), 0, True
    for place, value in enumerate(np.minimum(errors / largest, 1.0).tolist()):
        if not detector.update(value):
            quiet = quiet or place % 32 == 31
            continue
        cut = place + 1 - detector.width
        if quiet and cut > begun:
            yield Change(
                "ADWIN",
                place,
                float(errors[begun:cut].mean()),
                float(errors[cut : place + 1].mean()),
            )
        begun, quiet = cut, False


def _page_hinkley(errors: Floats, deviation: float) -> Iterator[Change]:
    if not deviation:
        return
    detector = PageHinkley(
        least=_LEAST,
        tolerated=_TOLERATED * deviation,
        threshold=_THRESHOLD * deviation,
        direction="up",
    )
    begun = 0
    for place, value in enumerate(errors.tolist()):
        if detector.update(value):
            yield _split("Page-Hinkley", errors, begun, place)
            begun = place + 1


def _ddm(errors: Floats, mean: float) -> Iterator[Change]:
    least = _LEAST + round(_LEAST_WRONG / max(mean, 0.001))
    detector = DriftDetectionMethod(least=least, warning=_WARNING, drift=_DRIFT)
    begun = 0
    for place, value in enumerate(errors.tolist()):
        if detector.update(wrong=bool(value)) == "drift":
            yield _split("DDM", errors, begun, place)
            begun = place + 1


def _split(detector: Detector, errors: Floats, begun: int, place: int) -> Change:
    """Return a change that seems to have begun where the cumulative sum was lowest."""
    import numpy as np

    some = errors[begun : place + 1]
    low = int(np.argmin(np.cumsum(some - some.mean()))) + 1
    low = min(low, len(some) - 1)
    return Change(detector, place, float(some[:low].mean()), float(some[low:].mean()))
