"""How two versions of a table differ: rows, columns, and what they say in sum.

Two ways through the data: the first gathers statistics and finds the key, the second the rows that
differ. Both read what the versions share once, and hold a bounded part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.data.tables import records
from mlops_cli.data.tables.change import (
    CellChange,
    ColumnStatistics,
    Key,
    KeyOrigin,
    KeyUnknown,
    Retyped,
    RowExample,
    TableChange,
)
from mlops_cli.data.tables.frames import NULL
from mlops_cli.data.tables.opened import Opened
from mlops_cli.data.tables.profile import Kind
from mlops_cli.data.tables.rows import Layout, Ledger, Limits, Row, RowDifference
from mlops_cli.data.tables.statistics import column_statistics
from mlops_cli.data.tables.survey import Survey, sample, survey
from mlops_cli.data.tables.walk import Part, Walk

CELL_MAX = 200
"""Of a longer cell only so much is shown."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to look for.

    Attributes:
        key: the columns of the key; None: find one.
        origin: where the key comes from.
        examples: how many rows to show of those changed, added and removed.
        statistics: whether to gather them; without, and with a key, only what differs is parsed.
    """

    key: tuple[str, ...] | None = None
    origin: KeyOrigin = "inferred"
    examples: int = 5
    statistics: bool = True


@dataclass(frozen=True, slots=True)
class Desk:
    """Where and with what to work: a folder for what memory does not hold, and a watcher."""

    scratch: Path
    progress: Progress = SILENT
    limits: Limits = field(default_factory=Limits)


def compare(old: Opened, new: Opened, wish: Wish, desk: Desk) -> TableChange:
    """Return how `new` differs from `old`.

    Raises:
        KeyUnknown: neither version has a column of the key that `--key` names.
        RequestError: a version is no table.
        StateError, IntegrityError, MissingObject, ExternalError: it cannot be read.
    """
    shared = tuple(name for name in old.names if name in set(new.names))
    notes = _facts(old, new)
    declared = _declared(wish, old, new, shared, notes)
    same_text = (old.header, old.delimiter, old.nulls, old.names) == (
        new.header,
        new.delimiter,
        new.nulls,
        new.names,
    ) and old.facts.get("encoding") == new.facts.get("encoding")
    walk = Walk(old, new, same_text)
    found = _surveyed(walk, shared, declared, wish, desk)
    key = _key(found, declared, wish)
    rows = _rows(walk, shared, key, wish, desk)
    if rows.difference.ragged:
        notes.append(f"{rows.difference.ragged:,} rows have more or fewer cells than the header")
    return _told(walk, shared, key, found, rows, notes)


def _declared(
    wish: Wish, old: Opened, new: Opened, shared: Sequence[str], notes: list[str]
) -> tuple[str, ...] | None:
    """Return the key that was asked for, if both versions have it."""
    for name in wish.key or ():
        if name in shared:
            continue
        anywhere = name in old.names or name in new.names
        if not anywhere and old.names and new.names and wish.origin == "option":
            known = ", ".join(dict.fromkeys([*new.names, *old.names]))
            raise KeyUnknown(f"no column '{name}' to be the key", hint=f"columns: {known[:200]}")
        where = "in one version only" if anywhere else "not in it"
        notes.append(f"the key column '{name}' is {where}, so is no key")
        return None
    return wish.key


def _facts(old: Opened, new: Opened) -> list[str]:
    notes = []
    if old.delimiter != new.delimiter and old.names and new.names:
        notes.append(f"separator {old.delimiter!r} -> {new.delimiter!r}")
    if old.names and new.names:
        notes += [
            f"{name} {fact} -> {new.facts[name]}"
            for name, fact in old.facts.items()
            if new.facts.get(name, fact) != fact
        ]
    return notes


def _surveyed(
    walk: Walk,
    shared: tuple[str, ...],
    declared: tuple[str, ...] | None,
    wish: Wish,
    desk: Desk,
) -> Survey | None:
    """Gather statistics and candidates for the key; None when neither is wanted."""
    if not shared or (declared and not wish.statistics):
        return None
    first = sample(walk, shared)
    keys = [declared] if declared else [(name,) for name in first.candidates]
    columns = shared if wish.statistics else ()
    if not keys and not columns:
        return None
    return survey(walk, columns, keys, first.as_text, desk.scratch, desk.progress)


def _key(found: Survey | None, declared: tuple[str, ...] | None, wish: Wish) -> Key | None:
    if found is None:
        return Key(declared, wish.origin) if declared else None
    for check in found.checks:
        repeated, missing = check.repeated(), check.missing()
        if declared:
            return Key(declared, wish.origin, *repeated, *missing)
        if not any(repeated) and not any(missing):
            return Key(check.columns, "inferred", 0, 0, 0, 0)
    return None


@dataclass(frozen=True, slots=True)
class _Rows:
    before: int
    after: int
    difference: RowDifference


def _rows(walk: Walk, shared: tuple[str, ...], key: Key | None, wish: Wish, desk: Desk) -> _Rows:
    layouts = (_layout(walk.old, shared), _layout(walk.new, shared))
    places = tuple(shared.index(name) for name in key.columns) if key else ()
    ledger = Ledger(
        layouts,
        places,
        same_text=walk.same_text,
        expected_bytes=walk.different,
        folder=desk.scratch,
        examples=wish.examples,
        limits=desk.limits,
    )
    counts = dict.fromkeys(Part, 0)
    with desk.progress.task("compare rows", walk.length, "B") as advance:
        for part, block in walk.blocks(advance):
            if part is Part.BOTH:
                counts[part] += records.count(block, walk.old.delimiter)
                continue
            found = records.whole(block, layouts[part.value].delimiter)
            counts[part] += len(found)
            if shared:
                ledger.add(part.value, found)
    before, after = (counts[Part.BOTH] + counts[part] for part in (Part.OLD, Part.NEW))
    difference = ledger.settle()
    if not shared:
        difference = RowDifference(after, before, None, (), 0)
    return _Rows(before, after, difference)


def _layout(table: Opened, shared: Sequence[str]) -> Layout:
    return Layout(
        table.delimiter, tuple(table.names.index(name) for name in shared), len(table.names)
    )


def _told(
    walk: Walk,
    shared: tuple[str, ...],
    key: Key | None,
    found: Survey | None,
    rows: _Rows,
    notes: list[str],
) -> TableChange:
    old, new = walk.old, walk.new
    difference = rows.difference
    statistics, retyped = _columns(walk, shared, found)
    return TableChange(
        rows.before,
        rows.after,
        difference.added,
        difference.removed,
        difference.changed,
        key,
        len(old.names),
        len(new.names),
        tuple(name for name in new.names if name not in set(old.names)),
        tuple(name for name in old.names if name not in set(new.names)),
        retyped,
        shared != tuple(name for name in new.names if name in set(shared)),
        statistics,
        tuple(_example(row, shared, key) for row in difference.examples),
        tuple(notes),
    )


def _columns(
    walk: Walk, shared: Sequence[str], found: Survey | None
) -> tuple[tuple[ColumnStatistics, ...], tuple[Retyped, ...]]:
    statistics: list[ColumnStatistics] = []
    retyped: list[Retyped] = []
    for name in shared:
        stated = walk.old.types.get(name), walk.new.types.get(name)
        if found is None or name not in found.old.columns:
            if stated[0] and stated[1] and stated[0] != stated[1]:
                retyped.append(Retyped(name, stated[0], stated[1]))
            continue
        old, new = found.old.columns[name], found.new.columns[name]
        kinds = _kind(walk.old, name, old.kind), _kind(walk.new, name, new.kind)
        types = stated[0] or kinds[0], stated[1] or kinds[1]
        if types[0] != types[1] and "empty" not in types:
            retyped.append(Retyped(name, *types))
        totals = found.old.rows, found.new.rows
        statistics.append(column_statistics(name, old, new, kinds, totals))
    return tuple(statistics), tuple(retyped)


def _kind(table: Opened, name: str, kind: Kind) -> Kind:
    """Return what a column is; one of text in Parquet or JSON may look like numbers."""
    says = table.types.get(name, "")
    if table.nulls and name in table.nulls and not says.startswith("decimal"):
        return kind if kind in ("empty", "date") else "text"
    return kind


def _example(row: Row, shared: Sequence[str], key: Key | None) -> RowExample:
    before, after = _named(row.before, shared), _named(row.after, shared)
    whole = after or before
    cells = tuple(
        CellChange(name, _shown(before.get(name, "")), _shown(after.get(name, "")))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )
    return RowExample(
        row.state,
        {name: _shown(whole[name]) for name in key.columns} if key else {},
        cells if row.state == "changed" else (),
        None if row.state == "changed" else {name: _shown(cell) for name, cell in whole.items()},
    )


def _named(row: tuple[str, ...] | None, shared: Sequence[str]) -> Mapping[str, str]:
    """Return cells by column; what is beyond the last one is called by its number."""
    if row is None:
        return {}
    names = [*shared, *(f"cell {place + 1}" for place in range(len(shared), len(row)))]
    return dict(zip(names, row, strict=False))


def _shown(cell: str) -> str:
    if cell == NULL:
        return "null"
    text = cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"
