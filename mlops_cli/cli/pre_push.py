"""Data goes before code: what the commits of a `git push` name goes to the mlo remote first."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlops_cli.cli import show
from mlops_cli.cli.git_calls import GOES_ON, STOPS
from mlops_cli.core import git_index, git_range, lockfile
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer, projects
from mlops_cli.errors import MissingObject, MloError

_Files = dict[tuple[str, str], bool]
"""Path and blob of pointers and lock files, and whether git's remote has them not yet."""


def pre_push(top: Path, arguments: Sequence[str], given: str) -> int:
    """Send data, and return whether git is to go on; `given` is what git says on standard input."""
    remote = (arguments or [os.environ.get("PRE_COMMIT_REMOTE_NAME", "")])[0]
    try:
        files: _Files = {}
        for commit, known in _pushed(top, given):
            _collect(top, commit, [*known, *_seen_on(top, remote)], files)
        _send_all(top, remote, files)
    except MloError as error:
        show.note(f"mlo: {error.message}")
        if error.hint:
            show.note(f"  try: {error.hint}")
        show.note("git has pushed nothing, since the data could not go first; to push code alone:")
        show.note("  git push --no-verify")
        return STOPS
    return GOES_ON


def _pushed(top: Path, given: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the commits that git pushes, each with the commits that its remote has."""
    lines = [line.split(" ") for line in given.splitlines()]
    if not lines and "PRE_COMMIT_REMOTE_NAME" in os.environ:
        lines = [_told_by_framework()]
    for _, local, _, there in lines:
        if git_range.is_nothing(local):
            continue  # a branch is deleted
        commit = git_range.commit_of(top, local)
        if commit is not None:
            known = (
                None
                if not there or git_range.is_nothing(there)
                else git_range.commit_of(top, there)
            )
            yield commit, [known] if known else []


def _told_by_framework() -> list[str]:
    """Return such a line from what the pre-commit framework says; a new branch has no commits."""
    named = os.environ.get
    new = named("PRE_COMMIT_TO_REF") or named("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    return ["", new, "", named("PRE_COMMIT_FROM_REF", "")]


def _seen_on(top: Path, remote: str) -> list[str]:
    named = git_index.remotes(top)
    return [f"--remotes={remote}"] if remote in named else []


def _collect(top: Path, commit: str, known: Sequence[str], files: _Files) -> None:
    for path, blob in git_range.held(top, commit, POINTER_SUFFIX, LOCKFILE):
        files.setdefault((path, blob), False)
    for path, blob in git_range.introduced(top, commit, known, *projects.PATTERNS):
        files[path, blob] = True


def _send_all(top: Path, remote: str, files: _Files) -> None:
    contents = git_index.contents(top, sorted({blob for _, blob in files}))
    wanted: dict[Path, dict[ObjectId, tuple[str, bool]]] = {}
    for (file, blob), new in files.items():
        root = projects.root_of(top, file.rpartition("/")[0])
        if root is None:
            continue
        named = wanted.setdefault(root, {})
        for path, oid in _named(file, contents[blob]):
            named[oid] = (path, new or named.get(oid, ("", False))[1])
    for root, named in wanted.items():
        repo = open_repository(root)
        if repo.settings.remotes:
            _send(repo, remote, named)


def _named(file: str, data: bytes) -> Iterator[tuple[str, ObjectId]]:
    """Yield path and id of what a pointer or lock file names; nothing if it is malformed."""
    try:
        if pointer.is_pointer(file):
            one = pointer.decode(data, file.removesuffix(POINTER_SUFFIX))
            yield one.path, one.oid
        elif file.rpartition("/")[2] == LOCKFILE:
            for step in lockfile.decode(data, where=file).values():
                for path, out in step.outs.items():
                    yield path, out.oid
    except MloError:
        return


def _send(repo: Repository, git_remote: str, named: dict[ObjectId, tuple[str, bool]]) -> None:
    from mlops_cli.remotes.push import push
    from mlops_cli.remotes.remote import connect

    name = git_remote if git_remote in repo.settings.remotes else None
    remote = connect(repo, name)
    here = [oid for oid in named if repo.objects.has(oid)]
    pushed = push(repo, remote, only=here, progress=show.progress())
    if pushed.objects:
        sent = f"{show.number(pushed.objects, 'object')} ({show.size(pushed.bytes)})"
        show.note(f"mlo: sent {sent} to {pushed.remote}")
    lost = [
        path
        for oid, (path, new) in named.items()
        if new and not repo.objects.has(oid) and not remote.catalogue.has(oid)
    ]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise MissingObject(
            f"the content of '{lost[0]}'{more} is neither in this store nor on '{remote.name}'",
            hint=f"git log --oneline -- {lost[0]}{POINTER_SUFFIX}",
        )
