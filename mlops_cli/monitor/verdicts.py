"""What the tests of a column mean: whether a difference is there, and matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlops_cli.core.config import DriftSettings
from mlops_cli.monitor.statistics.histogram import Shapes
from mlops_cli.monitor.tested import ColumnKind, OtherTest, Result, Tested, percent

Verdict = Literal["drift", "not comparable", "warn", "too few rows", "ok", "not tested"]
WORST_FIRST: tuple[Verdict, ...] = (
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
            (Pearson's statistic), and those of `texts`, `repeats` and `rhythm`. The effect is
            the largest gap of the distribution functions, or of categories the total variation.
        q: p corrected for all tests of the report, by Benjamini and Hochberg.
        effect: how much differs, in 0..1.
        change: what changed, in words.
        reason: why there is no test, or what else there is to know.
        distances: how far apart by measures that decide nothing; a name says over which bins.
        others: tests that decide nothing, when they were asked for.
        importance: the share of the model's importance that the column bears, in 0..1, if known.
    """

    name: str
    kind: ColumnKind
    verdict: Verdict
    test: str | None = None
    statistic: float | None = None
    p: float | None = None
    q: float | None = None
    effect: float | None = None
    change: str = ""
    reason: str = ""
    shapes: Shapes | None = None
    distances: Mapping[str, float] = field(default_factory=dict)
    others: tuple[OtherTest, ...] = ()
    importance: float | None = None


def judge(
    name: str,
    tested: Tested,
    q: Sequence[float],
    settings: DriftSettings,
    importance: float | None = None,
) -> ColumnDrift:
    """Return the verdict on a column: that of its worst test, unless nothing could be tested.

    `q` is that of each of its tests.
    """
    found = [
        (_verdict(one, q_, settings), one, q_) for one, q_ in zip(tested.results, q, strict=True)
    ]
    found.sort(key=lambda each: (WORST_FIRST.index(each[0]), each[2], -each[1].effect))
    why = tested.mismatch or tested.too_few or tested.untestable
    worst, worst_q = (found[0][1], found[0][2]) if found else (None, None)
    return ColumnDrift(
        name=name,
        kind=tested.kind,
        verdict=_of_column(found[0][0] if found else "ok", tested),
        test=worst.test if worst else None,
        statistic=worst.statistic if worst else None,
        p=worst.p if worst else None,
        q=worst_q,
        effect=worst.effect if worst else None,
        change=worst.change if worst else "",
        reason="; ".join(filter(None, (why, tested.note))),
        shapes=tested.shapes,
        distances=tested.distances,
        others=tested.others,
        importance=importance,
    )


def _of_column(verdict: Verdict, tested: Tested) -> Verdict:
    if verdict == "drift":
        return verdict
    if tested.mismatch:
        return "not comparable"
    if verdict == "warn":
        return verdict
    if tested.too_few:
        return "too few rows"
    return "not tested" if tested.untestable else verdict


def _verdict(result: Result, q: float, settings: DriftSettings) -> Verdict:
    if q >= settings.q or result.effect < min(settings.warn, settings.effect):
        return "ok"
    return "drift" if result.effect >= settings.effect else "warn"


def badness(column: ColumnDrift) -> tuple[int, float, float]:
    """Return what sorts the worst column first: by verdict, then by what the model makes of it."""
    effect = column.effect or 0.0
    return WORST_FIRST.index(column.verdict), -(column.importance or 0.0) * effect, -effect


def shares(importance: Mapping[str, float] | None) -> dict[str, float]:
    """Return how much of all importance each column bears; nothing if that is not known.

    >>> shares({"a": 3.0, "b": -1.0})
    {'a': 0.75, 'b': 0.25}
    """
    sizes = {name: abs(value) for name, value in (importance or {}).items()}
    total = sum(sizes.values())
    return {name: size / total for name, size in sizes.items()} if 0 < total < float("inf") else {}


def overall(
    judged: Sequence[ColumnDrift], too_few: str, settings: DriftSettings
) -> tuple[Verdict, str]:
    """Return the verdict on the table and why; a table of which nothing was tested is not ok.

    `too_few` says that the table itself has too few rows, and is empty if it has not.
    """
    by = {verdict: [c for c in judged if c.verdict == verdict] for verdict in WORST_FIRST}
    mismatch = _some(by["not comparable"], len(judged)) + " cannot be compared"
    if by["drift"]:
        also = f"; {mismatch}" if by["not comparable"] else ""
        return "drift", _some(by["drift"], len(judged)) + " drifted" + _weight(by["drift"]) + also
    if by["not comparable"]:
        return "not comparable", mismatch
    if too_few:
        return "too few rows", too_few
    if by["warn"]:
        differ = "differs" if len(by["warn"]) == 1 else "differ"
        return "warn", f"{_some(by['warn'], len(judged))} {differ} a little" + _weight(by["warn"])
    if by["ok"]:
        left = len(by["too few rows"]) + len(by["not tested"])
        return "ok", "no column drifted" + (f"; {left} could not be tested" if left else "")
    if by["too few rows"]:
        return "too few rows", f"no column has {settings.min_rows} values on both sides"
    return "not comparable", "there is no column that can be tested"


def _some(columns: Sequence[ColumnDrift], of: int) -> str:
    """Return how many columns and the first of them by name.

    >>> _some([ColumnDrift(name, "number", "drift") for name in "abcd"], 9)
    '4 of 9 columns (a, b, c, ...)'
    """
    listed = ", ".join(one.name for one in columns[:3]) + (", ..." if len(columns) > 3 else "")
    return f"{len(columns)} of {of} column{'' if of == 1 else 's'} ({listed})"


def _weight(columns: Sequence[ColumnDrift]) -> str:
    return "".join(_weighed(columns))


def _weighed(columns: Sequence[ColumnDrift]) -> Iterator[str]:
    """Yield how much of the model's importance columns bear, and which of them the most."""
    known = [(one.importance, one.name) for one in columns if one.importance is not None]
    if not known:
        return
    yield f", {percent(sum(share for share, _ in known))} of the importance"
    if len(columns) > 1:
        share, name = max(known, key=lambda each: each[0])
        yield f" (most: {name}, {percent(share)})"
