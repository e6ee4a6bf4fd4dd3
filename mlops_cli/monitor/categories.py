"""The tests of a column of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import distribution
from mlops_cli.monitor.distribution import OTHERS, Distribution
from mlops_cli.monitor.statistics import categorical, distances, histogram
from mlops_cli.monitor.tested import OtherTest, Result, Tested, counted, percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[Any]

LEAST_EXPECTED = 5.0
"""Rarer categories are tested as one. Measured on unchanged data with 20 categories, 10,000 rows
against 100: with 2 here the test errs 1.5 times as often as it says, with 5 hardly more."""
MOST_CATEGORIES = 100
"""The rarest above these are tested as one."""
_NAMED = 3


def compare(reference: Distribution, current: Distribution, *, every: bool = False) -> Tested:
    """Return the tests of two columns of categories, each with a value at least."""
    names, first, second = distribution.categories(reference, current)
    shapes = histogram.of_categories(names, first, second)
    if len(names) == 1:
        return Tested("category", note=f"always '{short(names[0])}'", shapes=shapes)
    return replace(
        Tested(
            "category",
            (chi_square(names, first, second),),
            note=_came_and_went(names, first, second),
        ),
        shapes=shapes,
        distances=apart(first, second),
        others=tuple(other_tests(first, second)) if every else (),
    )


def chi_square(names: Sequence[str], first: Counts, second: Counts) -> Result:
    """Return the test of homogeneity, rare categories taken together.

    Args:
        names: the categories, the commonest of both together first.
        first: how often each is in one sample, in that order.
        second: how often each is in the other.
    """
    a, b = _tested(first, second)
    found = categorical.homogeneity(a, b)
    effect = categorical.total_variation(a, b)
    return Result("chi-square", found.statistic, found.p, effect, _change(names, first, second))


def other_tests(first: Counts, second: Counts) -> list[OtherTest]:
    """Return what other tests find in counts of categories; they decide nothing.

    Of two categories, the test of proportions is that of the last.
    """
    import numpy as np

    order = np.argsort(-(first + second), kind="stable")
    a, b = _tested(first[order], second[order])
    found, likely = categorical.homogeneity(a, b), categorical.likelihood_ratio(a, b)
    tests = [
        OtherTest("chi-square", found.statistic, found.p),
        OtherTest("g-test", likely.statistic, likely.p),
    ]
    if len(first) == 2:
        hits = [(int(each[-1]), int(each.sum())) for each in (first, second)]
        tests.append(OtherTest("z-test of proportions", *categorical.two_proportions(*hits)))
    return tests


def apart(first: Counts, second: Counts) -> dict[str, float]:
    """Return the distances of two columns of categories, by name."""
    return {
        "total variation (each category)": categorical.total_variation(first, second),
        "psi (each category)": distances.population_stability(first, second),
        "jensen-shannon (each category)": distances.jensen_shannon(first, second),
        "hellinger (each category)": distances.hellinger(first, second),
    }


def short(name: str) -> str:
    """Return a category's name, cut if it is long."""
    return name if len(name) <= 20 else name[:17] + "..."


def _tested(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    kept = categorical.kept_apart(first, second, expected=LEAST_EXPECTED, most=MOST_CATEGORIES)
    return _merged(first, kept), _merged(second, kept)


def _merged(counts: Counts, kept: int) -> Counts:
    import numpy as np

    return counts if kept == len(counts) else np.append(counts[:kept], counts[kept:].sum())


def _change(names: Sequence[str], first: Counts, second: Counts) -> str:
    import numpy as np

    before, after = first / first.sum(), second / second.sum()
    i = int(np.abs(after - before).argmax())
    return f"'{short(names[i])}' {percent(before[i])} -> {percent(after[i])}"


def _came_and_went(names: Sequence[str], first: Counts, second: Counts) -> str:
    """Return which categories only one side has, by name."""
    if names[-1] == OTHERS:
        return ""  # what is not told may be among the others
    new = [name for name, count in zip(names, first, strict=True) if not count]
    gone = [name for name, count in zip(names, second, strict=True) if not count]
    told = [f"{counted(len(new), 'new value')}: {_listed(new)}"] if new else []
    told += [f"{counted(len(gone), 'value')} gone: {_listed(gone)}"] if gone else []
    return "; ".join(told)


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _NAMED else ""
    return ", ".join(f"'{short(name)}'" for name in names[:_NAMED]) + more
