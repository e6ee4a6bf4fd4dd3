"""One of the two sides of a comparison: where it is from, its columns in sum, and its rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import reference, table_blocks
from mlops_cli.data.table import suffix_of
from mlops_cli.errors import RequestError
from mlops_cli.monitor.distribution import Distribution, Table, repeated
from mlops_cli.monitor.sample import Sample
from mlops_cli.monitor.sources import blocks, opened, spread

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 1_000_000
"""Where rows are needed, not sums, so many are held at most, evenly chosen."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where one of the two tables is from.

    `path` is None for the prediction log; `oid` is None for a file as it is in the work tree. With
    `kept` it is no table: a version's profile of its training data, with its id.
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
class Given:
    """One side.

    Attributes:
        side: where it is from.
        whole: all its columns in sum.
        read: gives its rows, `MOST_ROWS` at most; None where nothing but sums is known.
        columns: those that are compared, and what each is called here.
        moments: whether text that is a moment in ISO 8601 is one, but in the columns `as_text`.
    """

    side: Side
    whole: Table
    read: Callable[[], Held] | None
    columns: Mapping[str, str]
    moments: bool = False
    as_text: frozenset[str] = field(default_factory=frozenset)

    @property
    def table(self) -> Chosen:
        """The columns that are compared, in sum."""
        return Chosen(self.whole, self.columns)

    def choosing(self, columns: Mapping[str, str]) -> Given:
        """Return the same with other columns to compare."""
        return replace(self, columns=columns)

    def rows(self, purpose: str) -> Held:
        """Return the rows with all their columns; `purpose` says what needs them.

        Raises:
            RequestError: nothing but sums is known.
        """
        if self.read is None:
            raise RequestError(
                f"{purpose} need rows, and of the training data nothing but sums is kept",
                hint="name a table to compare with: --reference PATH",
            )
        return self.read()

    def compared(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the columns to compare of some of the rows, called as they are compared."""
        return frame[list(self.columns.values())].set_axis(list(self.columns), axis=1)

    def summed(self, frame: pd.DataFrame) -> Table:
        """Return the columns to compare of some of the rows that `read` gave."""
        some = [self.compared(frame)]
        begin = opened.beginning(approx=False, scratch=None)
        return blocks.of_frames(some, begin, moments=self.moments, as_text=self.as_text)


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
    """Return the file at a path if there is one, else the version that the reference means.

    At an `engine` elsewhere it is always a version, which its workers can have.

    Raises:
        RequestError: there is neither, or it is no table.
        ExternalError: it cannot be read.
    """
    if engine is None and (start / text).is_file():
        return file(text, start, approx=approx, scratch=scratch_files.folder(repo.layout))
    meant = reference.resolve(repo, text, start=start)
    if meant.kind != "file":
        raise RequestError(f"'{meant.path}' is a folder", hint="name a table in it")
    side = Side(meant.path, meant.rev, meant.oid)
    return version(repo, side, approx=approx, engine=engine)


def file(text: str, start: Path, *, approx: bool = False, scratch: Path | None = None) -> Given:
    """Return the file at a path as it is; arguments as of `opened.of_file`.

    Raises:
        RequestError: there is none, or it is no table.
        ExternalError: it cannot be read.
    """
    path = start / text
    if not path.is_file():
        raise RequestError(
            f"there is no file '{text[:200]}'", hint="versions are in a repository: mlo init"
        )
    found = opened.of_file(path, text, approx=approx, scratch=scratch)
    return _given(Side(text), found, lambda: held(table_blocks.blocks(path, text)), text)


def version(
    repo: Repository, side: Side, *, approx: bool = False, engine: str | None = None
) -> Given:
    """Return a version of a file that is a table, summed here or at an `engine` elsewhere.

    Raises:
        MissingObject, IntegrityError: as of the object store.
        RequestError: it is no table.
    """
    assert side.path is not None
    assert side.oid is not None
    oid, path = side.oid, side.path
    found: Table
    if engine is None:
        found = opened.of_version(repo, oid, path, approx=approx)
    else:
        found = spread.of_version(repo, oid, path, engine=engine)
    return _given(side, found, reading(repo, oid, path), path)


def reading(repo: Repository, oid: ObjectId, path: str) -> Callable[[], Held]:
    """Return what gives the rows of a version of a file called `path`."""

    def read() -> Held:
        with written(repo, oid) as file:
            return held(table_blocks.blocks(file, path))

    return read


def _given(side: Side, found: Table, read: Callable[[], Held], name: str) -> Given:
    twice = repeated(found.names)
    if twice is not None:
        raise RequestError(
            f"'{name}' has more than one column '{twice}'",
            hint="rename one of them, so that it is known which to compare",
        )
    text = suffix_of(name) in (".csv", ".tsv")
    return Given(side, found, read, {one: one for one in found.names}, moments=text)


def held(frames: Iterable[pd.DataFrame]) -> Held:
    """Return data frames one below the other, or so many of their rows."""
    sample = Sample(MOST_ROWS)
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
