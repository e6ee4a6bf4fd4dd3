"""The names that people have for versions, as far as they can be read, and what cannot.

For reports on a store that is damaged: nothing here stops at a broken file, or for want of git.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlops_cli.core import git, git_reach, lockfile
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX, STORE
from mlops_cli.core.repository import Repository
from mlops_cli.data import pointer
from mlops_cli.data.named import PATTERNS
from mlops_cli.errors import ExternalError, MloError, StateError


@dataclass(slots=True)
class Labels:
    """Paths with the id of their version.

    Attributes:
        now: of the work tree's pointers and lock file.
        before: of git's history, as `PATH@COMMIT`.
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
    labels.now.sort()
    if history:
        try:
            labels.before = sorted(set(_history(repo.root)))
        except (ExternalError, StateError) as error:
            labels.untold = error.message
    return labels


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
    top = git.toplevel(root)
    if top is None:
        return
    prefix = "" if top.resolve() == root.resolve() else f"{root.resolve().relative_to(top)}/"
    changes = list(git_reach.changes(root, git_reach.commits(root, [top]), *PATTERNS))
    contents = dict(git_reach.contents(root, {blob for _, _, blob in changes}))
    for commit, path, blob in changes:
        file = path.removeprefix(prefix)
        for inner, oid in _decoded(file, contents[blob]):
            yield f"{inner}@{short(ObjectId(commit))}", oid


def _decoded(file: str, data: bytes) -> list[tuple[str, ObjectId]]:
    """Return what a file of an old commit names; nothing when it cannot be read."""
    try:
        if file.rpartition("/")[2] == LOCKFILE:
            return list(_outputs(lockfile.decode(data, where=file)))
        one = pointer.decode(data, file.removesuffix(POINTER_SUFFIX))
    except MloError:
        return []
    return [(one.path, one.oid)]
