"""The tests of a column of numbers or booleans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import categories
from mlops_cli.monitor.distribution import Distribution, Pair, pair
from mlops_cli.monitor.statistics import binning, distances, gaps, histogram, ks, means
from mlops_cli.monitor.statistics.gaps import Gaps
from mlops_cli.monitor.tested import ColumnKind, OtherTest, Result, Tested, counted, percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEW_CODES = 20
"""Whole numbers of no more distinct values may be codes, and are tested as categories too."""
_BINS = 10
_CHANCE = 1e-6
_SKETCHED = 0.05
"""By how much the number of distinct values may be off where it is an estimate."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is to be told of a column: bins of its shape, distances, and tests of all kinds."""

    bins: int = histogram.BINS
    distances: bool = True
    every: bool = False


def compare(
    kind: ColumnKind, reference: Distribution, current: Distribution, asked: Asked
) -> Tested:
    """Return the tests of two columns, each with a value at least, of the same kind."""
    shapes = histogram.of_numbers(reference, current, asked.bins)
    notes = [counted(current.infinite, "infinite value")] if current.infinite else []
    if len(reference.values) == 1 and (reference.values[0] == current.values).all():
        notes.append(f"always {reference.values[0]:.6g}")
        return Tested(kind, note="; ".join(notes), shapes=shapes)
    off = reference.error + current.error
    if off:
        notes.append(f"effect is exact to {off:.3f}")
    found = gaps.between(reference, current)
    change = _changed(kind, reference, current, found.distance)
    results = [
        Result("anderson-darling", found.test.statistic, found.test.p, found.distance, change)
    ]
    if kind == "number" and _few_codes(reference.values) and _few_codes(current.values):
        results += _as_codes(pair(reference, current))
    tested = Tested(kind, tuple(results), note="; ".join(notes), shapes=shapes)
    if asked.distances:
        tested = replace(tested, distances=apart(reference, current, found))
    if asked.every:
        tested = replace(tested, others=other_tests(pair(reference, current)))
    return tested


def never_repeat(one: Distribution) -> bool:
    """Return whether a column of numbers holds whole numbers that are keys: row numbers, ids.

    No two are equal, although so many drawn from their range by chance would not be spared an
    equal pair: not once in a million times, were all equally likely, and less often otherwise.
    """
    import numpy as np

    rows = one.present
    all_distinct = one.distinct >= rows * (1 - _SKETCHED if one.error else 1)
    if one.kind != "number" or not all_distinct or one.infinite or rows < 2:
        return False
    reach = float(one.values[-1]) - float(one.values[0]) + 1
    if rows * (rows - 1) / (2 * reach) < -np.log(_CHANCE):
        return False
    return bool((one.values == np.floor(one.values)).all())


def apart(reference: Distribution, current: Distribution, found: Gaps) -> dict[str, float]:
    """Return the distances of two columns of numbers by name; of infinite values none in a unit.

    `found` is what lies between them.
    """
    import numpy as np

    first = histogram.finite_part(reference.values, reference.counts)
    second = histogram.finite_part(current.values, current.counts)
    told = {"kolmogorov-smirnov": found.distance}
    if not (len(first[0]) and len(second[0])):
        return told
    edges = binning.quantile_edges(*first, _BINS)
    bins = [binning.binned(one.values, one.counts, edges) for one in (reference, current)]
    of = f"{len(edges) + 1} bins by deciles of the reference"
    told[f"psi ({of})"] = distances.population_stability(*bins)
    told[f"jensen-shannon ({of})"] = distances.jensen_shannon(*bins)
    told[f"hellinger ({of})"] = distances.hellinger(*bins)
    far = found.area
    if reference.infinite or current.infinite:
        far = distances.wasserstein(*_finite_pair(reference, current))
    if not np.isfinite(far):
        return told
    told["wasserstein (unit of the column)"] = far
    deviation = means.deviation(*first)
    if deviation > 0 and np.isfinite(far / deviation):
        told["wasserstein (standard deviations of the reference)"] = far / deviation
    return told


def _finite_pair(
    reference: Distribution, current: Distribution
) -> tuple[Floats, NDArray[Any], NDArray[Any]]:
    both = pair(reference, current)
    values, first = histogram.finite_part(both.values, both.first)
    return values, first, histogram.finite_part(both.values, both.second)[1]


def other_tests(both: Pair) -> tuple[OtherTest, ...]:
    """Return what other tests find in a column of numbers; they decide nothing."""
    largest = ks.of_counts(both.first, both.second)
    found = [OtherTest("kolmogorov-smirnov", largest.distance, largest.p)]
    values, first = histogram.finite_part(both.values, both.first)
    second = histogram.finite_part(both.values, both.second)[1]
    if min(first.sum(), second.sum()) >= 2:
        mean = means.two_means(values, first, second)
        found.append(OtherTest("z-test of means", mean.z, mean.p))
    if len(both.values) <= FEW_CODES:
        found += categories.other_tests(both.first, both.second)
    return tuple(found)


def _few_codes(values: Floats) -> bool:
    import numpy as np

    if len(values) > FEW_CODES:
        return False
    return bool(np.isfinite(values).all() and (values == np.floor(values)).all())


def _as_codes(both: Pair) -> list[Result]:
    """Return the test of whole numbers as categories; none where they are too many, or only two."""
    import numpy as np

    if not 2 < len(both.values) <= FEW_CODES:
        return []
    order = np.argsort(-(both.first + both.second), kind="stable")
    names = [f"{both.values[i]:.6g}" for i in order]
    return [categories.chi_square(names, both.first[order], both.second[order])]


def _changed(
    kind: ColumnKind, reference: Distribution, current: Distribution, distance: float
) -> str:
    """Return what changed, in words: how many are infinite, if that is half of it or more."""
    if kind == "boolean":
        return _shifted(reference, current)
    before, now = (one.infinite / one.present for one in (reference, current))
    if before != now and abs(now - before) >= distance / 2:
        return f"infinite {percent(before)} -> {percent(now)}"
    return _moved(reference, current)


def _moved(reference: Distribution, current: Distribution) -> str:
    """Return how the middle changed, or how the spread did if that changed more."""
    first = histogram.finite_part(reference.values, reference.counts)
    second = histogram.finite_part(current.values, current.counts)
    if not (len(first[0]) and len(second[0])):
        return "nothing finite"
    low, middle, high = histogram.quantiles(*first, (0.25, 0.5, 0.75))
    new_low, new_middle, new_high = histogram.quantiles(*second, (0.25, 0.5, 0.75))
    spread, new_spread = high - low, new_high - new_low
    if abs(new_spread - spread) > 2 * abs(new_middle - middle):
        return f"spread {spread:.4g} -> {new_spread:.4g}"
    return f"median {middle:.4g} -> {new_middle:.4g}"


def _shifted(reference: Distribution, current: Distribution) -> str:
    shares = [float(one.values @ one.counts) / one.counts.sum() for one in (reference, current)]
    return f"true {percent(shares[0])} -> {percent(shares[1])}"
