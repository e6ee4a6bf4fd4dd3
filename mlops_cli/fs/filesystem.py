"""The fsspec file system behind `mlo://`."""

import io
import re
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from fsspec.spec import AbstractFileSystem
from fsspec.utils import stringify_path, tokenize

from mlops_cli.fs.file import VersionFile
from mlops_cli.fs.view import Node, UnknownRevision, View

_REV = re.compile(r"\?rev=([^?&=]+)$")
_TYPES = {"file": "file", "folder": "directory", "link": "link"}


class MloFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Versions of data, to be read only; `docs/fsspec.md` tells how paths are written.

    An instance is a view of one moment: what a name stands for is looked up once. So instances
    are not shared, and each `open` of a URL by fsspec sees the project as it is then.
    """

    protocol = "mlo"
    cachable = False
    root_marker = ""

    def __init__(
        self,
        repo: str | None = None,
        rev: str | None = None,
        remote: str | None = None,
        *,
        keep: bool = False,
        **others: Any,  # fsspec's own, such as `use_listings_cache`
    ) -> None:
        """`repo` is any folder of the project, the working folder's project by default.

        `rev` is the revision of paths that say none, the work tree's pointers by default.
        `remote` is where to read what is not here, and `keep` writes that into the store.

        Raises:
            NotARepository: there is no project.
        """
        super().__init__(**others)
        root = None if repo is None else Path(repo).expanduser()
        self.view = View(root, rev=rev, remote=remote, keep=keep)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.view, self.storage_args, self.storage_options)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return the path within the file system; a URL's `?rev=REV` comes to its front."""
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        text = stringify_path(path)
        text = text.removeprefix("mlo://").removeprefix("mlo::")
        found = _REV.search(text)
        if found is None:
            return text.strip("/")
        rev = quote(unquote(found[1]), safe="~^@{}:")
        return f"@{rev}/{text[: found.start()].strip('/')}".rstrip("/")

    @property
    def _fs_token(self) -> str:
        """What is equal in every thread and process for the same project and options."""
        return str(tokenize(self.view.key))

    @property
    def fsid(self) -> str:
        """The project's folder."""
        return f"mlo-{self.view.root}"

    def invalidate_cache(self, path: str | None = None) -> None:
        """Look anew what names stand for."""
        self.view.forget()

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name, size, type, id and whether it is executable."""
        return _info(self.view.node(self._strip_protocol(path)))

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether something of that name is versioned; what is wrong besides is raised."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002
        """Return what is in a folder, or the file itself."""
        node = self.view.node(self._strip_protocol(path))
        nodes = self.view.children(node) if node.kind == "folder" else [node]
        return [_info(one) if detail else one.name for one in nodes]

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT001, FBT002
        detail: bool = False,  # noqa: FBT001, FBT002
        **_: Any,
    ) -> Any:
        """Return all files below a folder, as fsspec says; a folder is read in one go."""
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        try:
            top = self.view.node(self._strip_protocol(path))
        except UnknownRevision:
            raise
        except FileNotFoundError:
            return {} if detail else []
        nodes = [top] if withdirs and top.name else []
        if top.kind == "folder":
            nodes += self.view.below(top, maxdepth)
        elif not nodes:
            nodes = [top]
        found = {one.name: _info(one) for one in nodes if withdirs or one.kind != "folder"}
        return dict(sorted(found.items())) if detail else sorted(found)

    def glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any:
        """Return what matches a pattern, as fsspec says; `?rev=` and `@REV` are no part of it."""
        slash = "/" if path.endswith("/") else ""
        return super().glob(
            self.view.settle(self._strip_protocol(path)) + slash, maxdepth, **options
        )

    def _open(self, path: str, mode: str = "rb", **_: Any) -> VersionFile:
        if mode != "rb":
            self._refuse()
        return self.view.open(path)

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """Return the bytes of a file, or from `start` to before `end`; negative from its end."""
        with self._open(self._strip_protocol(path)) as file:
            first, stop, _step = slice(start, end).indices(file.size)
            file.seek(first)
            return file.read(max(stop - first, 0))

    def ukey(self, path: str) -> str:
        """Return the id of the content."""
        return str(self.info(path)["id"])

    def checksum(self, path: str) -> int:
        """Return the id of the content as a number."""
        return int(self.ukey(path), 16)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise io.UnsupportedOperation(
            "mlo:// is read-only: write to a path of the work tree, then `mlo add` it"
        )

    mkdir = makedirs = rmdir = rm = rm_file = _rm = cp_file = mv = touch = _refuse
    pipe_file = put_file = start_transaction = _refuse


def _unpickled(view: View, args: tuple[Any, ...], options: dict[str, Any]) -> MloFileSystem:
    """Return the file system with the view it was pickled with, and so the same versions."""
    made = MloFileSystem.__new__(MloFileSystem)
    AbstractFileSystem.__init__(made)
    made.view = view
    made.storage_args, made.storage_options = args, options
    return made


def _info(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "size": node.size if node.kind != "folder" else 0,
        "type": _TYPES[node.kind],
        "id": node.oid,
        "executable": node.executable,
    }
