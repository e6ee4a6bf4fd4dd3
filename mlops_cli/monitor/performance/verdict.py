"""Which metrics have dropped in which windows, and whether performance has.

Two questions, each a family of tests in which the share of false alarms is bounded by Benjamini
and Hochberg. In which windows has a metric dropped: all windows by all metrics that decide. And has
performance dropped: the newest window, the newest two, four and so on up to all, by the same
metrics. The second finds a small drop that no window alone has rows enough for, and forgets one
that is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlops_cli.core.config_performance import PerformanceSettings
from mlops_cli.monitor.performance import drop
from mlops_cli.monitor.performance.measure import LOSSES, Measure, Measures
from mlops_cli.monitor.performance.report import Reading
from mlops_cli.monitor.statistics.false_discovery import q_values

_BY_LABELS = ("accuracy", "f1", "roc_auc")
_BY_NUMBERS = ("mae", "rmse")


@dataclass(frozen=True, slots=True)
class Dropped:
    """The newest windows that have dropped together: how many, and their readings."""

    windows: int
    readings: tuple[Reading, ...]


def deciding(found: Measures) -> tuple[str, ...]:
    """Return the metrics that decide, of those that there are."""
    return tuple(name for name in (*_BY_LABELS, *_BY_NUMBERS) if name in found)


def by_labels(before: Measures, now: Measures) -> tuple[Reading, ...]:
    """Return metrics by labels beside the reference's; `q` is the p-value of that alone."""
    return tuple(
        _reading(
            name,
            one,
            before.get(name),
            drop.interval(name, one),
            drop.p_value(name, before[name], one) if name in before else None,
        )
        for name, one in now.items()
    )


def estimated(
    before: Measures, sure: Measures, now: Measures, learned: Measures
) -> tuple[Reading, ...]:
    """Return estimates beside those of the reference; `q` is the p-value of that alone.

    `sure` has the reference's metrics by labels: their spread says how far the metric of so many
    rows is off by chance, which is the band, and how sure the reference itself is. `learned` has
    those of the newer labels that an estimate goes by instead.
    """
    return tuple(
        _reading(
            name,
            one,
            before[name],
            _around(name, one, _known(learned.get(name), sure[name])),
            drop.of_estimates(name, before[name], sure[name], one, learned.get(name)),
        )
        for name, one in now.items()
        if name in before
    )


def _known(one: Measure | None, other: Measure) -> Measure:
    return one if one is not None and one.value == one.value else other


def _around(name: str, one: Measure, sure: Measure) -> tuple[float | None, float | None]:
    if one.value != one.value:
        return None, None
    return drop.around(name, one.value, replace(sure, rows=one.rows).error)


def _reading(
    name: str,
    now: Measure,
    before: Measure | None,
    ends: tuple[float | None, float | None],
    p: float | None,
) -> Reading:
    past = None if before is None or before.value != before.value else before
    known = now.value == now.value
    return Reading(
        name,
        now.value if known else None,
        *ends,
        before=None if past is None else past.value,
        drop=drop.loss(name, past, now) if past is not None and known else None,
        q=p,
    )


def decide(
    each: Sequence[tuple[Reading, ...]], metrics: Sequence[str], settings: PerformanceSettings
) -> list[tuple[Reading, ...]]:
    """Return readings with q in place of p, for the metrics that decide, and what has dropped."""
    tested = [one for some in each for one in some if one.q is not None and one.metric in metrics]
    p_values = [one.q for one in tested if one.q is not None]
    q_of = {id(one): q for one, q in zip(tested, q_values(p_values), strict=True)}
    return [tuple(_decided(one, q_of.get(id(one)), settings) for one in some) for some in each]


def _decided(one: Reading, q: float | None, settings: PerformanceSettings) -> Reading:
    sure = q is not None and q < settings.q
    return replace(one, q=q, dropped=sure and matters(one, settings))


def matters(one: Reading, settings: PerformanceSettings) -> bool:
    """Return whether a metric is worse by enough to care, however sure that is."""
    if one.drop is None or one.before is None or one.drop <= 0:
        return False
    if one.metric in LOSSES:
        return one.drop >= settings.rise * abs(one.before)
    return one.drop >= settings.drop


def sizes(windows: int) -> list[int]:
    """Return how many of the newest windows are looked at together.

    >>> sizes(10)
    [1, 2, 4, 8, 10]
    """
    powers = [1 << power for power in range(windows.bit_length()) if 1 << power < windows]
    return [*powers, windows] if windows else []


def newest(
    found: Sequence[tuple[int, tuple[Reading, ...]]],
    metrics: Sequence[str],
    settings: PerformanceSettings,
) -> tuple[Dropped | None, bool]:
    """Return the newest windows that have dropped together, and whether any could be tested.

    A drop counts only where the newer half of the windows is worse as well: one that is over is
    none. Of several the surest is told.

    Args:
        found: by `sizes`, how many of the newest windows, and their readings.
        metrics: those that decide.
        settings: what counts.
    """
    decided = decide([one for _, one in found], metrics, settings)
    best: tuple[float, Dropped] | None = None
    for place, some in enumerate(decided):
        newer = {one.metric: one for one in decided[place - 1]} if place else {}
        for one in some:
            lasting = one.metric not in newer or matters(newer[one.metric], settings)
            if one.dropped and lasting and one.q is not None and (best is None or one.q < best[0]):
                best = one.q, Dropped(found[place][0], some)
    tested = any(one.q is not None for some in decided for one in some)
    return (None if best is None else best[1]), tested
