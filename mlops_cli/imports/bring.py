"""Import: bring outside data in, version it, and remember where it came from; later, update it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, pointer, snapshot
from mlops_cli.data.add import refuse_unfit
from mlops_cli.data.ignore import ignore_all
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.reference import split
from mlops_cli.data.restore import restore
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.data.source import Source
from mlops_cli.errors import Conflict, MloError, RequestError
from mlops_cli.imports import http, local, project, s3, urls
from mlops_cli.imports.arrival import Arrival, Errand, Newer
from mlops_cli.imports.mode import set_executable

State = Literal["new", "updated", "noted", "unchanged", "outdated", "failed"]
"""`noted`: the same bytes, which the source names anew; `outdated`: there is a newer version,
which was not asked for; `failed`: see `problem`.
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one import."""

    path: str
    source: Source
    state: State
    oid: ObjectId
    kind: ObjectKind
    size: int
    files: int
    before: ObjectId | None = None
    problem: str | None = None
    exit_code: int = 0


def source_of(
    root: Path, start: Path, typed: str, *, rev: str | None = None, checksum: str | None = None
) -> Source:
    """Return the source that a user typed in the folder `start`; see `mlo import --help`.

    Raises:
        RequestError: it holds credentials, is of a kind that is not known, or names two revisions.
    """
    urls.refuse_password(typed)
    url, mark, inner = typed.rpartition("#")
    if not mark or _is_here(start, typed):
        if rev is not None:
            raise RequestError("--rev is for a path of a project", hint="mlo import PROJECT#PATH")
        return Source(_kept_url(root, start, typed), checksum=checksum)
    path, at = split(inner)
    if at is not None and rev is not None:
        raise RequestError(f"'{inner}' and --rev both name a revision", hint="name one of them")
    if not url or not path:
        raise RequestError(f"'{typed}' names no path of a project", hint="PROJECT#PATH[@REV]")
    return Source(_kept_url(root, start, url), path, at or rev, checksum=checksum)


def bring_in(
    repo: Repository,
    source: Source,
    target: Path,
    *,
    url: str | None = None,
    force: bool = False,
    progress: Progress = SILENT,
) -> Imported:
    """Bring data from a source to a path of the project, and version it there.

    `url` is the source's with what signs it. The pointer is written last; killed before that,
    nothing is versioned.

    Raises:
        RequestError: the source or the path will not do.
        Conflict: there is work at the path that is in no store, and not `force`.
        IntegrityError: what came is not what the checksum says.
        ExternalError: the source cannot be reached, or refuses.
    """
    path = paths.relative(repo, target)
    known = {one.path: one for one in pointer.each(repo)}
    refuse_unfit(repo, [path], known)
    with repo.writing():
        _refuse_loss(repo, path, force=force)
        arrival = _fetch(repo, source, known.get(path), url, progress)
        assert arrival is not None, "a source that names no version is never unchanged"
        return _place(repo, path, arrival, known.get(path), force=force, progress=progress)


def update(
    repo: Repository,
    typed: Sequence[Path] = (),
    *,
    rev: str | None = None,
    check: bool = False,
    force: bool = False,
    progress: Progress = SILENT,
) -> tuple[Imported, ...]:
    """Ask the sources of imported paths, all without `typed`, for what is new, and bring it.

    `rev` is another revision to take from now on. With `check` nothing is changed. What fails
    is told, and hinders no other path.

    Raises:
        RequestError: a path was not imported.
    """
    known = {one.path: one for one in pointer.each(repo)}
    chosen = [_imported(repo, path, known) for path in typed] or [
        one for one in known.values() if one.source is not None
    ]
    found: list[Imported] = []
    for one in chosen:
        try:
            found.append(_update(repo, one, rev, check=check, force=force, progress=progress))
        except MloError as error:
            found.append(_failed(one, error))
    return tuple(found)


def _update(
    repo: Repository,
    before: Pointer,
    rev: str | None,
    *,
    check: bool,
    force: bool,
    progress: Progress,
) -> Imported:
    source = before.source
    assert source is not None
    if rev is not None:
        if source.path is None:
            raise RequestError(f"'{before.path}' is from no project, which has revisions")
        source = replace(source, revision=rev)
    with repo.writing():
        try:
            arrival = _fetch(repo, source, before, None, progress, ask_only=check)
        except Newer:
            return _told(before, "outdated")
        if arrival is None:
            return _told(before, "unchanged")
        if arrival.oid == before.oid:
            return _note(repo, before, arrival, check=check)
        if check:
            return _told(before, "outdated")
        _refuse_loss(repo, before.path, force=force)
        return _place(repo, before.path, arrival, before, force=force, progress=progress)


def _note(repo: Repository, before: Pointer, arrival: Arrival, *, check: bool) -> Imported:
    """Remember how the source now names what is here, so that it need not be read again."""
    if arrival.source == before.source:
        return _told(before, "unchanged")
    if not check:
        pointer.write(repo, replace(before, source=arrival.source))
    return _told(before, "noted")


def _fetch(
    repo: Repository,
    source: Source,
    before: Pointer | None,
    url: str | None,
    progress: Progress,
    *,
    ask_only: bool = False,
) -> Arrival | None:
    name = (source.path or source.url).rstrip("/").rpartition("/")[2]
    with (
        progress.task(f"importing {name}", None, "B") as advance,
        repo.objects.writer() as writer,
    ):
        errand = Errand(repo, writer, before.oid if before else None, advance, ask_only)
        return _bring(source, errand, url)


def _bring(source: Source, errand: Errand, url: str | None) -> Arrival | None:
    if source.path is not None:
        return project.bring(source, errand)
    scheme = urls.scheme_of(source.url)
    if scheme in ("http", "https"):
        return http.bring(source, errand, url=url)
    if scheme == "s3":
        return s3.bring(source, errand)
    return local.bring(source, errand)


def _place(
    repo: Repository,
    path: str,
    arrival: Arrival,
    before: Pointer | None,
    *,
    force: bool,
    progress: Progress,
) -> Imported:
    """Write what arrived to the work tree, then the pointer that says so."""
    target = paths.locate(repo, path)
    restore(repo, arrival.oid, arrival.kind, target, force=force, progress=progress)
    if arrival.kind == "file":
        set_executable(repo, target, arrival.oid, executable=arrival.executable)
    now = Pointer(
        path,
        arrival.oid,
        arrival.kind,
        arrival.size,
        arrival.files,
        arrival.executable,
        arrival.source,
    )
    pointer.write(repo, now)
    ignore_all(repo.root, [path])
    state: State = "new" if before is None else "updated"
    return replace(_told(now, state), before=before.oid if before else None)


def _refuse_loss(repo: Repository, path: str, *, force: bool) -> None:
    """Refuse early what `restore` would refuse after all has been brought."""
    target = paths.locate(repo, path)
    if force or not os.path.lexists(target):
        return
    if target.is_symlink() or not repo.objects.has(snapshot.take(repo, target).oid):
        raise Conflict(
            f"'{path}' holds work that is in no store and would be lost",
            hint=f"keep it: mlo add {path}, or give it up: --force",
        )


def _imported(repo: Repository, typed: Path, known: Mapping[str, Pointer]) -> Pointer:
    path = paths.relative(repo, typed)
    found = known.get(path)
    if found is None or found.source is None:
        raise RequestError(f"'{path}' was not imported", hint=f"mlo import URL {path}")
    return found


def _told(one: Pointer, state: State) -> Imported:
    assert one.source is not None
    return Imported(one.path, one.source, state, one.oid, one.kind, one.size, one.files)


def _failed(one: Pointer, error: MloError) -> Imported:
    said = f"{error.message} ({error.hint})" if error.hint else error.message
    return replace(_told(one, "failed"), problem=said, exit_code=error.exit_code)


def _is_here(start: Path, typed: str) -> bool:
    return urls.scheme_of(typed) is None and (start / Path(typed).expanduser()).exists()


def _kept_url(root: Path, start: Path, typed: str) -> str:
    """Return the URL to remember: what was typed, but for a path, which starts from the root."""
    from mlops_cli.imports.checkouts import is_remote

    scheme = urls.scheme_of(typed)
    if scheme in ("http", "https"):
        return urls.safe(typed)
    if scheme is not None and scheme not in ("file", "s3") and not is_remote(typed):
        raise RequestError(
            f"data of the kind '{scheme}://' cannot be imported",
            hint="use http://, https://, s3://, file://, a path, or PROJECT#PATH",
        )
    if scheme is not None or is_remote(typed) or typed.startswith(("/", "~")):
        return typed
    return os.path.relpath(start / typed, root)
