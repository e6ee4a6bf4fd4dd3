"""One of the two sides of a comparison: where it is from, its columns in sum, and its rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.files import outside
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import parts
from mlops_cli.data.parts import Part, one_below_the_other
from mlops_cli.data.table import suffix_of
from mlops_cli.data.table_blocks import blocks as blocks_of
from mlops_cli.errors import RequestError
from mlops_cli.monitor.distribution import Distribution, Table, repeated
from mlops_cli.monitor.sample import Sample
from mlops_cli.monitor.sources import opened, spread
from mlops_cli.monitor.sources.blocks import Columns
from mlops_cli.monitor.sources.sums import BUDGET_BYTES, MOST_TEXTS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MOST_ROWS = 1_000_000
"""Of the last predictions so many are held at most, evenly chosen."""
_BESIDE = 100_000
"""Of rows that are looked at side by side so many are held, evenly chosen."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where one of the two tables is from.

    `path` is None for the prediction log; `oid` is None for what is in the work tree, or what a
    pattern names. With `kept` it is no table: a version's profile of its training data, by its id.
    """

    path: str | None
    rev: str | None = None
    oid: ObjectId | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of a table, and whether they stand for more, of which they were evenly chosen."""

    frame: pd.DataFrame
    sampled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of a table; of the prediction log also when they were asked, and the answers."""

    frame: pd.DataFrame
    times_us: NDArray[np.int64] | None = None
    answers: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One side.

    Attributes:
        side: where it is from.
        whole: all its columns in sum.
        read: gives its rows, a block at a time; None where nothing but sums is known.
        columns: those that are compared, and what each is called here.
        moments: whether text that is a moment in ISO 8601 is one, but in the columns `as_text`.
        scratch: a folder for what does not fit into memory; the system's by default.
    """

    side: Side
    whole: Table
    read: Callable[[], Iterator[Block]] | None
    columns: Mapping[str, str]
    moments: bool = False
    as_text: frozenset[str] = field(default_factory=frozenset)
    scratch: Path | None = None

    @property
    def table(self) -> Chosen:
        """The columns that are compared, in sum."""
        return Chosen(self.whole, self.columns)

    def choosing(self, columns: Mapping[str, str]) -> Given:
        """Return the same with other columns to compare."""
        return replace(self, columns=columns)

    def blocks(self, purpose: str) -> Iterator[Block]:
        """Return the rows with all their columns, some at a time; `purpose` says what needs them.

        Raises:
            RequestError: nothing but sums is known.
        """
        if self.read is None:
            raise RequestError(
                f"{purpose} need rows, and of the training data nothing but sums is kept",
                hint="name a table to compare with: --reference PATH",
            )
        return self.read()

    def rows(self, purpose: str) -> Held:
        """Return all the rows, or so many of them as tests of them all together can use."""
        return held(one.frame for one in self.blocks(purpose))

    def compared(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the columns to compare of some of the rows, called as they are compared."""
        return frame.reindex(columns=list(self.columns.values())).set_axis(
            list(self.columns), axis=1
        )

    def sums(self, number: int) -> list[Columns]:
        """Return so many empty tables, to take in the compared columns of some rows each."""
        most = max(_FEWEST_TEXTS, MOST_TEXTS // number)
        budget = BUDGET_BYTES // 4  # beside that of the whole, which is in memory too
        make = opened.beginning(
            approx=False, scratch=self.scratch, most_texts=most, budget=budget
        )()
        named = frozenset(one for one, own in self.columns.items() if own in self.as_text)
        return [Columns(make, moments=self.moments, as_text=named) for _ in range(number)]


_FEWEST_TEXTS = 10_000
"""So many different texts of a column are counted in each of many parts of a table."""


class Chosen:
    """Some columns of a table, under other names if need be.

    `error` is the largest of the columns that were asked for: 0 while all is exact.
    """

    def __init__(self, whole: Table, columns: Mapping[str, str]) -> None:
        self.names: tuple[str, ...] = tuple(columns)
        self.rows = whole.rows
        self.error = 0.0
        self._whole, self._columns = whole, columns

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        found = self._whole.column(self._columns[name])
        self.error = max(self.error, found.error)
        return found


def table(
    repo: Repository, text: str, start: Path, *, approx: bool = False, engine: str | None = None
) -> Given:
    """Return the table at a path if there is one, else the version that the reference means.

    A path is that of a file, of a folder of files, or a pattern that some match. At an `engine`
    elsewhere it is always a version, which its workers can have.

    Raises:
        RequestError: there is neither, or it is no table.
        ExternalError: it cannot be read.
    """
    if engine is None:
        found = parts.here(start, text)
        if found is not None:
            return _files(found, text, approx=approx, scratch=scratch_files.folder(repo.layout))
    meant = parts.version(repo, text, start=start)
    side = Side(meant.path, meant.rev, meant.oid)
    return version(repo, side, meant.files, approx=approx, engine=engine)


def file(text: str, start: Path, *, approx: bool = False) -> Given:
    """Return the table at a path, of a file, of a folder, or of what matches a pattern.

    Raises:
        RequestError: there is none, or it is no table.
        ExternalError: it cannot be read.
    """
    found = parts.here(start, text)
    if found is None:
        what = f"nothing matches '{text[:200]}'"
        raise RequestError(
            what if is_pattern(text) else f"there is no file '{text[:200]}'",
            hint="versions are in a repository: mlo init",
        )
    return _files(found, text, approx=approx, scratch=None)


def _files(found: Sequence[Part], text: str, *, approx: bool, scratch: Path | None) -> Given:
    whole = opened.of_parts(found, approx=approx, scratch=scratch)
    columns = len(whole.names)
    return _given(
        Side(text), whole, lambda: rows_of(found, columns=columns), found[0].name, scratch
    )


def version(
    repo: Repository,
    side: Side,
    files: Sequence[tuple[str, ObjectId]],
    *,
    approx: bool = False,
    engine: str | None = None,
) -> Given:
    """Return a version of files that are a table, summed here or at an `engine` elsewhere.

    Raises:
        MissingObject, IntegrityError: as of the object store.
        RequestError: it is no table.
    """
    found: Table
    if engine is None:
        found = opened.of_version(repo, files, approx=approx)
    else:
        found = spread.of_version(repo, files, engine=engine)
    scratch = scratch_files.folder(repo.layout)
    read = reading(repo, files, columns=len(found.names))
    return _given(side, found, read, files[0][0], scratch)


def reading(
    repo: Repository, files: Sequence[tuple[str, ObjectId]], *, columns: int
) -> Callable[[], Iterator[pd.DataFrame]]:
    """Return what gives the rows of a version of some files, which have so many columns.

    The file that is read has its bytes beside, the others have not.
    """

    def each() -> Iterator[tuple[str, pd.DataFrame]]:
        for name, oid in files:
            with written(repo, oid) as file:
                for frame in blocks_of(file, name, rows=_rows(columns)):
                    yield name, frame

    return lambda: one_below_the_other(each())


def rows_of(files: Sequence[Part], *, columns: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of files, which have so many columns, one below the other.

    Raises:
        RequestError: they are no tables, or do not have the same columns.
        ExternalError: one cannot be read.
    """
    each = (
        (one.name, frame)
        for one in files
        for frame in blocks_of(one.path, one.name, rows=_rows(columns))
    )
    return one_below_the_other(each)


def blocks(read: Callable[[], Iterator[pd.DataFrame]]) -> Callable[[], Iterator[Block]]:
    """Return what gives the rows of a table, of which nobody knows the times, as blocks."""
    return lambda: map(Block, read())


def _rows(columns: int) -> int:
    """Return how many rows to read at a time: many, for each block costs, and few of wide tables.

    >>> _rows(5), _rows(50), _rows(10_000)
    (200000, 80000, 1000)
    """
    return min(200_000, max(1_000, 4_000_000 // max(1, columns)))


def _given(
    side: Side,
    found: Table,
    read: Callable[[], Iterator[pd.DataFrame]],
    name: str,
    scratch: Path | None,
) -> Given:
    twice = repeated(found.names)
    if twice is not None:
        raise RequestError(
            f"'{side.path}' has more than one column '{twice}'",
            hint="rename one of them, so that it is known which to compare",
        )
    text = suffix_of(name) in (".csv", ".tsv")
    columns = {one: one for one in found.names}
    return Given(side, found, blocks(read), columns, moments=text, scratch=scratch)


def held(frames: Iterable[pd.DataFrame]) -> Held:
    """Return data frames one below the other, or so many of their rows."""
    sample = Sample(_BESIDE)
    for frame in frames:
        sample.add(frame)
    return Held(sample.frame(), sample.fewer)


@contextmanager
def written(repo: Repository, oid: ObjectId) -> Iterator[Path]:
    """Yield a file with the bytes of an object, which is gone afterwards."""
    folder = scratch_files.folder(repo.layout)
    try:
        with tempfile.NamedTemporaryFile(prefix=f".mlo-{os.getpid()}-", dir=folder) as file:
            repo.objects.write_to(file.fileno(), oid)
            yield Path(file.name)
    except OSError as error:
        raise outside(error, folder) from error
