"""Which rows differ between two versions, by key or as a whole; exact, in bounded memory.

What stands in both versions cancels at once. What is left is held, or once it is much, written
to parts by the hash of its key, so that each part can be settled by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from typing import Literal

from mlops_cli.data.tables import records
from mlops_cli.data.tables.spill import Spill

_CELL, _ESCAPE = "\x1f", "\x1b"
_OVERHEAD = 150
"""Bytes that a text in a dictionary takes beside its letters."""

_AT_ONCE = 10_000
_FAR = 4

RowState = Literal["added", "removed", "changed"]
_STATES: tuple[RowState, ...] = ("changed", "added", "removed")
_Pair = tuple[str | None, str | None]
"""The row before and after, as text."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How records of one version are read as rows of the columns that both versions have.

    Attributes:
        places: where in a record each shared column is, in the order of the rows.
        width: how many columns there are in all.
    """

    delimiter: str
    places: tuple[int, ...]
    width: int

    @property
    def straight(self) -> bool:
        """Whether a row is all cells of its record in their order."""
        return self.places == tuple(range(self.width))


@dataclass(frozen=True, slots=True)
class Limits:
    """What the work may hold; in bytes, about."""

    memory_bytes: int = 32 * 1024 * 1024
    part_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """A row that differs; `before` and `after` hold its shared cells, None where it is not."""

    state: RowState
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RowDifference:
    """What came of it.

    Attributes:
        changed: rows whose key is left once on both sides; None without a key.
        examples: the first of each state, in the order of their keys.
        ragged: rows that have more or fewer cells than there are columns, in what differs.
    """

    added: int
    removed: int
    changed: int | None
    examples: tuple[Row, ...]
    ragged: int


class Ledger:
    """Takes records of both versions, then says which rows differ.

    Args:
        key: places of the key's columns among the shared ones; empty: rows as a whole.
        same_text: records of equal bytes are equal rows.
        expected_bytes: how much could differ at most.
        examples: how many rows of each state to show.
    """

    def __init__(
        self,
        layouts: tuple[Layout, Layout],
        key: tuple[int, ...],
        *,
        same_text: bool,
        expected_bytes: int,
        folder: Path,
        examples: int,
        limits: Limits,
    ) -> None:
        self._layouts = layouts
        self._key = key
        self._same_text = same_text
        self._folder = folder
        self._wanted = examples
        self._limits = limits
        parts = max(1, expected_bytes * 2 // limits.part_bytes)
        self._spill = Spill(folder, parts=parts, memory_bytes=limits.memory_bytes // 2)
        self._open: dict[bytes, int] = {}
        self._open_bytes = 0
        self._ragged = 0

    def add(self, side: int, found: Sequence[bytes]) -> None:
        """Add records of a version: 0 the old, 1 the new."""
        if not self._same_text:
            self._enter(side, {}, found)
            return
        sign = side * 2 - 1
        held = self._open
        for record in found:
            count = held.get(record, 0) + sign
            if count:
                held[record] = count
                self._open_bytes += len(record) + _OVERHEAD
            else:
                del held[record]
                self._open_bytes -= len(record) + _OVERHEAD
        if self._open_bytes > self._limits.memory_bytes // 2:
            self._flush()

    def _flush(self) -> None:
        held, self._open, self._open_bytes = self._open, {}, 0
        for side, sign in ((0, -1), (1, 1)):
            chosen = [record for record, count in held.items() if count * sign > 0]
            for at in range(0, len(chosen), _AT_ONCE):
                self._enter(side, held, chosen[at : at + _AT_ONCE])

    def _enter(self, side: int, counts: Mapping[bytes, int], found: Sequence[bytes]) -> None:
        """Put records into the part of their key, as rows."""
        sign = side * 2 - 1
        for record, row in zip(found, self._rows(side, found), strict=True):
            text = _joined(row)
            key = _joined([row[at] for at in self._key]) if self._key else text
            self._spill.add(key, text, counts.get(record, sign))

    def _rows(self, side: int, found: Sequence[bytes]) -> Iterator[list[str]]:
        layout = self._layouts[side]
        straight, width, places = layout.straight, layout.width, layout.places
        for row in records.cells(found, layout.delimiter):
            if len(row) != width:
                self._ragged += 1
                row = row + [""] * (width - len(row))
            yield row if straight else [row[at] for at in places] + row[width:]

    def settle(self) -> RowDifference:
        """Return which rows differ; nothing can be added afterwards."""
        self._flush()
        total = _Tally(self._key, self._wanted)
        for part, size in enumerate(self._spill.sizes):
            if size:
                total.take(self._leftovers(part, size))
        self._spill.close()
        changed = total.counts["changed"] if self._key else None
        return RowDifference(
            total.counts["added"], total.counts["removed"], changed, total.examples(), self._ragged
        )

    def _leftovers(self, part: int, size: int) -> Iterator[tuple[str, int]]:
        """Yield the rows of a part that do not cancel.

        A part far too large has a key with very many rows; it is cancelled in parts by row.
        """
        if not self._key or size <= _FAR * self._limits.part_bytes:
            yield from _cancelled(self._spill.part(part))
            return
        again = Spill(
            self._folder,
            parts=2 * size // self._limits.part_bytes,
            memory_bytes=self._limits.memory_bytes // 2,
            salt=1,
        )
        for text, count in self._spill.part(part):
            again.add(text, text, count)
        for smaller in range(len(again.sizes)):
            yield from _cancelled(again.part(smaller))
        again.close()


def _cancelled(rows: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield each row with how often it is there more in the new version (or less: negative)."""
    left: dict[str, int] = {}
    for text, count in rows:
        total = left.get(text, 0) + count
        if total:
            left[text] = total
        else:
            del left[text]
    yield from left.items()


class _Tally:
    """Counts what is left, and keeps the first rows of each state."""

    def __init__(self, key: tuple[int, ...], wanted: int) -> None:
        self._key = key
        self._wanted = wanted
        self.counts: dict[RowState, int] = dict.fromkeys(_STATES, 0)
        self._first: dict[RowState, list[_Pair]] = {state: [] for state in _STATES}

    def take(self, rows: Iterable[tuple[str, int]]) -> None:
        """Take the leftover rows of a part, with all that have the same key."""
        if self._key:
            self._by_key(rows)
        else:
            self._as_they_are(rows)

    def _as_they_are(self, rows: Iterable[tuple[str, int]]) -> None:
        found: dict[RowState, list[_Pair]] = {"added": [], "removed": []}
        for text, count in rows:
            state: RowState = "added" if count > 0 else "removed"
            self.counts[state] += abs(count)
            found[state] += [_pair(text, state)] * min(abs(count), self._wanted)
        self._keep(found)

    def _by_key(self, rows: Iterable[tuple[str, int]]) -> None:
        groups: dict[str, _Group] = {}
        for text, count in rows:
            cells = _parted(text)
            key = _joined([cells[at] for at in self._key])
            group = groups.get(key)
            if group is None:
                group = groups[key] = _Group()
            group.take(text, count, self._wanted)
        found: dict[RowState, list[_Pair]] = {state: [] for state in _STATES}
        for group in groups.values():
            if group.removed == 1 == group.added:
                self.counts["changed"] += 1
                found["changed"].append((group.old[0], group.new[0]))
                continue
            self.counts["added"] += group.added
            self.counts["removed"] += group.removed
            found["added"] += [(None, text) for text in group.new]
            found["removed"] += [(text, None) for text in group.old]
        self._keep(found)

    def _keep(self, found: Mapping[RowState, list[_Pair]]) -> None:
        for state, pairs in found.items():
            if pairs and self._wanted:
                kept = self._first[state] + pairs
                self._first[state] = nsmallest(self._wanted, kept, key=self._order)

    def _order(self, pair: _Pair) -> list[tuple[int, float, str]]:
        text = pair[0] if pair[1] is None else pair[1]
        assert text is not None
        cells = _parted(text)
        first = [cells[at] for at in self._key]
        return [_natural(cell) for cell in (first + cells)]

    def examples(self) -> tuple[Row, ...]:
        """Return the first rows that changed, were added, and were removed."""
        return tuple(
            Row(state, *(None if text is None else tuple(_parted(text)) for text in pair))
            for state in _STATES
            for pair in self._first[state]
        )


class _Group:
    """The leftover rows of one key."""

    __slots__ = ("added", "new", "old", "removed")

    def __init__(self) -> None:
        self.added, self.removed = 0, 0
        self.new: list[str] = []
        self.old: list[str] = []

    def take(self, text: str, count: int, wanted: int) -> None:
        kept = self.new if count > 0 else self.old
        if count > 0:
            self.added += count
        else:
            self.removed -= count
        room = max(wanted, 1) - len(kept)
        kept += [text] * min(abs(count), room)


def _pair(text: str, state: RowState) -> _Pair:
    return (None, text) if state == "added" else (text, None)


def _natural(cell: str) -> tuple[int, float, str]:
    """Return what sorts numbers by size, before words."""
    try:
        number = float(cell)
    except ValueError:
        return 1, 0.0, cell
    return (0, number, cell) if number == number else (1, 0.0, cell)


def _joined(row: Sequence[str]) -> str:
    """Return the cells of a row as one text, from which they can be had again."""
    text = _CELL.join(row)
    if _ESCAPE in text or text.count(_CELL) >= max(len(row), 1):
        return _CELL.join(
            cell.replace(_ESCAPE, _ESCAPE + "e").replace(_CELL, _ESCAPE + "c") for cell in row
        )
    return text


def _parted(text: str) -> list[str]:
    r"""Return the cells of a row.

    >>> _parted(_joined(["a", "\x1f", "\x1bc"])) == ["a", "\x1f", "\x1bc"]
    True
    """
    cells = text.split(_CELL)
    if _ESCAPE in text:
        return [
            cell.replace(_ESCAPE + "c", _CELL).replace(_ESCAPE + "e", _ESCAPE) for cell in cells
        ]
    return cells
