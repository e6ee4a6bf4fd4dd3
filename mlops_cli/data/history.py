"""The versions of a path, as git's history of its pointer tells."""

from collections.abc import Iterator

from mlops_cli.core import git, git_changes
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import LOCKFILE
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import dvc_history, pointer, reference
from mlops_cli.data.reference import Reference
from mlops_cli.errors import MissingObject, RequestError


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a path and the commit that brought it.

    Attributes:
        commit: full id of the commit; None for what no commit has yet.
        oid: the content; None where the path was removed.
        size: in bytes; None when the store does not tell.
    """

    path: str
    commit: str | None
    time: str | None
    author: str | None
    subject: str | None
    oid: ObjectId | None
    size: int | None


def versions(repo: Repository, path: str) -> list[Version]:
    """Return the versions of a path, newest first; commits that did not change it are left out.

    Raises:
        RequestError: nothing is known of the path, now or in history.
    """
    now = _at(repo, path, None)
    holder = now.held_by if now else path
    files = [pointer.file_of(above) for above in _above(holder)] if now is None else []
    files += [pointer.file_of(holder), LOCKFILE] if now else [LOCKFILE]
    commits = list(_commits(repo, list(dict.fromkeys(files)), path))
    found = [
        _version(repo, path, commit, _at(repo, path, commit.hex if commit else None))
        for commit in [None, *commits]
    ]
    kept = _changes(found)
    if not kept:
        raise reference.unknown(repo, path)
    return kept


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _commits(repo: Repository, files: list[str], path: str) -> Iterator[git.Commit]:
    """Yield the commits that touched any of `files`, or spoke of `path` to DVC, newest first."""
    if git.head(repo.root) is None:
        return
    seen: dict[str, git.Commit] = {}
    for file in files:
        for commit in git_changes.history(repo.root, file):
            seen.setdefault(commit.hex, commit)
    for commit in dvc_history.commits(repo, path):
        seen.setdefault(commit.hex, commit)
    yield from sorted(seen.values(), key=lambda commit: commit.when, reverse=True)


def _at(repo: Repository, path: str, rev: str | None) -> Reference | None:
    try:
        return reference.look_up(repo, path, rev)
    except (MissingObject, RequestError):
        if rev is None:
            raise
        return None  # a malformed or unfetched version long ago hides no other version


def _version(
    repo: Repository, path: str, commit: git.Commit | None, found: Reference | None
) -> Version:
    size = None
    if found is not None and repo.objects.has(found.oid):
        size = size_of(repo, found)
    oid = found.oid if found else None
    if commit is None:
        return Version(path, None, None, None, None, oid, size)
    return Version(path, commit.hex, commit.when, commit.author.name, commit.subject, oid, size)


def size_of(repo: Repository, found: Reference) -> int:
    """Return the size of a version in bytes, over all files.

    Raises:
        MissingObject: it is not in this store.
    """
    if found.kind == "file":
        return repo.objects.size(found.oid)
    from mlops_cli.core import tree

    return sum(entry.size for entry in tree.decode(repo.objects.get(found.oid)))


def _changes(found: list[Version]) -> list[Version]:
    """Return the versions that differ from the one before them in time."""
    kept: list[Version] = []
    for newer, older in zip(found, [*found[1:], None], strict=True):
        before = older.oid if older else None
        if newer.oid != before:
            kept.append(newer)
    return kept
