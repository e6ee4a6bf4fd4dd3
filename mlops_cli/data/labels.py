"""The names that people have for versions, as far as they can be read, and what cannot.

For reports on a store that is damaged: nothing here stops at a broken file, or for want of git.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from mlops_cli.core import git, git_reach, lockfile
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.layout import HISTORY, LOCKFILE, POINTER_SUFFIX, STORE, was_dvc
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.data import dvc_files, dvc_history, pointer
from mlops_cli.data.named import PATTERNS
from mlops_cli.errors import ExternalError, MloError, RequestError, StateError


@dataclass(slots=True)
class Labels:
    """Paths with the id of their version.

    Attributes:
        now: of the work tree's pointers and lock file.
        before: of git's history, as `PATH@COMMIT`; also what DVC kept before the project moved.
        broken: pointers and lock files of the work tree that cannot be read, with why.
        untold: why git did not tell of history, if so.
    """

    now: list[tuple[str, ObjectId]] = field(default_factory=list)
    before: list[tuple[str, ObjectId]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    untold: str | None = None


def read(repo: Repository, *, history: bool) -> Labels:
    """Return the names of the work tree and, with `history`, of all that git keeps."""
    labels = Labels()
    for file in _files(repo.root):
        try:
            labels.now += _named_in(repo, file)
        except MloError as error:
            labels.broken.append((file, error.message))
    if was_dvc(repo.root):
        _check_history(repo, labels)
    labels.now.sort()
    if history:
        try:
            labels.before = sorted({*_history(repo.root), *_of_dvc(repo)})
        except (ExternalError, StateError) as error:
            labels.untold = error.message
    return labels


def _check_history(repo: Repository, labels: Labels) -> None:
    """Take in what DVC's files in the work tree name, and whether the table can be read."""
    try:
        formers = dvc_history.formers(repo, None)
        dvc_history.read(repo)
    except MloError as error:
        labels.broken.append((HISTORY, error.message))
        return
    labels.now += [(one.path, one.kept.oid) for one in formers.values()]


def _files(root: Path) -> list[str]:
    try:
        found = git.list_files(root, "*" + POINTER_SUFFIX)
    except (ExternalError, StateError):
        found = sorted(_walk(root))
    kept = [file for file in found if STORE not in file.split("/")]
    return [*kept, LOCKFILE] if (root / LOCKFILE).exists() else kept


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", STORE)]
        for name in files:
            if name.endswith(POINTER_SUFFIX):
                yield os.path.relpath(os.path.join(folder, name), root)


def _named_in(repo: Repository, file: str) -> list[tuple[str, ObjectId]]:
    if file == LOCKFILE:
        return list(_outputs(lockfile.read(repo.layout.lockfile)))
    one = pointer.read(repo, file.removesuffix(POINTER_SUFFIX))
    return [] if one is None else [(one.path, one.oid)]


def _outputs(steps: lockfile.Lock) -> Iterator[tuple[str, ObjectId]]:
    for step in steps.values():
        for path, out in step.outs.items():
            yield path, out.oid


def _history(root: Path) -> Iterator[tuple[str, ObjectId]]:
    for commit, file, data in _changes(root, *PATTERNS):
        for inner, oid in _decoded(file, data):
            yield f"{inner}@{commit}", oid


def _of_dvc(repo: Repository) -> Iterator[tuple[str, ObjectId]]:
    """Yield what commits from before the move to mlo name in DVC's files."""
    if not was_dvc(repo.root):
        return
    try:
        table = dvc_history.read(repo)
    except RequestError:
        return  # told as a broken file, where it is in the work tree
    if table:
        for commit, file, data in _changes(repo.root, *dvc_files.PATTERNS):
            for one in dvc_history.each(table, file, data):
                yield f"{one.path}@{commit}", one.kept.oid


def _changes(root: Path, *patterns: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield each file of the project that a commit changed: short commit, path and content."""
    top = git.toplevel(root)
    if top is None:
        return
    prefix = "" if top.resolve() == root.resolve() else f"{root.resolve().relative_to(top)}/"
    found = git_reach.changes(root, git_reach.commits(root, [top]), *patterns)
    changes = [one for one in found if one[1].startswith(prefix)]
    contents = dict(git_reach.contents(root, {blob for _, _, blob in changes}))
    for commit, path, blob in changes:
        yield short(ObjectId(commit)), path.removeprefix(prefix), contents[blob]


def _decoded(file: str, data: bytes) -> list[tuple[str, ObjectId]]:
    """Return what a file of an old commit names; nothing when it cannot be read."""
    try:
        if file.rpartition("/")[2] == LOCKFILE:
            return list(_outputs(lockfile.decode(data, where=file)))
        one = pointer.decode(data, file.removesuffix(POINTER_SUFFIX))
    except MloError:
        return []
    return [(one.path, one.oid)]
