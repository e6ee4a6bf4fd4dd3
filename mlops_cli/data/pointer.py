"""Pointers: `data/raw.csv.mlo`, the small file in git that says which version of data is meant.

    mlo: 1
    id: 8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99
    kind: file
    size: 6
    files: 1

`executable: true` follows for a single file that is one, and `source:` for what was imported
(`data/source.py`). Nothing else may be in a pointer.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.files import read_regular, write_whole
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.layout import POINTER_SUFFIX, was_dvc
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.yaml_nodes import Value, parse
from mlops_cli.data import locked, paths, source
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.data.source import Source
from mlops_cli.errors import ExternalError, IntegrityError, RequestError

if TYPE_CHECKING:
    from mlops_cli.data.dvc_history import Former

FORMAT = 1
_WRITTEN = re.compile(
    rb"mlo: 1\nid: ([0-9a-f]{64})\nkind: (file|folder)\nsize: ([0-9]{1,18})\nfiles: ([0-9]{1,18})\n"
    rb"(executable: true\n)?(?:source:\n(" + source.LINES + rb"))?"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which version of the data at `path` is meant.

    `size` is in bytes, over all `files`; `executable` is for a single file. `source` says where
    this version was imported from.
    """

    path: str
    oid: ObjectId
    kind: ObjectKind
    size: int
    files: int
    executable: bool = False
    source: Source | None = None


def file_of(path: str) -> str:
    """Return where the pointer of the data at `path` is.

    >>> file_of("data/raw.csv")
    'data/raw.csv.mlo'
    """
    return path + POINTER_SUFFIX


def encode(pointer: Pointer) -> bytes:
    """Return the bytes of a pointer; equal pointers have equal bytes."""
    text = (
        f"mlo: {FORMAT}\nid: {pointer.oid}\nkind: {pointer.kind}\n"
        f"size: {pointer.size}\nfiles: {pointer.files}\n"
    )
    if pointer.executable:
        text += "executable: true\n"
    if pointer.source is not None:
        text += source.encode(pointer.source)
    return text.encode()


def decode(data: bytes, path: str, *, rev: str | None = None) -> Pointer:
    """Return the pointer for the data at `path` that these bytes are, at `rev` if given.

    Raises:
        RequestError: a key, type or id is wrong, or there is a merge-conflict marker; the
            message names file and line.
        IntegrityError: the path leaves the project or reaches into `.git` or `.mlo`.
    """
    paths.check(path)
    written = _WRITTEN.fullmatch(data)
    origin = source.decode(written[6]) if written and written[6] else None
    if written and (origin is not None or not written[6]):
        oid, kind, size, files, executable, _ = written.groups()
        return _checked(
            Pointer(
                path,
                ObjectId(oid.decode()),
                "file" if kind == b"file" else "folder",
                int(size),
                int(files),
                bool(executable),
                origin,
            ),
            _where(path, rev),
        )
    return _decode_edited(data, path, _where(path, rev))


def _where(path: str, rev: str | None) -> str:
    return file_of(path) + (f"@{rev}" if rev else "")


def _decode_edited(data: bytes, path: str, where: str) -> Pointer:
    document = parse(data, where=where)
    fields = document.fields(
        ("mlo", "id", "kind", "size", "files", "executable", "source"),
        required=("mlo", "id", "kind", "size", "files"),
    )
    if fields["mlo"].integer() != FORMAT:
        raise fields["mlo"].fail(f"must be {FORMAT}", hint="use a newer mlo")
    kind: ObjectKind = "file" if fields["kind"].choice("file", "folder") == "file" else "folder"
    pointer = Pointer(
        path,
        _id(fields["id"]),
        kind,
        fields["size"].integer(minimum=0),
        fields["files"].integer(minimum=0),
        "executable" in fields and fields["executable"].boolean(),
        source.read(fields["source"]) if "source" in fields else None,
    )
    return _checked(pointer, where)


def _id(value: Value) -> ObjectId:
    text = value.word()
    if not is_id(text):
        raise value.fail("is not an id: 64 lower-case hex digits are needed")
    return ObjectId(text)


def _checked(pointer: Pointer, where: str) -> Pointer:
    if pointer.kind == "file" and pointer.files != 1:
        raise RequestError(f"{where}:5: 'files' is {pointer.files}, but a file is one file")
    if pointer.kind == "folder" and pointer.executable:
        raise RequestError(f"{where}:6: 'executable' is for a single file, not a folder")
    return pointer


def read(repo: Repository, path: str) -> Pointer | None:
    """Return the work tree's pointer for the data at `path`, or None when there is none.

    Raises:
        RequestError, IntegrityError: as of `decode`.
    """
    try:
        data = read_regular(paths.locate(repo, file_of(path)))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise ExternalError(
            f"cannot read '{file_of(path)}': {(error.strerror or str(error)).lower()}"
        ) from error
    return decode(data, path)


def write(repo: Repository, pointer: Pointer, *, durable: bool = True) -> bool:
    """Write a pointer unless it is there already; return whether it was written.

    The objects that it names must be in the store.
    """
    target = paths.locate(repo, file_of(pointer.path))
    data = encode(pointer)
    try:
        if target.read_bytes() == data:
            return False
    except OSError:
        pass  # write_whole says what is wrong, if it is more than missing
    write_whole(target, data, durable=durable, aside=repo.layout.tmp)
    return True


def holder(repo: Repository, path: str) -> Pointer | None:
    """Return the pointer of the nearest folder above `path` that is versioned whole, or None."""
    above = path
    while "/" in above:
        above = above.rpartition("/")[0]
        pointer = read(repo, above)
        if pointer is not None:
            return pointer
    return None


def each(repo: Repository) -> list[Pointer]:
    """Return all pointers of the work tree, sorted by path; those that git ignores are not seen.

    Where DVC's files are that a commit from before the move has, what they name is among them.

    Raises:
        RequestError, IntegrityError: as of `decode`.
    """
    found = (read(repo, path) for path in set(_paths(repo.root)))
    return _with_formers(repo, None, [pointer for pointer in found if pointer is not None])


def each_at(repo: Repository, rev: str) -> list[Pointer]:
    """Return all pointers of a git revision, and what DVC's files name there, sorted by path.

    Raises:
        RequestError: there is no such revision; or as of `decode`.
    """
    from mlops_cli.core import git

    pointers = [
        decode(data, file.removesuffix(POINTER_SUFFIX), rev=rev)
        for file, data in git.contents_at(repo.root, rev, POINTER_SUFFIX).items()
        if is_pointer(file)
    ]
    return _with_formers(repo, rev, pointers)


def at(repo: Repository, path: str, rev: str | None) -> Pointer | None:
    """Return the pointer for the data at `path` at a revision, None for the work tree's.

    Raises:
        RequestError: there is no such revision; or as of `decode`.
    """
    if rev is None:
        found = read(repo, path)
    else:
        from mlops_cli.core import git

        data = git.show(repo.root, rev, file_of(path))
        found = None if data is None else decode(data, path, rev=rev)
    if found is None:
        former = _formers(repo, rev).get(path)
        return None if former is None else _of(former)
    return found


def _with_formers(repo: Repository, rev: str | None, pointers: list[Pointer]) -> list[Pointer]:
    found = {path: _of(one) for path, one in _formers(repo, rev).items()}
    found |= {one.path: one for one in pointers}
    return [found[path] for path in sorted(found)]


def _formers(repo: Repository, rev: str | None) -> dict[str, "Former"]:
    """Return what DVC's files name, but for what steps of the pipeline make by now."""
    if not was_dvc(repo.root):
        return {}
    from mlops_cli.data import dvc_history

    found = dvc_history.formers(repo, rev)
    made = locked.outputs(repo, rev) if found else {}
    return {path: one for path, one in found.items() if path not in made}


def _of(former: "Former") -> Pointer:
    return Pointer(former.path, *former.kept, former.executable)


def is_pointer(file: str) -> bool:
    """Return whether a file's name says that it is a pointer: `.mlo` alone is the store."""
    return file.endswith(POINTER_SUFFIX) and all(part != ".mlo" for part in file.split("/"))


def _paths(root: Path) -> Iterator[str]:
    if _has_git(root):
        from mlops_cli.core import git

        files = git.list_files(root, "*" + POINTER_SUFFIX)
    else:
        files = list(_walk(str(root), ""))
    return (file.removesuffix(POINTER_SUFFIX) for file in files if is_pointer(file))


def _has_git(root: Path) -> bool:
    return any(os.path.lexists(os.path.join(folder, ".git")) for folder in (root, *root.parents))


def _walk(folder: str, prefix: str) -> Iterator[str]:
    """Yield the pointers below a folder, without looking into data that has one."""
    folders: list[str] = []
    pointers: set[str] = set()
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise IntegrityError(f"cannot list '{folder}': {error.strerror}") from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in (".git", ".mlo"):
                folders.append(entry.name)
        elif entry.name.endswith(POINTER_SUFFIX):
            pointers.add(entry.name)
    yield from (prefix + name for name in pointers)
    for name in folders:
        if file_of(name) not in pointers:
            yield from _walk(f"{folder}/{name}", f"{prefix}{name}/")
