"""Finding an id in the indexes of many packs."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from mlops_cli.core.packs import Index

_BULK = 256
"""A table is not worth its making before so many lookups."""

_MUCH = 2
"""A table so many times larger than another is not made again to take that in."""

_TIMES_CHEAPER = 5
"""How many times the cost of an object in a table is that of one search of one index."""


class Finder:
    """Finds an id in any of some indexes; makes tables of their ids once that pays.

    A table is made of those that are in none, and of tables that are not much larger, so that there
    are few tables, and few ids are sorted often while packs are added.
    """

    def __init__(self, indexes: Sequence[Index], earlier: "Finder | None" = None) -> None:
        """Look into `indexes`; tables of an `earlier` one are kept as far as they are of these."""
        here = {id(index) for index in indexes}
        kept = [] if earlier is None else earlier._held[0]
        tables = [table for table in kept if here.issuperset(map(id, table.indexes))]
        tabled = {id(index) for table in tables for index in table.indexes}
        loose = [index for index in indexes if id(index) not in tabled]
        self._held: tuple[list[IdTable], list[Index]] = tables, loose
        """Replaced at once, since threads may share it."""
        self._left = max(_BULK, _count(loose) // (_TIMES_CHEAPER * max(1, len(loose))))

    def find(self, key: bytes) -> tuple[Index, int] | None:
        """Return which index has the 32-byte id `key`, and at which position; None for none.

        Where several have it, one that does not tell it against another object.
        """
        self._left -= 1
        if self._left < 0 and self._held[1]:
            self._sort()
        tables, loose = self._held
        told: tuple[Index, int] | None = None
        for table in tables:
            hit = table.find(key)
            if hit is not None:
                told = table.indexes[hit[0]], hit[1]
                if not told[0].is_delta(told[1]):
                    return told
        for index in loose:
            at = index.find(key)
            if at is not None:
                told = index, at
                if not index.is_delta(at):
                    return told
        return told

    def _sort(self) -> None:
        tables, loose = list(self._held[0]), self._held[1]
        while tables and _count(tables[-1].indexes) <= _MUCH * _count(loose):
            loose = [*tables.pop().indexes, *loose]
        self._held = [*tables, IdTable(loose)], []


def _count(indexes: Sequence[Index]) -> int:
    return sum(index.count for index in indexes)


_PARTS = 256
"""How many first bytes an id may have."""

_FEW = 50_000
"""So many ids are sorted at once, which takes 10 MB."""


class IdTable:
    """Finds an id in any of some indexes by one binary search.

    It takes 12 bytes an object, where a dict would take 200.

    A row is the first eight bytes of an id, with the number of its index in place of the lowest
    bits; rows are sorted, and for each there is the position in that index.
    """

    def __init__(self, indexes: Sequence[Index]) -> None:
        self.indexes = indexes
        self._mask = (1 << max(1, (len(indexes) - 1).bit_length())) - 1
        self._rows, self._places = array("Q"), array("I")
        for part in range(_PARTS) if _count(indexes) > _FEW else (None,):
            self._sort(part)

    def _sort(self, part: int | None) -> None:
        """Take in the ids that begin with one byte, or all: of many that takes much memory."""
        keep = ~self._mask
        rows = [
            (prefix & keep | number) << 32 | at
            for number, index in enumerate(self.indexes)
            for at, prefix in index.prefixes(part)
        ]
        rows.sort()
        self._rows.extend([row >> 32 for row in rows])
        self._places.extend([row & 0xFFFFFFFF for row in rows])

    def find(self, key: bytes) -> tuple[int, int] | None:
        """Return which index has the 32-byte id `key`, and at which position; None for none.

        Where several have it, one that does not tell it against another object.
        """
        rows, mask = self._rows, self._mask
        prefix = Index.prefix(key) & ~mask
        row = bisect_left(rows, prefix)
        told: tuple[int, int] | None = None
        while row < len(rows) and rows[row] & ~mask == prefix:
            number, at = rows[row] & mask, self._places[row]
            index = self.indexes[number]
            if index.key(at) == key:
                if not index.is_delta(at):
                    return number, at
                told = number, at
            row += 1
        return told
