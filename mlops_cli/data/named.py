"""All that has a name for an object: what `gc` must keep.

A name in the work tree or in git's index that cannot be read stops everything: nothing is guessed.
Of old commits every id in a pointer or lock file counts, also where today's mlo could not read the
rest of the file.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from mlops_cli.core import canonical, git, git_reach, lockfile, worktrees
from mlops_cli.core.files import read_regular
from mlops_cli.core.ids import ids_in
from mlops_cli.core.layout import HISTORY, LOCKFILE, POINTER_SUFFIX, STORE
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data import dvc_history, pointer
from mlops_cli.errors import ExternalError, IntegrityError

PATTERNS = ("*" + POINTER_SUFFIX, "*" + LOCKFILE, "*" + HISTORY)
"""What of a git repository names objects."""

_PIECE_BYTES = 1024 * 1024
_NOT_OF_OBJECTS = frozenset({"log", "bundle", "system.jsonl", "files"})
"""Files of an open run that name no object and may be long."""


class Named:
    """Looks for names, again and again; what an earlier look has read of git is not read again."""

    def __init__(self, repo: Repository, removed: Callable[[], Collection[str]]) -> None:
        """`removed` returns the keys of the runs that were removed.

        Raises:
            StateError: git does not know all history of the project.
        """
        git_reach.refuse_partial(repo.root)
        self._repo = repo
        self._removed = removed
        self._commits: set[str] = set()
        self._blobs: set[str] = set()
        self._in_history: set[bytes] = set()
        self._records: dict[bytes, tuple[str | None, set[bytes]]] = {}

    def look(self) -> set[bytes]:
        """Return the ids of all that is named now, 32 bytes each, whether or not it is here.

        Raises:
            RequestError, IntegrityError: a pointer or lock file in a work tree or index is broken.
            ExternalError: git failed, or a file cannot be read.
        """
        found = set(self._under_way())
        tops = git_reach.worktrees(self._repo.root)
        for top in tops:
            found.update(self._work_tree(top))
            found.update(self._index(top))
        self._read_history(tops)
        found.update(self._in_history)
        found.update(bytes.fromhex(oid) for oid in self._repo.refs.all().values())
        self._repo.objects.refresh()
        found.update(self._recorded())
        return found

    def _work_tree(self, top: Path) -> Iterator[bytes]:
        for file in git.list_files(top, *PATTERNS):
            if not _names_objects(file):
                continue
            try:
                data = read_regular(top / file)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise ExternalError(f"cannot read '{top / file}': {reason}") from error
            yield from _read(data, file, None)

    def _index(self, top: Path) -> Iterator[bytes]:
        files = {blob: file for file, blob in git_reach.staged(top, *PATTERNS)}
        wanted = [blob for blob, file in files.items() if _names_objects(file)]
        for blob, data in git_reach.contents(top, wanted):
            yield from _read(data, files[blob], "the index")

    def _read_history(self, tops: list[Path]) -> None:
        commits = git_reach.commits(self._repo.root, tops)
        fresh = commits - self._commits
        if not fresh:
            return
        changes = git_reach.changes(self._repo.root, fresh, *PATTERNS)
        blobs = {blob for _, _, blob in changes} - self._blobs
        for _, data in git_reach.contents(self._repo.root, blobs):
            self._in_history |= ids_in(data)
        self._commits |= fresh
        self._blobs |= blobs

    def _under_way(self) -> Iterator[bytes]:
        """Yield what open runs name, and merges that are not settled yet."""
        layout = self._repo.layout
        trees = [layout, *worktrees.layouts(layout)]
        open_runs = [
            path
            for tree in trees
            for names in ("*.jsonl", "*/*")
            for path in tree.open_runs.glob(names)
        ]
        for path in (*open_runs, layout.mlo / "conflicts"):
            if path.name in _NOT_OF_OBJECTS:
                continue
            try:
                with path.open("rb") as file:
                    kept = b""
                    while piece := file.read(_PIECE_BYTES):
                        yield from ids_in(kept + piece)
                        kept = piece[-64:]
            except FileNotFoundError:
                continue  # the run has just been recorded, the merge settled
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise ExternalError(f"cannot read '{path}': {reason}") from error

    def _recorded(self) -> Iterator[bytes]:
        """Yield all records of the store and what they name, but for runs that were removed."""
        removed = set(self._removed())
        for oid in self._repo.objects.each(Kind.AUDIT):
            yield bytes.fromhex(oid)  # tells what was, and keeps nothing
        for kind in (Kind.RUN, Kind.EVENT):
            for oid in self._repo.objects.each(kind):
                key = bytes.fromhex(oid)
                if key not in self._records:
                    data = self._repo.objects.get(oid)
                    self._records[key] = _run_key(data), ids_in(data)
                run_key, named = self._records[key]
                if kind is Kind.EVENT or run_key not in removed:
                    yield key
                    yield from named


def _run_key(data: bytes) -> str | None:
    held = canonical.decode(data)
    key = held.get("key") if isinstance(held, dict) else None
    return key if isinstance(key, str) else None


def _names_objects(file: str) -> bool:
    parts = file.split("/")
    named = parts[-1] in (LOCKFILE, HISTORY) or parts[-1].endswith(POINTER_SUFFIX)
    return STORE not in parts and named


def _read(data: bytes, file: str, rev: str | None) -> set[bytes]:
    """Return what a pointer or lock file names, after making sure that it is one."""
    where = f"{file}@{rev}" if rev else file
    name = file.rpartition("/")[2]
    if name == LOCKFILE:
        lockfile.decode(data, where=where)
    elif name == HISTORY:
        dvc_history.decode(data, where=where)
    else:
        pointer.decode(data, file.removesuffix(POINTER_SUFFIX), rev=rev)
    found = ids_in(data)
    if not found and file.endswith(POINTER_SUFFIX):
        raise IntegrityError(f"the pointer '{file}' names nothing")
    return found
