"""Looking at a file or a version of one: where it is, and its profile."""

from __future__ import annotations

from pathlib import Path

from mlops_cli.core import layout
from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import reference, table_blocks
from mlops_cli.errors import NotARepository, RequestError
from mlops_cli.monitor.given import written
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
    """Return the profile of a file, or of the version that a reference means.

    A file needs no repository around it. With `approx` columns are estimated in far less memory,
    and nothing is said of what columns have to do with each other.

    Raises:
        RequestError: there is neither, or it is no table.
        NotARepository: it is no file, and there is no repository to look it up in.
        ExternalError: it cannot be read.
    """
    path = start / text
    if path.is_file():
        found = _of_file(path, text, approx=approx, scratch=_scratch(start))
        return Looked(text, None, None, path.stat().st_size, found)
    try:
        repo = open_repository(start)
    except NotARepository as error:
        raise RequestError(f"there is no file '{text}'") from error
    return _of_version(repo, text, start, approx=approx)


def _of_version(repo: Repository, text: str, start: Path, *, approx: bool) -> Looked:
    meant = reference.resolve(repo, text, start=start)
    if meant.kind != "file":
        raise RequestError(f"'{meant.path}' is a folder", hint="name a table in it")
    with written(repo, meant.oid) as file:
        found = _of_file(file, meant.path, approx=approx, scratch=scratch_files.folder(repo.layout))
    return Looked(meant.path, meant.rev, meant.oid, repo.objects.size(meant.oid), found)


def _of_file(path: Path, name: str, *, approx: bool, scratch: Path | None) -> TableProfile:
    table = opened.of_file(path, name, approx=approx, scratch=scratch)
    return profile(table, () if approx else table_blocks.blocks(path, name))


def _scratch(start: Path) -> Path | None:
    """Return the folder for what does not fit into memory; the system's outside a repository."""
    try:
        return scratch_files.folder(layout.find(start))
    except NotARepository:
        return None
