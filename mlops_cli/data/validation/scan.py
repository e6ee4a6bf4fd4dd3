"""One way through a table: how many cells and rows fail each check, and the first that do."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.data.validation import conditions
from mlops_cli.data.validation.cells import Cells, cells
from mlops_cli.data.validation.checks import CellCheck, cell_checks
from mlops_cli.data.validation.report import Example
from mlops_cli.data.validation.schema import ColumnRule, RowRule, Schema, Type
from mlops_cli.data.validation.unique import Repeats
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

_CELL = 80
"""So many letters of a cell are told."""
NAMED = 5
"""So many files are named that lack a column or have one too many."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a file, the first of which has the number `first` there, from 1.

    Attributes:
        names: the file's columns as they are written there; a frame has no name twice.
    """

    frame: "DataFrame"
    names: tuple[str, ...]
    file: str | None = None
    first: int = 1


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a check was asked, how often it failed, and the first rows where it did."""

    asked: int = 0
    failing: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """What a table has, whatever the time and the version before.

    Attributes:
        tallies: of each check of `Plan`, in its order.
        newest: the newest moment of each column that is asked for one, in seconds since 1970.
        absent: by column that is required and not there, the files without it.
        extra: by column that is not named, the files with it.
        twice: by column that is there several times, the files where.
        disordered: files whose columns stand in another order.
        broken: why the rest could not be read, if so.
    """

    rows: int
    names: tuple[str, ...]
    tallies: tuple[Tally, ...]
    newest: Mapping[str, float | None]
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disordered: tuple[str, ...] = ()
    broken: str | None = None


class Plan:
    """A schema compiled: its tests of cells, its rules about rows, and what is to be unique."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.cells: tuple[tuple[ColumnRule, CellCheck], ...] = tuple(
            (rule, check) for rule in schema.columns for check in cell_checks(rule)
        )
        alone = tuple((rule.name,) for rule in schema.columns if rule.unique)
        self.unique = (*alone, *(one for one in schema.unique if one not in alone))
        self.rules: tuple[RowRule, ...] = schema.rules
        self.types: dict[str, Type] = {rule.name: rule.type for rule in schema.columns}
        self.fresh = tuple(rule.name for rule in schema.columns if rule.newest_s is not None)
        self.needed = tuple(
            dict.fromkeys(
                (
                    *(rule.name for rule, _ in self.cells),
                    *(name for one in self.unique for name in one),
                    *(name for rule in self.rules for name in rule.condition.names),
                    *self.fresh,
                )
            )
        )

    @property
    def as_text(self) -> frozenset[str]:
        """The columns whose cells are to be read as they are written."""
        together = {name for one in self.unique for name in one}
        written: set[Type] = {"text", "datetime"}
        return frozenset(
            name
            for name in {*self.types, *together}
            if self.types.get(name, "any") in written
            or (name in together and self.types.get(name, "any") == "any")
        )


def scan(plan: Plan, blocks: Iterable[Block], *, scratch: Path, examples: int) -> Scan:
    """Return what of a plan the rows in `blocks` do not meet.

    Where rows repeat others `blocks` is gone through once more, as far as can be, to tell which.
    """
    found = _Scan(plan, scratch, examples)
    try:
        for block in blocks:
            found.add(block)
    except RequestError as error:
        found.broken = error.message
    found.settle(blocks)
    return found.result()


class _Scan:
    def __init__(self, plan: Plan, scratch: Path, examples: int) -> None:
        self._plan = plan
        self._most = examples
        self._rows = 0
        self._names: tuple[str, ...] = ()
        self._file: tuple[str | None] | None = None
        self._there: frozenset[str] = frozenset()
        self._cells = [_Count(examples) for _ in plan.cells]
        self._rules = [_Count(examples) for _ in plan.rules]
        self._unique = [_Count(examples) for _ in plan.unique]
        self._repeats = [Repeats(one, scratch) for one in plan.unique]
        self._newest: dict[str, float | None] = dict.fromkeys(plan.fresh)
        self._absent: dict[str, list[str]] = {}
        self._extra: dict[str, list[str]] = {}
        self._twice: dict[str, list[str]] = {}
        self._disordered: list[str] = []
        self.broken: str | None = None

    def add(self, block: Block) -> None:
        """Take in a block of rows."""
        block = _named(block)
        if self._file != (block.file,):
            self._file = (block.file,)
            self._look(block)
        self._rows += len(block.frame)
        columns = self._columns(block, self._plan.needed)
        for (rule, check), count in zip(self._plan.cells, self._cells, strict=True):
            one = columns.get(rule.name)
            if one is not None:
                asked = check.asked_of(one)
                count.add(check.fails(one) & asked, asked, block, columns, (rule.name,))
        for row_rule, count in zip(self._plan.rules, self._rules, strict=True):
            names = row_rule.condition.names
            if self._there.issuperset(names):
                node = row_rule.condition.node
                failing, asked = conditions.failing(node, columns, len(block.frame))
                count.add(failing, asked, block, columns, names)
        for one_of in self._repeats:
            if self._there.issuperset(one_of.columns):
                one_of.add(columns)
        self._note_newest(columns)

    def _columns(self, block: Block, names: Iterable[str]) -> dict[str, Cells]:
        frame, types = block.frame, self._plan.types
        return {
            name: cells(frame[name], types.get(name, "any"))
            for name in names
            if name in self._there
        }

    def _note_newest(self, columns: Mapping[str, Cells]) -> None:
        for name in self._plan.fresh:
            one = columns.get(name)
            if one is not None and one.fits.any():
                newest = float(one.values[one.fits].max())
                before = self._newest[name]
                self._newest[name] = newest if before is None else max(before, newest)

    def _look(self, block: Block) -> None:
        """Compare the columns of a file with those that are named."""
        schema, file = self._plan.schema, block.file or ""
        self._there = frozenset(block.frame.columns)
        self._names = tuple(dict.fromkeys((*self._names, *block.names)))
        known = {rule.name for rule in schema.columns}
        required = [rule.name for rule in schema.columns if rule.required]
        optional = known - set(required)
        for name in dict.fromkeys((*required, *self._plan.needed)):
            if name not in self._there and name not in optional:
                self._absent.setdefault(name, []).append(file)
        for name in dict.fromkeys(block.names):
            if name not in known:
                self._extra.setdefault(name, []).append(file)
            if block.names.count(name) > 1:
                self._twice.setdefault(name, []).append(file)
        order = [rule.name for rule in schema.columns if rule.name in self._there]
        if schema.order and order != [name for name in block.names if name in known]:
            self._disordered.append(file)

    def settle(self, blocks: Iterable[Block]) -> None:
        """Count what repeats, and find the first rows that do."""
        for one, count in zip(self._repeats, self._unique, strict=True):
            one.settle()
            count.asked, count.failing = one.asked, one.failing
        late = [pair for pair in zip(self._repeats, self._unique, strict=True) if pair[0].failing]
        if not late or self.broken is not None or iter(blocks) is blocks:
            return
        for block in blocks:
            if all(count.is_full for _, count in late):
                return
            block = _named(block)
            self._there = frozenset(block.frame.columns)
            for one, count in late:
                if not count.is_full and self._there.issuperset(one.columns):
                    columns = self._columns(block, one.columns)
                    for place in one.rows(columns, self._most - len(count.examples)):
                        count.note(place, block, columns, one.columns)

    def result(self) -> Scan:
        """Return all that was found."""
        counts = (*self._cells, *self._unique, *self._rules)
        return Scan(
            self._rows,
            self._names,
            tuple(Tally(one.asked, one.failing, tuple(one.examples)) for one in counts),
            self._newest,
            _files(self._absent),
            _files(self._extra),
            _files(self._twice),
            tuple(self._disordered),
            self.broken,
        )


def _named(block: Block) -> Block:
    frame = named(block.frame)
    return block if frame is block.frame else replace(block, frame=frame)


def named(frame: "DataFrame") -> "DataFrame":
    """Return a table whose columns have texts as names, each once: the first of several."""
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    if not frame.columns.is_unique:
        frame = frame.loc[:, ~frame.columns.duplicated()]
    return frame


def _files(found: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(files) for name, files in found.items()}


class _Count:
    """A tally in the making."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.asked = 0
        self.failing = 0
        self.examples: list[Example] = []

    @property
    def is_full(self) -> bool:
        return len(self.examples) >= self._most

    def add(
        self,
        failing: "np.ndarray[Any, Any]",
        asked: "np.ndarray[Any, Any]",
        block: Block,
        columns: Mapping[str, Cells],
        names: tuple[str, ...],
    ) -> None:
        """Count a block, and note the first rows that fail."""
        import numpy as np

        self.asked += int(np.count_nonzero(asked))
        bad = int(np.count_nonzero(failing))
        self.failing += bad
        if bad and not self.is_full:
            for place in np.flatnonzero(failing)[: self._most - len(self.examples)]:
                self.note(int(place), block, columns, names)

    def note(
        self, place: int, block: Block, columns: Mapping[str, Cells], names: tuple[str, ...]
    ) -> None:
        """Keep a row as an example."""
        values = {name: _shown(columns[name], place) for name in names}
        self.examples.append(Example(block.first + place, None, block.file, values))


def _shown(one: Cells, place: int) -> str | None:
    if not one.present[place]:
        return None
    value = one.raw.iloc[place]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = f"{value:.15g}"
    else:
        text = str(value)
    return text if len(text) <= _CELL else text[: _CELL - 3] + "..."


Lines = Callable[[str | None, list[int]], Mapping[int, int]]


def with_lines(found: Scan, lines: Lines) -> Scan:
    """Return the same with the line of each example, which `lines` tells by file and rows."""
    wanted: dict[str | None, set[int]] = {}
    for one in _examples(found):
        wanted.setdefault(one.file, set()).add(one.row)
    known = {file: lines(file, sorted(rows)) for file, rows in wanted.items()}
    tallies = tuple(
        replace(
            tally,
            examples=tuple(
                replace(one, line=known[one.file].get(one.row)) for one in tally.examples
            ),
        )
        for tally in found.tallies
    )
    return replace(found, tallies=tallies)


def _examples(found: Scan) -> Iterator[Example]:
    for tally in found.tallies:
        yield from tally.examples
