"""Looking at files that are a table, or a version of some: where it is, and its profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlops_cli.core import layout
from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import parts
from mlops_cli.data.parts import Part
from mlops_cli.errors import NotARepository, RequestError
from mlops_cli.monitor.given import reading, rows_of
from mlops_cli.monitor.profiling.table import TableProfile, profile
from mlops_cli.monitor.sources import opened


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at. `oid` is None for a file as it is in the work tree."""

    path: str
    rev: str | None
    oid: ObjectId | None
    size: int
    profile: TableProfile


def look(text: str, *, start: Path, approx: bool = False) -> Looked:
    """Return the profile of a file, of those in a folder, that match, or of a version of such.

    What is here needs no repository around it. With `approx` columns are estimated in far less
    memory, and nothing is said of what columns have to do with each other.

    Raises:
        RequestError: there is neither, or it is no table.
        NotARepository: it is no file, and there is no repository to look it up in.
        ExternalError: it cannot be read.
    """
    here = parts.here(start, text)
    if here is not None:
        found = _profiled(here, approx=approx, scratch=_scratch(start))
        return Looked(text, None, None, sum(one.path.stat().st_size for one in here), found)
    try:
        repo = open_repository(start)
    except NotARepository as error:
        raise RequestError(f"there is no file '{text}'") from error
    return _of_version(repo, text, start, approx=approx)


def _of_version(repo: Repository, text: str, start: Path, *, approx: bool) -> Looked:
    meant = parts.version(repo, text, start=start)
    table = opened.of_version(repo, meant.files, approx=approx)
    rows = reading(repo, meant.files, columns=len(table.names))
    found = profile(table, () if approx else rows())
    size = sum(repo.objects.size(oid) for _, oid in meant.files)
    return Looked(meant.path, meant.rev, meant.oid, size, found)


def _profiled(files: Sequence[Part], *, approx: bool, scratch: Path | None) -> TableProfile:
    table = opened.of_parts(files, approx=approx, scratch=scratch)
    return profile(table, () if approx else rows_of(files, columns=len(table.names)))


def _scratch(start: Path) -> Path | None:
    """Return the folder for what does not fit into memory; the system's outside a repository."""
    try:
        return scratch_files.folder(layout.find(start))
    except NotARepository:
        return None
