"""Files one below the other as one table, whose columns have to agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.data.parts import check_names
from mlops_cli.errors import RequestError
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.sources.blocks import Begin, Blocks
from mlops_cli.monitor.sources.sums import Sum

if TYPE_CHECKING:
    from mlops_cli.monitor.sources.parquet import Parquet

_NUMBERS: frozenset[Kind] = frozenset({"number", "boolean"})
_ROWS = 1_000_000


class ParquetParts:
    """The columns of some Parquet files: one column of all of them is read at a time."""

    def __init__(self, parts: Sequence[Parquet], begin: Begin) -> None:
        """Take the files, at least one, in their order.

        Raises:
            RequestError: they do not have the same columns, or a column is of two kinds.
        """
        self._parts, self._begin = parts, begin
        self.names: tuple[str, ...] = parts[0].names
        self.rows = sum(one.rows for one in parts)
        for one in parts[1:]:
            check_names((parts[0].name, parts[0].names), (one.name, one.names))
        self._check_kinds()

    def column(self, name: str) -> Distribution:
        """Return one column in sum: as one array where all files have one type, else added up."""
        from mlops_cli.monitor.sources import arrow

        if len({one.types[name] for one in self._parts}) == 1:
            return arrow.summed(arrow.below([_read(one, name) for one in self._parts]))
        kept = self._begin()()
        self.into(name, kept, rows=_ROWS)
        return kept.distribution()

    def into(self, name: str, kept: Sum, *, rows: int) -> None:
        """Add one column to a sum, so many rows at a time."""
        for one in self._parts:
            one.into(name, kept, rows=rows)
            one.close()

    def _check_kinds(self) -> None:
        """Refuse a column that is text here and numbers there, as the files themselves say."""
        seen: dict[str, tuple[Kind, str]] = {}
        for one in self._parts:
            for name, kind in one.kinds().items():
                before, where = seen.setdefault(name, (kind, one.name))
                if "empty" in (before, kind):
                    seen[name] = (before, where) if kind == "empty" else (kind, one.name)
                elif before != kind and not {before, kind} <= _NUMBERS:
                    raise RequestError(
                        f"'{name}' has another type in '{one.name}', {one.types[name]}, than in"
                        f" '{where}'",
                        hint="write the files alike, or name some of them by a pattern",
                    )


def _read(part: Parquet, name: str) -> Any:
    """Return one column of a file that is closed then: there may be more than can be open."""
    found = part.read(name)
    part.close()
    return found


def added(parts: Sequence[str], read: Callable[[str, frozenset[str]], Blocks]) -> Blocks:
    """Return tables that are read whole as one.

    Args:
        parts: what the files are called, at least one.
        read: reads one of them, given columns of which cells are read as they are written.

    Raises:
        RequestError: they do not have the same columns; or as of `read`.
    """
    late: frozenset[str] = frozenset()
    while True:
        found = _added(parts, lambda part: read(part, late))  # noqa: B023  called at once
        if found.mixed <= late:
            return found
        late |= found.mixed


def _added(parts: Sequence[str], read: Callable[[str], Blocks]) -> Blocks:
    whole = read(parts[0])
    for name in parts[1:]:
        one = read(name)
        check_names((parts[0], whole.names), (name, one.names))
        for column, kept in one.sums.items():
            whole.sums[column].merge(kept)  # type: ignore[attr-defined]
        whole = Blocks(whole.names, whole.rows + one.rows, whole.sums)
    return whole
