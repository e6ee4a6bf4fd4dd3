"""Whether the columns of a table still have the distributions that they had in another.

A column has drifted when a difference is there and matters: when its test, corrected for the
number of tests, is significant, and the difference is large enough to care about. Either alone
misleads: with few rows large differences arise by chance, with many rows trifles are significant.
`docs/design/drift.md` says how often this is wrong, measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mlops_cli.core.config import DriftSettings
from mlops_cli.errors import RequestError
from mlops_cli.monitor import columns, verdicts
from mlops_cli.monitor.distribution import Table, repeated
from mlops_cli.monitor.numeric import Asked
from mlops_cli.monitor.statistics.false_discovery import q_values
from mlops_cli.monitor.tested import Tested
from mlops_cli.monitor.verdicts import ColumnDrift, Verdict

if TYPE_CHECKING:
    import pandas as pd

_THREADS = 4
_MANY_CELLS = 200_000
_FEW_ROWS = 2_000
"""Smaller tables are done sooner than threads are started."""
_PAIRS = 2_500
"""Of more pairs of names it is not looked which are alike."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What is to be said of a table: a verdict, why, and its columns, the worst first.

    `new_columns` are in the current data only, and are not compared with anything.
    """

    verdict: Verdict
    reason: str
    reference_rows: int
    current_rows: int
    settings: DriftSettings
    columns: tuple[ColumnDrift, ...]
    new_columns: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing that was asked about is known to have changed or defies comparison."""
        return self.verdict not in ("drift", "not comparable")


def compare(
    reference: Table,
    current: Table,
    settings: DriftSettings | None = None,
    *,
    importance: Mapping[str, float] | None = None,
    asked: Asked | None = None,
) -> DriftReport:
    """Return how the columns of `reference` are distributed in `current`.

    Numbers are compared by the Anderson-Darling test, categories by the chi-square test of
    homogeneity, and in both how much is missing. A column has drifted when q < `settings.q` and
    the effect is at least `settings.effect`; from `settings.warn` on there is a warning.

    Args:
        reference: what is held to be usual.
        current: what is asked about.
        settings: the bounds.
        importance: how much a model makes of its columns, in any unit; the sign is not looked at.
        asked: what more is to be told of each column.

    Raises:
        RequestError: the tables share no column, or one has two columns of the same name.
    """
    settings = settings or DriftSettings()
    check(reference.names, current.names)
    tested = each_column(reference, current, settings, asked)
    q = iter(q_values([one.p for column in tested.values() for one in column.results]))
    weights = verdicts.shares(importance)
    judged = [
        verdicts.judge(name, one, [next(q) for _ in one.results], settings, weights.get(name))
        for name, one in tested.items()
    ]
    judged.sort(key=verdicts.badness)
    too_few = columns.too_few_rows(reference.rows, current.rows, settings.min_rows)
    verdict, reason = verdicts.overall(judged, too_few, settings)
    known = set(reference.names)
    return DriftReport(
        verdict=verdict,
        reason=reason,
        reference_rows=reference.rows,
        current_rows=current.rows,
        settings=settings,
        columns=tuple(judged),
        new_columns=tuple(name for name in current.names if name not in known),
    )


def compare_frames(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    settings: DriftSettings | None = None,
    *,
    importance: Mapping[str, float] | None = None,
    asked: Asked | None = None,
) -> DriftReport:
    """Return the same of two data frames.

    >>> import pandas as pd
    >>> before = pd.DataFrame({"age": [*range(30)] * 2, "city": ["Bonn", "Ulm", "Trier"] * 20})
    >>> after = before.assign(age=before["age"] + 15)
    >>> [(one.name, one.verdict, one.effect) for one in compare_frames(before, after).columns]
    [('age', 'drift', 0.5), ('city', 'ok', 0.0)]
    """
    from mlops_cli.monitor.sources.frame import of_frame

    return compare(
        of_frame(reference), of_frame(current), settings, importance=importance, asked=asked
    )


def each_column(
    reference: Table, current: Table, settings: DriftSettings, asked: Asked | None = None
) -> dict[str, Tested]:
    """Return the tests of each column of the reference, by name."""
    there = set(current.names)
    renamed = likely_renamed(reference.names, current.names)

    def one(name: str) -> Tested:
        before = reference.column(name)
        if name in there:
            now = current.column(name)
            return columns.compare(before, now, min_rows=settings.min_rows, asked=asked)
        return Tested(before.kind, mismatch="not in the current data" + renamed.get(name, ""))

    threads = threads_for(reference.rows + current.rows, len(reference.names))
    found = in_threads(one, reference.names, threads=threads)
    return dict(zip(reference.names, found, strict=True))


def threads_for(rows: int, names: int) -> int:
    """Return by how many threads so many rows of so many columns are best compared.

    Columns of few rows are work for the interpreter, which only one thread does at a time.
    """
    many = rows * names > _MANY_CELLS and rows > _FEW_ROWS
    return min(_THREADS, len(os.sched_getaffinity(0))) if many else 1


def in_threads(do: Callable[[str], _T], names: Sequence[str], *, threads: int) -> list[_T]:
    """Return what `do` makes of each name, by so many threads."""
    if threads == 1:
        return [do(name) for name in names]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(do, names))


def check(reference: Sequence[str], current: Sequence[str]) -> None:
    """Refuse names of columns that cannot be compared.

    Raises:
        RequestError: a name is there twice, or none is on both sides.
    """
    for names, side in ((reference, "reference"), (current, "current data")):
        twice = repeated(names)
        if twice is not None:
            raise RequestError(
                f"the {side} has more than one column '{twice}'",
                hint="rename one of them, so that it is known which to compare",
            )
    if not set(reference) & set(current):
        raise RequestError(
            "the reference and the current data have no column in common",
            hint="check that both are tables of the same things, with a line of column names",
        )


def likely_renamed(reference: Sequence[str], current: Sequence[str]) -> dict[str, str]:
    """Return, for columns that are gone, the question whether a new one is the same.

    >>> likely_renamed(["a", "mean_size"], ["a", "Mean Size"])
    {'mean_size': "; was it renamed to 'Mean Size'?"}
    """
    from difflib import get_close_matches

    here, there = set(reference), set(current)
    gone = [name for name in reference if name not in there]
    new = [name for name in current if name not in here]
    bare = {_bare(name): name for name in new}
    found = {name: bare[_bare(name)] for name in gone if _bare(name) in bare}
    if len(gone) * len(new) <= _PAIRS:
        for name in gone:
            close = get_close_matches(name, new, n=1)
            if name not in found and close:
                found[name] = close[0]
    return {name: f"; was it renamed to '{other}'?" for name, other in found.items()}


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
