"""Files as tables: the one place that knows which kind of file is read how."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.files import outside
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data.table import SUFFIXES, suffix_of
from mlops_cli.errors import RequestError
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.sources import blocks, csv
from mlops_cli.monitor.sources.blocks import Begin, Blocks, Making
from mlops_cli.monitor.sources.parquet import Parquet
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
    name = name or str(path)
    if suffix_of(name) not in SUFFIXES:
        raise RequestError(
            f"'{name}' is not a table that can be read", hint="known kinds: " + " ".join(SUFFIXES)
        )
    if suffix_of(name) in (".parquet", ".pq"):
        whole = Parquet(path, name)
        if not approx:
            return whole
        from mlops_cli.monitor.sources.sketches import Sketched

        return Sketched(whole)
    begin = beginning(approx=approx, scratch=scratch)
    if suffix_of(name) in (".csv", ".tsv"):
        try:
            return csv.summed(path, name, begin)
        except csv.Refused:
            return _as_written(path, name, blocks.of_file(path, name, begin))
    return blocks.of_file(path, name, begin)


def _as_written(path: Path, name: str, found: Blocks) -> Blocks:
    """Return a table with names that stand twice: pandas calls the second `a.1`."""
    try:
        written = csv.header_of(path, name)
    except csv.Refused:
        return found
    return replace(found, names=tuple(written)) if len(set(written)) < len(written) else found


def of_version(repo: Repository, oid: ObjectId, name: str, *, approx: bool = False) -> Table:
    """Return the table that the object `oid` holds, a file called `name`.

    Its bytes go by a file that is gone with the table, so memory has a bound whatever their size.

    Raises:
        MissingObject, IntegrityError: as of the object store.
        RequestError, ExternalError: as of `of_file`.
    """
    folder = scratch_files.folder(repo.layout)
    try:
        handle, path = tempfile.mkstemp(prefix=f".mlo-{os.getpid()}-", dir=folder)
    except OSError as error:
        raise outside(error, folder) from error
    drop = _dropping(Path(path))
    try:
        repo.objects.write_to(handle, oid)
    except OSError as error:
        drop()
        raise outside(error, Path(path)) from error
    except BaseException:
        drop()
        raise
    finally:
        os.close(handle)
    try:
        found = of_file(Path(path), name, approx=approx, scratch=folder)
    except BaseException:
        drop()
        raise
    if isinstance(found, blocks.Blocks):
        drop()
    else:
        weakref.finalize(found, drop)
    return found


def _dropping(path: Path) -> Callable[[], None]:
    return lambda: path.unlink(missing_ok=True)


def beginning(*, approx: bool, scratch: Path | None) -> Begin:
    """Return what begins with the columns of a table that is read in blocks."""

    def exact() -> Making:
        held = Scratch(scratch)
        return lambda: ExactSum(held)

    if not approx:
        return exact

    def estimated() -> Making:
        from mlops_cli.monitor.sources.sketches import SketchSum

        return SketchSum

    return estimated
