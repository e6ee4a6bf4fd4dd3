"""Errors in the order of time, and when detectors of concept drift say that they changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.core.clock import moment
from mlops_cli.monitor.concept import watch
from mlops_cli.monitor.performance.report import Alarm
from mlops_cli.registry.evaluation.answers import Answers, Labelled

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST = 200_000
"""Of more errors so many are looked at, evenly chosen."""
LARGEST = 1e100
"""No error counts as larger, so that squares can be summed up."""


def errors(answers: Answers) -> Floats:
    """Return 1 for each wrong answer and 0 for a right one, or how far off each number is."""
    import numpy as np

    if isinstance(answers, Labelled):
        wrong: Floats = (answers.predicted != answers.truth).astype(np.float64)
        return wrong
    with np.errstate(over="ignore"):
        off: Floats = np.abs(answers.predicted - answers.truth)
    return np.minimum(off, LARGEST)


def alarms(
    answers: Answers,
    times_us: NDArray[np.int64],
    named: Callable[[int], str],
    past: Answers | None,
) -> tuple[Alarm, ...]:
    """Return what detectors find in answers in the order of time; `named` gives ids of rows."""
    import numpy as np

    every = errors(answers)
    some = np.linspace(0, len(every) - 1, min(len(every), MOST)).round().astype(np.int64)
    held = None if past is None or not past.rows else errors(past)
    usual = None if held is None else (float(held.mean()), float(held.std()))
    return tuple(
        Alarm(
            one.detector,
            moment(int(times_us[some[one.place]]) * 1000),
            named(int(some[one.place])),
            "rise" if one.after > one.before else "fall",
            one.before,
            one.after,
        )
        for one in watch.changes(every[some], usual=usual)
    )


def agreed(found: Sequence[Alarm]) -> Alarm | None:
    """Return the alarm by which a second detector says that the error rose.

    None if that never was, or a detector said since that the error fell.
    """
    second: Alarm | None = None
    said: set[str] = set()
    for one in found:
        if one.direction == "fall":
            second, said = None, set()
            continue
        said.add(one.detector)
        if second is None and len(said) > 1:
            second = one
    return second
