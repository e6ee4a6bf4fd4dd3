"""Whether the columns of a table still have the distributions that they had in another.

A column has drifted when a difference is there and matters: when its test, corrected for the
number of tests, is significant, and the difference is large enough to care about. Either alone
misleads: with few rows large differences arise by chance, with many rows trifles are significant.
`docs/design/drift.md` says how often this is wrong, measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlops_cli.core.config import DriftSettings
from mlops_cli.errors import RequestError
from mlops_cli.monitor import columns
from mlops_cli.monitor.columns import Result, Tested
from mlops_cli.monitor.false_discovery import q_values
from mlops_cli.monitor.histogram import Shapes
from mlops_cli.monitor.kinds import Kind, kind_of

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["drift", "not comparable", "warn", "too few rows", "ok", "not tested"]
_WORST_FIRST: tuple[Verdict, ...] = (
    "drift",
    "not comparable",
    "warn",
    "too few rows",
    "ok",
    "not tested",
)


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """What is to be said of one column.

    Attributes:
        test: the test that decided, None when none was done. Statistic, p, q, effect and change
            are its own: `anderson-darling` (A², standardized), `chi-square` and `missing values`
            (Pearson's statistic). The effect is the largest gap of the distribution functions,
            or of categories the total variation.
        q: p corrected for all tests of the report, by Benjamini and Hochberg.
        effect: how much differs, in 0..1.
        change: what changed, in words.
        reason: why there is no test, or what else there is to know.
    """

    name: str
    kind: Kind
    verdict: Verdict
    test: str | None = None
    statistic: float | None = None
    p: float | None = None
    q: float | None = None
    effect: float | None = None
    change: str = ""
    reason: str = ""
    shapes: Shapes | None = None


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
    reference: pd.DataFrame, current: pd.DataFrame, settings: DriftSettings | None = None
) -> DriftReport:
    """Return how the columns of `reference` are distributed in `current`.

    Numbers are compared by the Anderson-Darling test, categories by the chi-square test of
    homogeneity, and in both how much is missing. A column has drifted when q < `settings.q` and
    the effect is at least `settings.effect`; from `settings.warn` on there is a warning.

    Raises:
        RequestError: the tables share no column, or one has two columns of the same name.

    >>> import pandas as pd
    >>> before = pd.DataFrame({"age": range(20, 80), "city": ["Bonn", "Ulm", "Trier"] * 20})
    >>> after = pd.DataFrame({"age": range(50, 110), "city": ["Bonn", "Trier", "Ulm"] * 20})
    >>> [(column.name, column.verdict, column.effect) for column in compare(before, after).columns]
    [('age', 'drift', 0.5), ('city', 'ok', 0.0)]
    """
    settings = settings or DriftSettings()
    _check(reference, current)
    tested = {
        str(name): columns.test(reference[name], current[name], min_rows=settings.min_rows)
        if name in current.columns
        else _absent(reference, current, name)
        for name in reference.columns
    }
    q = iter(q_values([one.p for column in tested.values() for one in column.results]))
    judged = [
        _judge(name, column, [next(q) for _ in column.results], settings)
        for name, column in tested.items()
    ]
    judged.sort(key=_badness)
    verdict, reason = _overall(judged, len(reference), len(current), settings)
    return DriftReport(
        verdict=verdict,
        reason=reason,
        reference_rows=len(reference),
        current_rows=len(current),
        settings=settings,
        columns=tuple(judged),
        new_columns=tuple(str(name) for name in current.columns if name not in reference.columns),
    )


def _check(reference: pd.DataFrame, current: pd.DataFrame) -> None:
    for frame, side in ((reference, "reference"), (current, "current data")):
        repeated = frame.columns[frame.columns.duplicated()]
        if len(repeated):
            raise RequestError(f"the {side} has more than one column '{repeated[0]}'")
    if not reference.columns.intersection(current.columns).size:
        raise RequestError(
            "the reference and the current data have no column in common",
            hint="check that both are tables of the same things, with a line of column names",
        )


def _absent(reference: pd.DataFrame, current: pd.DataFrame, name: object) -> Tested:
    from difflib import get_close_matches

    new = [str(other) for other in current.columns if other not in reference.columns]
    close = get_close_matches(str(name), new, n=1)
    renamed = f"; was it renamed to '{close[0]}'?" if close else ""
    return Tested(kind_of(reference[name]), mismatch="not in the current data" + renamed)


def _judge(name: str, tested: Tested, q: list[float], settings: DriftSettings) -> ColumnDrift:
    """Return the verdict on a column: that of its worst test, unless nothing could be tested."""
    found = [
        (_verdict(one, q_, settings), one, q_) for one, q_ in zip(tested.results, q, strict=True)
    ]
    found.sort(key=lambda each: (_WORST_FIRST.index(each[0]), each[2], -each[1].effect))
    verdict: Verdict = found[0][0] if found else "ok"
    if verdict != "drift":
        if tested.mismatch:
            verdict = "not comparable"
        elif tested.too_few and verdict != "warn":
            verdict = "too few rows"
        elif tested.untestable and verdict != "warn":
            verdict = "not tested"
    why = tested.mismatch or tested.too_few or tested.untestable
    reason = "; ".join(filter(None, (why, tested.note)))
    if not found:
        return ColumnDrift(name, tested.kind, verdict, reason=reason, shapes=tested.shapes)
    _, worst, q_worst = found[0]
    return ColumnDrift(
        name=name,
        kind=tested.kind,
        verdict=verdict,
        test=worst.test,
        statistic=worst.statistic,
        p=worst.p,
        q=q_worst,
        effect=worst.effect,
        change=worst.change,
        reason=reason,
        shapes=tested.shapes,
    )


def _verdict(result: Result, q: float, settings: DriftSettings) -> Verdict:
    if q >= settings.q or result.effect < min(settings.warn, settings.effect):
        return "ok"
    return "drift" if result.effect >= settings.effect else "warn"


def _badness(column: ColumnDrift) -> tuple[int, float]:
    return _WORST_FIRST.index(column.verdict), -(column.effect or 0.0)


def _overall(
    judged: list[ColumnDrift], reference_rows: int, current_rows: int, settings: DriftSettings
) -> tuple[Verdict, str]:
    """Return the verdict on the table and why; a table of which nothing was tested is not ok."""
    too_few = columns.too_few_rows(reference_rows, current_rows, settings.min_rows)
    by = {verdict: [c.name for c in judged if c.verdict == verdict] for verdict in _WORST_FIRST}
    mismatch = _some(by["not comparable"], len(judged)) + " cannot be compared"
    if by["drift"]:
        also = f"; {mismatch}" if by["not comparable"] else ""
        return "drift", _some(by["drift"], len(judged)) + " drifted" + also
    if by["not comparable"]:
        return "not comparable", mismatch
    if too_few:
        return "too few rows", too_few
    if by["warn"]:
        return "warn", _some(by["warn"], len(judged)) + " differ a little"
    if by["ok"]:
        left = len(by["too few rows"]) + len(by["not tested"])
        return "ok", "no column drifted" + (f"; {left} could not be tested" if left else "")
    if by["too few rows"]:
        return "too few rows", f"no column has {settings.min_rows} values on both sides"
    return "not comparable", "there is no column that can be tested"


def _some(names: list[str], of: int) -> str:
    """Return how many columns and the first of them by name.

    >>> _some(["a", "b", "c", "d"], 9), _some(["a"], 1)
    ('4 of 9 columns (a, b, c, ...)', '1 of 1 column (a)')
    """
    listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} of {of} column{'' if of == 1 else 's'} ({listed})"
