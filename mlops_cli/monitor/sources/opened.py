"""Files as tables: the one place that knows which kind of file is read how."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data.parts import Part
from mlops_cli.data.table import SUFFIXES, suffix_of
from mlops_cli.errors import RequestError
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.sources import blocks, csv
from mlops_cli.monitor.sources.blocks import Begin, Blocks, Making
from mlops_cli.monitor.sources.parquet import Parquet
from mlops_cli.monitor.sources.parts import ParquetParts, added
from mlops_cli.monitor.sources.sums import ExactSum, Scratch


def of_file(
    path: Path, name: str | None = None, *, approx: bool = False, scratch: Path | None = None
) -> Table:
    """Return the table in a file.

    Args:
        path: where it is.
        name: what it is called, of which the ending tells its kind; that of `path` by default.
        approx: whether columns may be estimated, in far less memory.
        scratch: a folder for what does not fit into memory; the system's by default.

    Raises:
        RequestError: it is no table, or what is needed to read it is not installed.
        ExternalError: it cannot be read.
    """
    return of_parts([Part(name or str(path), path)], approx=approx, scratch=scratch)


def of_parts(parts: Sequence[Part], *, approx: bool = False, scratch: Path | None = None) -> Table:
    """Return the table in some files of one kind, at least one, one below the other.

    Raises:
        RequestError: as of `of_file`; or the files do not have the same columns.
        ExternalError: one cannot be read.
    """
    kind = suffix_of(parts[0].name)
    if kind not in SUFFIXES:
        raise RequestError(
            f"'{parts[0].name}' is not a table that can be read",
            hint="known kinds: " + " ".join(SUFFIXES),
        )
    begin = beginning(approx=approx, scratch=scratch)
    if kind in (".parquet", ".pq"):
        return _of_parquet(parts, begin, approx=approx)
    if len(parts) == 1:
        return _of_blocks(parts[0], begin)
    by = {one.name: one for one in parts}
    return added(list(by), lambda name, as_text: _of_blocks(by[name], begin, as_text))


def _of_parquet(parts: Sequence[Part], begin: Begin, *, approx: bool) -> Table:
    files = [Parquet(one.path, one.name) for one in parts]
    whole = files[0] if len(files) == 1 else ParquetParts(files, begin)
    if not approx:
        return whole
    from mlops_cli.monitor.sources.sketches import Sketched

    return Sketched(whole)


def _of_blocks(part: Part, begin: Begin, as_text: frozenset[str] = frozenset()) -> Blocks:
    """Return a table that is read whole, a block at a time."""
    if suffix_of(part.name) in (".csv", ".tsv"):
        try:
            return csv.summed(part.path, part.name, begin, as_text=as_text)
        except csv.Refused:
            found = blocks.of_file(part.path, part.name, begin, as_text=as_text)
            return _as_written(part.path, part.name, found)
    return blocks.of_file(part.path, part.name, begin)


def _as_written(path: Path, name: str, found: Blocks) -> Blocks:
    """Return a table with names that stand twice: pandas calls the second `a.1`."""
    try:
        written = csv.header_of(path, name)
    except csv.Refused:
        return found
    return replace(found, names=tuple(written)) if len(set(written)) < len(written) else found


def of_version(
    repo: Repository, files: Sequence[tuple[str, ObjectId]], *, approx: bool = False
) -> Table:
    """Return the table that some objects hold, at least one, each with the name of its file.

    Their bytes go by files that are gone with the table, so memory has a bound whatever their size.

    Raises:
        MissingObject, IntegrityError: as of the object store.
        RequestError, ExternalError: as of `of_parts`.
    """
    folder = scratch_files.folder(repo.layout)
    held: list[Part] = []
    drop = _dropping(held)
    try:
        for name, oid in files:
            _write(repo, oid, name, folder, held)
        found = of_parts(held, approx=approx, scratch=folder)
    except BaseException:
        drop()
        raise
    if isinstance(found, blocks.Blocks):
        drop()
    else:
        weakref.finalize(found, drop)
    return found


def _write(repo: Repository, oid: ObjectId, name: str, folder: Path, held: list[Part]) -> None:
    """Write an object to a file, which is one of `held` then."""
    try:
        handle, path = tempfile.mkstemp(prefix=f".mlo-{os.getpid()}-", dir=folder)
    except OSError as error:
        raise outside(error, folder) from error
    held.append(Part(name, Path(path)))
    try:
        repo.objects.write_to(handle, oid)
    except OSError as error:
        raise outside(error, Path(path)) from error
    finally:
        os.close(handle)


def _dropping(held: list[Part]) -> Callable[[], None]:
    def drop() -> None:
        for one in held:
            one.path.unlink(missing_ok=True)

    return drop


def beginning(
    *,
    approx: bool,
    scratch: Path | None,
    most_texts: int | None = None,
    budget: int | None = None,
) -> Begin:
    """Return what begins with the columns of a table that is read in blocks.

    Of the texts of a column so many are counted at most, and so many bytes of numbers are in
    memory; see `sums.MOST_TEXTS` and `sums.BUDGET_BYTES`.
    """

    def exact() -> Making:
        held = Scratch(scratch, budget)
        return lambda: ExactSum(held, most_texts)

    if not approx:
        return exact

    def estimated() -> Making:
        from mlops_cli.monitor.sources.sketches import SketchSum

        return SketchSum

    return estimated
