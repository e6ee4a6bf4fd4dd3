"""Which versions a DVC project's git history names, and which of them are there now."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core import git, git_changes
from mlops_cli.core.files import read_regular
from mlops_cli.data import dvc_files
from mlops_cli.data.dvc_files import Digest, Out
from mlops_cli.errors import RequestError


@dataclass(frozen=True, slots=True)
class Survey:
    """What DVC's files name.

    Attributes:
        versions: by path the contents that it had, oldest first.
        named: by content the path and newest commit that names it; None for the work tree.
        current: the outputs that the work tree's files name, by those files.
        unreadable: files of DVC's that are malformed, in some commit or now.
    """

    versions: dict[str, list[Digest]]
    named: dict[Digest, tuple[str, str | None]]
    current: dict[str, list[Out]]
    unreadable: list[str]


def survey(root: Path) -> Survey:
    """Return what every commit of every branch and tag names, and the work tree.

    Raises:
        StateError: `root` is not in a git repository.
    """
    unreadable: list[str] = []
    touched = git_changes.changes(root, dvc_files.PATTERNS, everywhere=True)
    contents = git_changes.blobs(root, {one.after for one in touched if one.after})
    versions: dict[str, list[Digest]] = {}
    named: dict[Digest, tuple[str, str | None]] = {}
    read: dict[tuple[str, str], list[Out]] = {}
    for one in reversed(touched):
        if one.after is None or not dvc_files.is_dvc_file(one.path):
            continue
        if (one.path, one.after) not in read:
            data = contents.get(one.after, b"")
            found = _outs(one.path, data, one.commit.hex[:10], unreadable)
            read[one.path, one.after] = found
        _note(read[one.path, one.after], one.commit.hex, versions, named)
    current = _current(root, unreadable)
    for outs in current.values():
        _note(outs, None, versions, named)
    return Survey(versions, named, current, unreadable)


def _current(root: Path, unreadable: list[str]) -> dict[str, list[Out]]:
    found: dict[str, list[Out]] = {}
    for file in git.list_files(root, *dvc_files.PATTERNS):
        if not dvc_files.is_dvc_file(file):
            continue
        try:
            data = read_regular(root / file)
        except OSError:
            continue
        found[file] = _outs(file, data, None, unreadable)
    return found


def _outs(file: str, data: bytes, rev: str | None, unreadable: list[str]) -> list[Out]:
    try:
        return dvc_files.outs(file, data, rev=rev)
    except RequestError as error:
        unreadable.append(error.message)
        return []


def _note(
    outs: Iterable[Out],
    commit: str | None,
    versions: dict[str, list[Digest]],
    named: dict[Digest, tuple[str, str | None]],
) -> None:
    for out in outs:
        if out.digest is None or not out.cached:
            continue
        known = versions.setdefault(out.path, [])
        if out.digest not in known:
            known.append(out.digest)
        if commit is not None or out.digest not in named:
            named[out.digest] = (out.path, commit)


def kept_by_git(root: Path, path: str) -> bool:
    """Return whether any commit has a file of this path, so that DVC did not have to keep it."""
    touched = git_changes.changes(root, [f":(literal){path}"], everywhere=True)
    return any(one.after is not None for one in touched)
