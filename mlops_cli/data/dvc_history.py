"""Versions from before a project moved here from DVC, which old commits name in `.dvc` files.

`mlo import-dvc` keeps the bytes, and writes `mlo.history`, which git keeps: a line for each
version, that says which object stands for it now.

    mlo history 1
    md5:0cc175b9c0f1b6a831c399e269772661 8e4c7c1b... file 6 1

So no commit has to be rewritten: what an old commit's `.dvc` files and `dvc.lock` name is looked up
here. A commit from before has no such file; then the newest one of any branch is taken.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlops_cli.core import git
from mlops_cli.core.files import read_regular, write_whole
from mlops_cli.core.git import Commit
from mlops_cli.core.git_changes import blobs, changes
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.layout import HISTORY, was_dvc
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import dvc_files
from mlops_cli.data.dvc_files import Digest, Out
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.errors import MloError, RequestError

FOLDER = ".dvc"
_FIRST = "mlo history 1"
_WORDS = 5


class Kept(NamedTuple):
    """The object that stands for content that DVC kept; size in bytes, over all files."""

    oid: ObjectId
    kind: ObjectKind
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Former:
    """One version that a `.dvc` file or `dvc.lock` names."""

    path: str
    kept: Kept
    executable: bool


Table = Mapping[Digest, Kept]


def encode(table: Table) -> bytes:
    """Return the bytes of `mlo.history`, sorted, so that git merges it line by line."""
    rows = sorted(f"{digest} {' '.join(map(str, kept))}" for digest, kept in table.items())
    return "".join(f"{line}\n" for line in [_FIRST, *rows]).encode()


def decode(data: bytes, *, where: str = HISTORY) -> dict[Digest, Kept]:
    """Return the table in `mlo.history`.

    Raises:
        RequestError: a line is not as it should be; the message names it.
    """
    lines = data.decode("utf-8", "replace").splitlines()
    if lines[:1] != [_FIRST]:
        raise RequestError(f"{where}:1: does not begin with '{_FIRST}'", hint="use a newer mlo")
    found: dict[Digest, Kept] = {}
    for number, line in enumerate(lines[1:], 2):
        row = _row(line.split(" "))
        if row is None:
            raise RequestError(
                f"{where}:{number}: is not a version", hint="mlo import-dvc, which writes it anew"
            )
        found[row[0]] = row[1]
    return found


def read(repo: Repository) -> dict[Digest, Kept]:
    """Return the table of the work tree, or else of the newest commit that has one."""
    try:
        return decode(read_regular(repo.root / HISTORY))
    except FileNotFoundError:
        return _newest(repo.root)
    except OSError as error:
        raise RequestError(f"cannot read '{HISTORY}': {error.strerror}") from error


def write(repo: Repository, table: Table) -> bool:
    """Write the table; return whether that changed anything. Its objects must be in the store."""
    target = repo.root / HISTORY
    data = encode(table)
    if target.is_file() and target.read_bytes() == data:
        return False
    write_whole(target, data, aside=repo.layout.tmp)
    return True


def formers(repo: Repository, rev: str | None) -> dict[str, Former]:
    """Return the versions that DVC's files name at a revision, or in the work tree, by path."""
    if not was_dvc(repo.root):
        return {}
    named = _named_here(repo.root) if rev is None else _named_at(repo.root, rev)
    if not named:
        return {}
    table = read(repo)
    return {
        out.path: Former(out.path, table[out.digest], out.executable)
        for out in named
        if out.digest in table
    }


def lost(repo: Repository, rev: str | None = None) -> list[str]:
    """Return what DVC's files name, at a revision or in the work tree, and no object stands for.

    The move to mlo did not bring these versions along. In a project that has not moved, none is.
    """
    if not was_dvc(repo.root):
        return []
    named = _named_here(repo.root) if rev is None else _named_at(repo.root, rev)
    kept = [out for out in named if out.cached and out.digest is not None]
    table = read(repo) if kept else {}
    return sorted(out.path for out in kept if out.digest not in table) if table else []


def each(table: Table, file: str, data: bytes) -> list[Former]:
    """Return the versions in a table that a file names, if it is one of DVC's."""
    return [
        Former(out.path, table[out.digest], out.executable)
        for out in _outs(file, data)
        if out.digest is not None and out.digest in table
    ]


def commits(repo: Repository, path: str) -> list[Commit]:
    """Return the commits in which DVC's files said something of `path` or what holds it."""
    if not was_dvc(repo.root):
        return []
    touched = changes(repo.root, dvc_files.PATTERNS)
    ids = {oid for one in touched for oid in (one.before, one.after) if oid}
    contents = blobs(repo.root, ids)
    said = {
        (one.path, oid)
        for one in touched
        for oid in (one.before, one.after)
        if oid and any(_holds(out, path) for out in _outs(one.path, contents.get(oid, b"")))
    }
    found = [
        one.commit
        for one in touched
        if (one.path, one.before) in said or (one.path, one.after) in said
    ]
    return list(dict.fromkeys(found))


def _row(words: list[str]) -> tuple[Digest, Kept] | None:
    if len(words) != _WORDS:
        return None
    digest = dvc_files.parse_digest(words[0])
    oid, kind, size, files = words[1:]
    if digest is None or not is_id(oid) or not (size.isdecimal() and files.isdecimal()):
        return None
    if kind == "file":
        return digest, Kept(ObjectId(oid), "file", int(size), int(files))
    return (
        (digest, Kept(ObjectId(oid), "folder", int(size), int(files))) if kind == "folder" else None
    )


def _newest(root: Path) -> dict[Digest, Kept]:
    for one in changes(root, [HISTORY], everywhere=True):
        if one.after is not None:
            return decode(blobs(root, [one.after])[one.after], where=f"{HISTORY}@{one.commit.hex}")
    return {}


def _named_here(root: Path) -> list[Out]:
    found: list[Out] = []
    for file in git.list_files(root, *dvc_files.PATTERNS):
        if dvc_files.is_dvc_file(file):
            try:
                found += _outs(file, read_regular(root / file))
            except OSError:
                continue
    return _without_gits(found, lambda: git.is_tracked(root, [out.path for out in found]))


def _named_at(root: Path, rev: str) -> list[Out]:
    files: dict[str, bytes] = {}
    for suffix in (dvc_files.SUFFIX, dvc_files.LOCKFILE):
        files |= git.contents_at(root, rev, suffix)
    found = [out for file, data in files.items() for out in _outs(file, data)]
    return _without_gits(found, lambda: git.files_at(root, rev))


def _without_gits(found: list[Out], files: Callable[[], Collection[str]]) -> list[Out]:
    """Return outputs but those that git keeps: a lock does not say of which DVC does.

    `files` tells what git has there; it is asked only if there are outputs of stages.
    """
    if all(out.stage is None for out in found):
        return found
    kept = {name for file in files() for name in (file, *map(str, PurePosixPath(file).parents))}
    return [out for out in found if out.stage is None or out.path not in kept]


def _outs(file: str, data: bytes) -> Iterable[Out]:
    """Return the outputs that a file names; none where it is not DVC's, or cannot be read."""
    if not dvc_files.is_dvc_file(file):
        return []
    try:
        return dvc_files.outs(file, data)
    except MloError:
        return []


def _holds(out: Out, path: str) -> bool:
    return out.path == path or path.startswith(out.path + "/")
