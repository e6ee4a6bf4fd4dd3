"""The tests that one column of two tables is put to; what they mean together: see `drift`."""

from __future__ import annotations

from dataclasses import replace

from mlops_cli.monitor import categories, numeric, repeats, rhythm, texts, words
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.numeric import Asked
from mlops_cli.monitor.statistics import categorical
from mlops_cli.monitor.tested import Result, Tested, counted, percent

_IN_WORDS: dict[Kind, str] = {
    "number": "numbers",
    "boolean": "true or false",
    "category": "text",
    "datetime": "dates",
    "empty": "nothing",
}
_MOSTLY = 0.5


def compare(
    reference: Distribution, current: Distribution, *, min_rows: int, asked: Asked | None = None
) -> Tested:
    """Return what the tests find; those with fewer than `min_rows` on a side are left out."""
    here, there = reference.kind, current.kind
    kind = here if here != "empty" else there
    missing = _missing(reference, current, min_rows)
    if "empty" in (here, there):
        if here == there:
            return Tested(kind, untestable="no value on either side")
        side = "reference" if here == "empty" else "current data"
        return Tested(kind, missing, too_few=f"no value in the {side}")
    if {here, there} == {"number", "boolean"}:
        kind = "number"
    elif {here, there} == {"datetime", "category"} and (reference.names or current.names):
        return Tested("id", missing, untestable="dates on one side, on the other only their text")
    elif here != there:
        return Tested(kind, missing, mismatch=_retyped(reference, current))
    too_few = too_few_rows(reference.present, current.present, min_rows)
    if not too_few and (reference.names or current.names):
        return _with(_of_names(reference, current), missing)
    if not too_few and numeric.never_repeat(reference):
        why = "whole numbers that never repeat: ids, not amounts"
        return Tested("id", missing, untestable=why)
    tested = _values(kind, reference, current, asked or Asked())
    if too_few and not tested.untestable:
        note = "" if reference.names or current.names else tested.note
        return replace(tested, results=missing, too_few=too_few, note=note)
    return _with(tested, missing)


def _with(tested: Tested, missing: tuple[Result, ...]) -> Tested:
    return replace(tested, results=(*tested.results, *missing))


def too_few_rows(reference: int, current: int, min_rows: int) -> str:
    """Return why two samples of these sizes are too small to compare; empty if they are not.

    >>> too_few_rows(400, 12, 50)
    '12 rows in the current data, 50 are needed'
    """
    for rows, side in ((current, "current data"), (reference, "reference")):
        if rows < min_rows:
            return f"{counted(rows, 'row')} in the {side}, {min_rows} are needed"
    return ""


def _retyped(reference: Distribution, current: Distribution) -> str:
    """Return that two columns hold other kinds of values, and whether only a few of them are."""
    told = []
    for one, side in ((reference, "reference"), (current, "current data")):
        share = _reads_as_numbers(one)
        shown = percent(share if share == 1 else min(share, 0.99))
        also = f" ({shown} of it reads as numbers)" if share else ""
        told.append(f"{_IN_WORDS[one.kind]} in the {side}{also}")
    return ", ".join(told)


def _mixed(reference: Distribution, current: Distribution) -> str:
    """Return that most texts are numbers and some are not, which may be a mistake."""
    for one, side in ((current, "current data"), (reference, "reference")):
        share = _reads_as_numbers(one)
        if _MOSTLY <= share < 1:
            return f"mixed types: {percent(min(share, 0.99))} of the {side} reads as numbers"
    return ""


def _reads_as_numbers(one: Distribution) -> float:
    if one.words is not None:
        return one.words.numbers / one.words.rows
    rows = sum(count for text, count in one.categories.items() if words.reads_as_number(text))
    return rows / one.present if one.present else 0.0


def _of_names(reference: Distribution, current: Distribution) -> Tested:
    """Return the tests of names or text, where one side at least holds such."""
    changed = repeats.compare(reference, current)
    results = (changed,) if changed else ()
    before, now = words.of_column(reference), words.of_column(current)
    is_text = any(
        one.names and found is not None and found.make_text
        for one, found in ((reference, before), (current, now))
    )
    if is_text and before is not None and now is not None:
        return _with(texts.compare(reference, current, before, now), results)
    return Tested("id", results, untestable=_names_of(reference, current))


def _names_of(reference: Distribution, current: Distribution) -> str:
    sides = [one for one in (reference, current) if one.names]
    where = "" if len(sides) == 2 else f" in the {'current data' if current.names else 'reference'}"
    distinct = max(one.distinct / one.present for one in sides)
    return f"{percent(distinct)} of the values{where} are distinct: names, not categories"


def _values(kind: Kind, reference: Distribution, current: Distribution, asked: Asked) -> Tested:
    if kind == "datetime":
        return rhythm.compare(reference, current)
    if kind == "category":
        tested = categories.compare(reference, current, every=asked.every)
        note = "; ".join(filter(None, (tested.note, _mixed(reference, current))))
        return replace(tested, note=note)
    return numeric.compare(kind, reference, current, asked)


def _missing(reference: Distribution, current: Distribution, min_rows: int) -> tuple[Result, ...]:
    """Return the test of how much is missing; none when nothing is, or all, or rows are few."""
    import numpy as np

    gone = np.array([reference.nulls, current.nulls])
    rows = np.array([reference.rows, current.rows])
    if rows.min() < min_rows or not gone.any() or (gone == rows).all():
        return ()
    here, there = np.stack((gone, rows - gone), axis=1)
    found = categorical.homogeneity(here, there)
    effect = categorical.total_variation(here, there)
    change = f"missing {percent(gone[0] / rows[0])} -> {percent(gone[1] / rows[1])}"
    return (Result("missing values", found.statistic, found.p, effect, change),)
