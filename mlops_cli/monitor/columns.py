"""The tests that one column of two tables is put to; what they mean together: see `drift`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import anderson_darling, categorical, histogram, kinds, ks
from mlops_cli.monitor.histogram import Shapes
from mlops_cli.monitor.kinds import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LEAST_EXPECTED = 5.0
"""Rarer categories are tested as one. Measured on unchanged data with 20 categories, 10,000 rows
against 100: with 2 here the test errs 1.5 times as often as it says, with 5 hardly more."""
MOST_CATEGORIES = 100
"""The rarest above these are tested as one."""
MOST_DISTINCT = 0.5
"""A column of texts of which a larger share is distinct holds names, not categories."""

_IN_WORDS: dict[Kind, str] = {
    "number": "numbers",
    "boolean": "true or false",
    "category": "text",
    "datetime": "dates",
    "empty": "nothing",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One test of one column: its name, what it found, and what changed, in words."""

    test: str
    statistic: float
    p: float
    effect: float
    change: str


@dataclass(frozen=True, slots=True)
class Tested:
    """All tests of one column, and why its values were not tested if they were not.

    `mismatch` says that the two sides cannot be the same column; `untestable` that such columns
    are not tested at all; `too_few` that there is not enough to test.
    """

    kind: Kind
    results: tuple[Result, ...] = ()
    mismatch: str = ""
    untestable: str = ""
    too_few: str = ""
    note: str = ""
    shapes: Shapes | None = None


def test(reference: pd.Series[Any], current: pd.Series[Any], *, min_rows: int) -> Tested:
    """Return what the tests find; those with fewer than `min_rows` on a side are left out."""
    here, there = kinds.kind_of(reference), kinds.kind_of(current)
    kind = here if here != "empty" else there
    missing = _missing(reference, current, min_rows)
    if "empty" in (here, there):
        if here == there:
            return Tested(kind, untestable="no value on either side")
        side = "reference" if here == "empty" else "current data"
        return Tested(kind, missing, too_few=f"no value in the {side}")
    if {here, there} == {"number", "boolean"}:
        kind = "number"
    elif here != there:
        words = f"{_IN_WORDS[here]} in the reference, {_IN_WORDS[there]} in the current data"
        return Tested(kind, missing, mismatch=words)
    if kind == "datetime":
        return Tested(kind, missing, untestable="dates move on by themselves")
    present = int(reference.notna().sum()), int(current.notna().sum())
    tested = (
        _categories(reference, current)
        if kind == "category"
        else _numbers(kind, reference, current)
    )
    too_few = too_few_rows(*present, min_rows)
    if too_few:
        return Tested(kind, missing, too_few=too_few, note=tested.note, shapes=tested.shapes)
    return Tested(
        kind,
        (*tested.results, *missing),
        untestable=tested.untestable,
        note=tested.note,
        shapes=tested.shapes,
    )


def too_few_rows(reference: int, current: int, min_rows: int) -> str:
    """Return why two samples of these sizes are too small to compare; empty if they are not.

    >>> too_few_rows(400, 12, 50)
    '12 rows in the current data, 50 are needed'
    """
    for rows, side in ((current, "current data"), (reference, "reference")):
        if rows < min_rows:
            return f"{rows} row{'' if rows == 1 else 's'} in the {side}, {min_rows} are needed"
    return ""


def _numbers(kind: Kind, reference: pd.Series[Any], current: pd.Series[Any]) -> Tested:
    import numpy as np

    first, second = kinds.numbers(reference), kinds.numbers(current)
    shapes = histogram.of_numbers(first, second)
    infinite = int(np.isinf(second).sum())
    note = f"{infinite} infinite value{'' if infinite == 1 else 's'}" if infinite else ""
    low = min(first.min(), second.min())
    if low == max(first.max(), second.max()):
        return Tested(kind, note=f"always {low:.6g}", shapes=shapes)
    found = anderson_darling.two_sample(first, second)
    change = _moved(first, second) if kind == "number" else _shifted(first, second)
    effect = ks.distance(first, second)
    result = Result("anderson-darling", found.statistic, found.p, effect, change)
    return Tested(kind, (result,), note=note, shapes=shapes)


def _categories(reference: pd.Series[Any], current: pd.Series[Any]) -> Tested:
    names, first, second = kinds.counts(reference, current)
    shapes = histogram.of_categories(names, first, second)
    if len(names) == 1:
        return Tested("category", note=f"always '{_short(names[0])}'", shapes=shapes)
    distinct = max((first > 0).sum() / first.sum(), (second > 0).sum() / second.sum())
    if distinct > MOST_DISTINCT:
        return Tested(
            "category",
            untestable=f"{distinct:.0%} of the values are distinct: names, not categories",
        )
    kept = categorical.kept_apart(first, second, expected=LEAST_EXPECTED, most=MOST_CATEGORIES)
    a, b = _merged(first, kept), _merged(second, kept)
    found = categorical.homogeneity(a, b)
    effect = categorical.total_variation(a, b)
    change = _largest_change(names, first, second)
    unseen = [name for name, count in zip(names, first, strict=True) if not count]
    note = f"{len(unseen)} new value{'' if len(unseen) == 1 else 's'}" if unseen else ""
    result = Result("chi-square", found.statistic, found.p, effect, change)
    return Tested("category", (result,), note=note, shapes=shapes)


def _merged(counts: NDArray[np.int64], kept: int) -> NDArray[np.int64]:
    import numpy as np

    return counts if kept == len(counts) else np.append(counts[:kept], counts[kept:].sum())


def _missing(
    reference: pd.Series[Any], current: pd.Series[Any], min_rows: int
) -> tuple[Result, ...]:
    """Return the test of how much is missing; none when nothing is, or all, or rows are few."""
    import numpy as np

    gone = np.array([int(reference.isna().sum()), int(current.isna().sum())])
    rows = np.array([len(reference), len(current)])
    if rows.min() < min_rows or not gone.any() or (gone == rows).all():
        return ()
    here, there = np.stack((gone, rows - gone), axis=1)
    found = categorical.homogeneity(here, there)
    effect = categorical.total_variation(here, there)
    change = f"missing {_percent(gone[0] / rows[0])} -> {_percent(gone[1] / rows[1])}"
    return (Result("missing values", found.statistic, found.p, effect, change),)


def _moved(first: NDArray[np.float64], second: NDArray[np.float64]) -> str:
    """Return how the middle changed, or how the spread did if that changed more."""
    import numpy as np

    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    if not (len(first) and len(second)):
        return "nothing finite"
    middle, new_middle = histogram.quantile(first, 0.5), histogram.quantile(second, 0.5)
    spread = histogram.quantile(first, 0.75) - histogram.quantile(first, 0.25)
    new_spread = histogram.quantile(second, 0.75) - histogram.quantile(second, 0.25)
    if abs(new_spread - spread) > 2 * abs(new_middle - middle):
        return f"spread {spread:.4g} -> {new_spread:.4g}"
    return f"median {middle:.4g} -> {new_middle:.4g}"


def _shifted(first: NDArray[np.float64], second: NDArray[np.float64]) -> str:
    return f"true {_percent(first.mean())} -> {_percent(second.mean())}"


def _largest_change(names: list[str], first: NDArray[np.int64], second: NDArray[np.int64]) -> str:
    import numpy as np

    before, after = first / first.sum(), second / second.sum()
    i = int(np.abs(after - before).argmax())
    return f"'{_short(names[i])}' {_percent(before[i])} -> {_percent(after[i])}"


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:17] + "..."


def _percent(share: float) -> str:
    """Return a share for people.

    >>> _percent(0.2), _percent(0.004), _percent(0.0)
    ('20 %', '0.4 %', '0 %')
    """
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
