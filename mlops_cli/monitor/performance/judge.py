"""Windows judged: which have dropped, and whether performance has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_cli.core.clock import moment
from mlops_cli.monitor.performance import verdict
from mlops_cli.monitor.performance.look import Look
from mlops_cli.monitor.performance.report import Basis, Part, Reading, Verdict
from mlops_cli.monitor.performance.windows import Cut

Readings = tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be said of performance as a whole.

    Attributes:
        since: the newest windows that have dropped together.
        unlabelled: the newest windows, which have too few labels to say anything by.
        tested: whether there was anything to test by labels, and by estimates.
    """

    verdict: Verdict
    basis: Basis | None
    since: Part | None
    unlabelled: tuple[Cut, ...]
    tested: tuple[bool, bool]


def metrics(seen: Look) -> tuple[str, ...]:
    """Return the metrics that decide."""
    return verdict.deciding(seen.before or seen.estimator.before)


def parts(seen: Look, each: Sequence[Sequence[Cut]]) -> list[Part]:
    """Return windows, or windows in a row, with their metrics and which of these have dropped."""
    names = metrics(seen)
    by_labels = verdict.decide([_by_labels(seen, some) for some in each], names, seen.settings)
    estimated = verdict.decide([_estimated(seen, some) for some in each], names, seen.settings)
    return [
        _part(seen, some, realized, guessed)
        for some, realized, guessed in zip(each, by_labels, estimated, strict=True)
    ]


def judge(seen: Look, *, realized: bool = True) -> Judged:
    """Return whether performance has dropped: by labels, and where there are none, as estimated.

    If not `realized`, as estimated also where there are labels.
    """
    few = seen.settings.min_labels
    with_labels = [cut for cut in seen.cuts if realized and cut.known_end > cut.known_first]
    trailing = tuple(_trailing(seen.cuts, few) if realized else seen.cuts)
    found, by_labels = verdict.newest(
        [(size, _by_labels(seen, with_labels[-size:])) for size in verdict.sizes(len(with_labels))],
        metrics(seen),
        seen.settings,
    )
    if found is not None:
        some = with_labels[-found.windows :]
        part = _part(seen, some, found.readings, ())
        return Judged("dropped", "labels", part, trailing, (by_labels, False))
    found, estimated = verdict.newest(
        [(size, _estimated(seen, trailing[-size:])) for size in verdict.sizes(len(trailing))],
        metrics(seen),
        seen.settings,
    )
    tested = by_labels, estimated
    if found is not None:
        part = _part(seen, trailing[-found.windows :], (), found.readings)
        return Judged("dropped", "estimate", part, trailing, tested)
    if not by_labels and not estimated:
        return Judged("unknown", None, None, trailing, tested)
    return Judged("ok", "labels" if by_labels else "estimate", None, trailing, tested)


def _trailing(cuts: Sequence[Cut], few: int) -> list[Cut]:
    """Return the newest windows, as long as they have too few labels."""
    found: list[Cut] = []
    for cut in reversed(cuts):
        if cut.known_end - cut.known_first >= few:
            break
        found.insert(0, cut)
    return found


def _by_labels(seen: Look, some: Sequence[Cut]) -> Readings:
    return verdict.by_labels(seen.before, seen.by_labels(some))


def _estimated(seen: Look, some: Sequence[Cut]) -> Readings:
    by_itself, now = seen.estimator, seen.estimated(some)
    learned = by_itself.learned(some[0].first, some[-1].end) if now else {}
    return verdict.estimated(by_itself.before, by_itself.sure, now, learned)


def _part(seen: Look, some: Sequence[Cut], realized: Readings, estimated: Readings) -> Part:
    times = seen.found.asked.times_us
    return Part(
        start=moment(int(times[some[0].first]) * 1000),
        end=moment(int(times[some[-1].end - 1]) * 1000),
        rows=seen.rows(some),
        labelled=seen.labelled(some),
        realized=realized,
        estimated=estimated,
    )
