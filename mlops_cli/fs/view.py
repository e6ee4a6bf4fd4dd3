"""What paths stand for, at one moment: the versions that pointers and `mlo.lock` name.

A path is POSIX, starts at the project's root, and may say a revision in two ways: `PATH@REV`, as
on the command line, and `@REV/PATH`, which is how names come back, so that what is below a folder
begins with the folder's own name. In the second form a slash of REV is written `%2F`. A path
that is versioned as it is written comes before `@` as a separator.
"""

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from mlops_cli.core import git, layout, tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import locked, paths, pointer
from mlops_cli.data.reference import split, unknown
from mlops_cli.errors import IntegrityError, MissingObject, MloError, RequestError
from mlops_cli.fs.file import VersionFile
from mlops_cli.fs.project import Project, open_project
from mlops_cli.remotes.transport import MissingKey

_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Node:
    """One file or folder.

    Attributes:
        name: its path, as it can be asked for again.
        size: in bytes; of a folder, of all files below it.
        oid: None for a folder of the project that is not versioned as a whole.
        kind: a link that leads to no file of the same version stays a link.
    """

    name: str
    kind: Literal["file", "folder", "link"]
    size: int
    oid: ObjectId | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """What a pointer or `mlo.lock` names."""

    kind: Literal["file", "folder"]
    size: int
    oid: ObjectId
    executable: bool = False


Table = Mapping[str, Whole]
"""All versions of one revision, by path."""


class UnknownRevision(FileNotFoundError):
    """Git knows no commit of that name."""


class View:
    """The versions of one project, as they stood when each revision was first asked for.

    It can be pickled, and stands for the same versions where it is unpickled. Threads may share
    it.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        rev: str | None = None,
        remote: str | None = None,
        keep: bool = False,
    ) -> None:
        """`root` is any folder of the project; without `rev` the work tree's pointers are meant.

        Raises:
            NotARepository: there is no project.
        """
        self.root = layout.find(Path.cwd() if root is None else root).root
        self._rev, self._remote, self._keep = rev, remote, keep
        self._tables: dict[str | None, Table] = {}

    @property
    def project(self) -> Project:
        """The opened project; another one after a fork."""
        return open_project(self.root, self._remote)

    @property
    def key(self) -> str:
        """What is equal for views of the same project with the same options."""
        return repr((str(self.root), self._rev, self._remote, self._keep))

    def forget(self) -> None:
        """Look anew, at the next request, what names stand for."""
        self._tables = {}

    def settle(self, path: str) -> str:
        """Return a path, which may have wildcards, with its revision in front if it has one."""
        path = path.strip("/")
        before, rev = split(path)
        if path.startswith("@") or rev is None or self._find(path) is not None:
            return path
        try:
            self._table(rev)
        except UnknownRevision:
            return path
        return f"@{_quoted(rev)}/{before.strip('/')}"

    def node(self, path: str) -> Node:
        """Return the file or folder at a path.

        Raises:
            FileNotFoundError: nothing of that name is versioned, there is no such revision, or a
                folder's listing is neither here nor on the remote.
            IntegrityError: stored bytes are damaged.
        """
        path = path.strip("/")
        found = self._find(path)
        if found is not None:
            return found
        before, rev = split(path)
        if rev is None or path.startswith("@"):
            raise self._unknown(path)
        found = self._find(f"@{_quoted(rev)}/{before.strip('/')}")
        if found is None:
            raise FileNotFoundError(f"'{before}' is not versioned at '{rev}'")
        return found

    def children(self, folder: Node) -> list[Node]:
        """Return what is in a folder, sorted by name."""
        prefix = folder.name + "/" if folder.name else ""
        if folder.oid is not None:
            entries = self._entries(folder)
            return [self._entered(prefix + name, entry) for name, entry in entries.items()]
        rev, inner = self._parse(folder.name)
        start = inner + "/" if inner else ""
        names = {path[len(start) :].partition("/")[0] for path in self._under(rev, start)}
        found = [self._find(prefix + name) for name in sorted(names)]
        return [node for node in found if node is not None]

    def below(self, folder: Node, depth: int | None = None) -> Iterator[Node]:
        """Yield all below a folder, `depth` levels of it; a folder comes before what it holds."""
        if depth is None and folder.oid is not None:
            with _not_found():
                walked = list(tree.walk(self.project.reader, folder.oid))
            for path, entry in walked:
                yield self._entered(f"{folder.name}/{path}", entry)
            return
        for node in self.children(folder):
            yield node
            if node.kind == "folder" and depth != 1:
                yield from self.below(node, None if depth is None else depth - 1)

    def open(self, path: str) -> VersionFile:
        """Open a file for reading.

        Raises:
            FileNotFoundError: as of `node`, or its bytes are neither here nor on the remote.
            IsADirectoryError: it is a folder.
            IntegrityError: its size is not what the pointer or folder says.
        """
        node = self.node(path)
        if node.kind == "folder" or node.oid is None:
            raise IsADirectoryError(f"'{node.name}' is a folder")
        if node.kind == "link":
            raise FileNotFoundError(f"'{node.name}' is a link to no file of this version")
        with _not_found():
            if self._keep:
                self.project.keep(node.oid)
            size = self.project.reader.size(node.oid)
        if size != node.size:
            raise IntegrityError(
                f"'{node.name}' has {size} bytes, not the {node.size} that are written down for it"
            )
        return VersionFile(self, node)

    def pieces(self, oid: ObjectId, start: int, end: int, ahead: int) -> Iterator[memoryview]:
        """Yield bytes of an object; see `Reader.stream`.

        Raises:
            FileNotFoundError: they are neither here nor on the remote.
        """
        with _not_found():
            yield from self.project.reader.stream(oid, start, end, ahead=ahead)

    def _parse(self, name: str) -> tuple[str | None, str]:
        """Return the revision and the path within it that a name in our own form says."""
        if not name.startswith("@"):
            return self._rev, name
        rev, _, inner = name[1:].partition("/")
        return unquote(rev), inner

    def _find(self, name: str, links: int = 0) -> Node | None:
        """Return what a name in our own form stands for, or as it is written."""
        rev, inner = self._parse(name)
        try:
            return self._look_up(name, rev, inner, links)
        except UnknownRevision:
            found = self._look_up(name, self._rev, name, links) if rev != self._rev else None
            if found is None:
                raise
            return found

    def _look_up(self, name: str, rev: str | None, inner: str, links: int) -> Node | None:
        table = self._table(rev)
        parts = inner.split("/")
        for count in range(len(parts), 0, -1):
            whole = table.get("/".join(parts[:count]))
            if whole is not None:
                top = name[: len(name) - len("/".join(parts[count:]))].rstrip("/")
                node = Node(top, whole.kind, whole.size, whole.oid, whole.executable)
                return self._within(node, parts[count:], links)
        if inner == "" or any(True for _ in self._under(rev, inner + "/")):
            size = sum(table[path].size for path in self._under(rev, inner and inner + "/"))
            return Node(name, "folder", size, None)
        return None

    def _under(self, rev: str | None, start: str) -> Iterator[str]:
        return (path for path in self._table(rev) if path.startswith(start))

    def _within(self, whole: Node, parts: list[str], links: int) -> Node | None:
        """Return what `parts` lead to from a whole version, links followed."""
        here = whole
        for at, part in enumerate(parts):
            if here.kind != "folder":
                return None
            entry = self._entries(here).get(part)
            if entry is None:
                return None
            name = f"{here.name}/{part}"
            if entry.mode is not tree.Mode.SYMLINK:
                here = self._entered(name, entry)
                continue
            target = self._target(whole, here, entry)
            last = at == len(parts) - 1
            if target is None or links == _MOST_LINKS:
                return Node(name, "link", entry.size, entry.oid) if last else None
            rest = [one for one in target.split("/") if one] + parts[at + 1 :]
            found = self._within(whole, rest, links + 1)
            if found is None or (last and found.kind != "file"):
                return Node(name, "link", entry.size, entry.oid) if last else None
            return replace(found, name="/".join((whole.name, *parts)))
        return here

    def _target(self, whole: Node, folder: Node, link: tree.Entry) -> str | None:
        """Return where a link leads, from the whole version's folder; None if out of it."""
        with _not_found():
            content = self.project.reader.get(link.oid).decode(errors="surrogateescape")
        start = folder.name[len(whole.name) :]
        target = posixpath.normpath(posixpath.join(start.lstrip("/"), content))
        return None if target.startswith(("/", "..")) else target.removeprefix(".")

    def _entered(self, name: str, entry: tree.Entry) -> Node:
        if entry.mode is tree.Mode.SYMLINK:
            return self._find(name) or Node(name, "link", entry.size, entry.oid)
        kind: Literal["file", "folder"] = "folder" if entry.mode is tree.Mode.FOLDER else "file"
        return Node(name, kind, entry.size, entry.oid, entry.mode is tree.Mode.EXECUTABLE)

    def _entries(self, folder: Node) -> dict[str, tree.Entry]:
        assert folder.oid is not None
        with _not_found():
            return self.project.entries(folder.oid)

    def _table(self, rev: str | None) -> Table:
        table = self._tables.get(rev)
        if table is None:  # of two threads that read it, both get the first one's
            table = self._tables.setdefault(rev, _read_table(self.project.repo, rev))
        return table

    def _unknown(self, name: str) -> FileNotFoundError:
        rev, inner = self._parse(name)
        try:
            paths.check(inner)
        except IntegrityError as error:
            return FileNotFoundError(error.message)
        if rev is None:
            return FileNotFoundError(_told(unknown(self.project.repo, inner)))
        return FileNotFoundError(f"'{inner}' is not versioned at '{rev}' (try: mlo log {inner})")


def _read_table(repo: Repository, rev: str | None) -> Table:
    at = None
    if rev is not None:
        try:
            at = git.resolve(repo.root, rev)
        except RequestError as error:
            raise UnknownRevision(_told(error)) from error
    pointers = pointer.each(repo) if at is None else pointer.each_at(repo, at)
    found = {
        path: Whole(out.kind, out.size, out.oid) for path, out in locked.outputs(repo, at).items()
    }
    for one in pointers:
        found[one.path] = Whole(one.kind, one.size, one.oid, one.executable)
    return found


@contextmanager
def _not_found() -> Iterator[None]:
    """Turn what is nowhere into the error that every reader of files knows."""
    try:
        yield
    except (MissingObject, MissingKey) as error:
        raise FileNotFoundError(_told(error)) from error


def _told(error: MloError) -> str:
    return f"{error.message} (try: {error.hint})" if error.hint else error.message


def _quoted(rev: str) -> str:
    return quote(rev, safe="~^@{}:")
