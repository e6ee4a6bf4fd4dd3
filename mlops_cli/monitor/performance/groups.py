"""Labelled predictions by the values of a column: performance of each, and the gaps between them.

A gap has grown when it is larger than that of the reference by more than chance, and by enough to
matter. Its standard error is that of its interval; the test is two-sided, for a gap has no sign:
groups that are treated alike have one too, by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import erfc, sqrt
from statistics import NormalDist

from mlops_cli.core.clock import moment
from mlops_cli.core.repository import Repository
from mlops_cli.data.predictions.block import Cells
from mlops_cli.monitor.performance import reference, verdict
from mlops_cli.monitor.performance.look import Look, within
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.monitor.performance.report import Gap, Reading, Segment
from mlops_cli.monitor.performance.windows import Cut
from mlops_cli.monitor.statistics.false_discovery import q_values
from mlops_cli.registry.evaluation import fairness, kept, slices
from mlops_cli.registry.evaluation.answers import part
from mlops_cli.registry.evaluation.bootstrap import CONFIDENCE, Estimate
from mlops_cli.registry.evaluation.fairness import Groups

FEW = 30
"""Of a group with fewer labels hardly anything can be said."""
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def of_column(name: str, cells: Cells) -> Groups:
    """Return the groups of a column's values, as evaluations make them."""
    import pandas as pd

    return slices.of_column(name, pd.Series(cells.array(), copy=False))


def segments(repo: Repository, seen: Look, groups: Groups) -> tuple[Segment, ...]:
    """Return how well each group is predicted, beside the same group of the reference."""
    found: list[tuple[str, int, tuple[Reading, ...]]] = []
    for place, name in enumerate(groups.names):
        some = part(seen.answers, groups.codes == place)
        if not some.rows:
            continue
        readings: tuple[Reading, ...] = ()
        if some.rows >= seen.settings.min_labels:
            before = _before(repo, seen.past, f"{groups.column}={name}")
            readings = verdict.by_labels(before, reference.of(some))
        found.append((name, some.rows, readings))
    metrics = verdict.deciding(seen.before)
    decided = verdict.decide([readings for _, _, readings in found], metrics, seen.settings)
    return tuple(
        Segment(groups.column, name, rows, readings)
        for (name, rows, _), readings in zip(found, decided, strict=True)
    )


def _before(repo: Repository, past: Past | None, name: str) -> Measures:
    """Return the metrics of the same slice of the reference; none where it has it not."""
    if past is None or past.answers is None or past.evaluation.slice(name) is None:
        return {}
    return reference.of(kept.answers_of(repo, past.evaluation, name))


def gaps(seen: Look, groups: Groups) -> tuple[Gap, ...]:
    """Return the differences between groups in each window, by fairlearn's definitions."""
    found = [gap for cut in seen.cuts for gap in _of_window(seen, groups, cut)]
    unit = seen.before["mae"].value if "mae" in seen.before else 1.0
    tested = [place for place, one in enumerate(found) if one.q is not None]
    p_values = [one.q for one in found if one.q is not None]
    for place, q in zip(tested, q_values(p_values), strict=True):
        one = found[place]
        more = (one.value or 0.0) - (one.before or 0.0)
        sure = q < seen.settings.q
        found[place] = replace(one, q=q, grown=sure and more >= seen.settings.gap * unit)
    return tuple(found)


def _of_window(seen: Look, groups: Groups, cut: Cut) -> Iterator[Gap]:
    import numpy as np

    first, end = cut.known_first, cut.known_end
    codes = groups.codes[first:end]
    here = np.unique(codes)
    if len(codes) < seen.settings.min_labels or len(here) < 2:
        return
    names = tuple(groups.names[place] for place in here)
    some = Groups(groups.column, names, np.searchsorted(here, codes))
    before = _known(seen.past, groups.column)
    times = seen.known.times_us
    for name, one in fairness.compare(within(seen.answers, first, end), some).items():
        if name.endswith("_difference"):
            past = before.get(name)
            yield Gap(
                column=groups.column,
                metric=name,
                start=moment(int(times[first]) * 1000),
                end=moment(int(times[end - 1]) * 1000),
                groups=len(names),
                value=one.value,
                low=one.low,
                high=one.high,
                before=None if past is None else past.value,
                q=_p_value(past, one),
            )


def small(seen: Look, groups: Groups) -> Iterator[str]:
    """Yield how many groups have few labels in the newest window whose gaps are told, if any."""
    import numpy as np

    least = seen.settings.min_labels
    told = [cut for cut in seen.cuts if cut.known_end - cut.known_first >= least]
    if not told:
        return
    codes = groups.codes[told[-1].known_first : told[-1].known_end]
    rows = np.bincount(codes[codes >= 0], minlength=len(groups.names))
    here, few = int((rows > 0).sum()), int(((rows > 0) & (rows < FEW)).sum())
    if few:
        yield (
            f"{groups.column}: {few} of {here} groups have fewer than {FEW} labels in the newest"
            " window, so gaps between them say little"
        )


def _known(past: Past | None, column: str) -> dict[str, Estimate]:
    every = () if past is None else past.evaluation.fairness
    return dict(next((one.metrics for one in every if one.column == column), {}))


def _p_value(before: Estimate | None, now: Estimate) -> float | None:
    if before is None or before.value is None or now.value is None:
        return None
    error = sqrt(_error(before) ** 2 + _error(now) ** 2)
    grown = now.value - before.value
    if not error or grown <= 0:
        return 1.0
    return erfc(grown / error / sqrt(2))


def _error(one: Estimate) -> float:
    """Return the standard error that an interval is made of, where it is not cut off."""
    if one.value is None or one.low is None or one.high is None:
        return 0.0
    return max(one.high - one.value, one.value - one.low) / _Z
