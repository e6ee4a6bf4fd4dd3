"""A table in more files than one: those in a folder, or those that a pattern names.

`data/parts` and `data/part-*.parquet` stand for all tables there, in the order of their names,
one below the other. What begins with a dot or `_` is left out: writers of parts keep notes there.
"""

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core import globs, tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, reference
from mlops_cli.data.reference import Reference
from mlops_cli.data.table import SUFFIXES, is_table, suffix_of
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

_ALIKE = {".pq": ".parquet", ".ndjson": ".jsonl"}
_FILES = (tree.Mode.FILE, tree.Mode.EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Part:
    """One file: what it is called, whose ending tells the kind, and where its bytes are."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Version:
    """A version of one file or of more. `oid` is that of the file or the folder; None of a pattern.

    `files` has the path and the id of each file.
    """

    path: str
    rev: str | None
    oid: ObjectId | None
    files: tuple[tuple[str, ObjectId], ...]


def here(start: Path, text: str) -> tuple[Part, ...] | None:
    """Return the files that `text` names, from the folder `start`; None where nothing is there.

    Raises:
        RequestError: there is a folder, or what matches, without a table; or there are two kinds.
    """
    place = start / text
    if place.is_file():
        return (Part(text, place),)
    if place.is_dir():
        return _of_one_kind(text, _below(place, text))
    if not globs.is_pattern(text):
        return None
    matched = glob.glob(text, root_dir=start, recursive=True)
    return _of_one_kind(text, _matched(start, sorted(matched))) if matched else None


def _matched(start: Path, matched: Iterable[str]) -> list[Part]:
    found: dict[str, Part] = {}
    for name in matched:
        place = start / name
        some = _below(place, name) if place.is_dir() else [Part(name, place)]
        found |= {one.name: one for one in some if is_table(one.name)}
    return list(found.values())


def _below(folder: Path, name: str) -> list[Part]:
    """Return the tables in a folder that is called `name`, by their names."""
    prefix = "" if name in (".", "") else name.rstrip("/") + "/"
    return [Part(prefix + one, folder / one) for one in inside(folder)]


def inside(folder: Path) -> list[str]:
    """Return the paths of the tables in a folder and below it, from there, sorted."""
    return sorted(
        name
        for path in folder.rglob("*")
        if is_table(path.name)
        and _is_data(name := path.relative_to(folder).as_posix())
        and path.is_file()
        and not path.is_symlink()
    )


def _is_data(name: str) -> bool:
    return not any(part.startswith((".", "_")) for part in name.split("/"))


def version(repo: Repository, text: str, *, start: Path | None = None) -> Version:
    """Return the version that `PATH` or `PATH@REV` names, of a file, a folder or a pattern.

    Raises:
        RequestError: it names nothing that is versioned, no table, or tables of two kinds.
        MissingObject: it names a part of a folder whose listing is not in this store.
    """
    if globs.is_pattern(text):
        return _of_pattern(repo, text, start=start)
    meant = reference.resolve(repo, text, start=start)
    if meant.kind == "file":
        return Version(meant.path, meant.rev, meant.oid, ((meant.path, meant.oid),))
    files = held_in(repo, meant.oid, meant.path)
    return Version(meant.path, meant.rev, meant.oid, _files(meant.path, files))


def of_folder(repo: Repository, oid: ObjectId, path: str) -> Version:
    """Return a version of a folder.

    Raises:
        RequestError: there is no table in it, or there are two kinds.
        MissingObject: its listing is not in this store.
    """
    return Version(path, None, oid, _files(path, held_in(repo, oid, path)))


def held_in(repo: Repository, oid: ObjectId, path: str) -> dict[str, ObjectId]:
    """Return the tables in a version of a folder by their paths."""
    return {
        f"{path}/{name}": entry.oid
        for name, entry in tree.walk(repo.objects, oid)
        if entry.mode in _FILES and _is_data(name) and is_table(name)
    }


def _of_pattern(repo: Repository, text: str, *, start: Path | None) -> Version:
    typed, rev = reference.split(text)
    kept = paths.relative(repo, (repo.root if start is None else start) / typed)
    found: dict[str, ObjectId] = {}
    for one in reference.everything(repo, rev):
        if _may_match(kept, one.path):
            found |= dict(_matching(repo, one, kept.split("/")))
    if not found:
        raise RequestError(
            f"nothing matches '{typed}'" + ("" if rev is None else f" at '{rev}'"),
            hint="patterns are for files here, and for what is versioned: mlo status",
        )
    return Version(kept, rev, None, _files(kept, found))


def _may_match(pattern: str, path: str) -> bool:
    """Return whether a path, or what is in it if it is a folder, may match."""
    fixed = globs.fixed(pattern)
    return not fixed or (path + "/").startswith(fixed + "/") or fixed.startswith(path + "/")


def _matching(
    repo: Repository, one: Reference, pattern: list[str]
) -> Iterator[tuple[str, ObjectId]]:
    if one.kind == "file":
        files = {one.path: one.oid} if is_table(one.path) else {}
    else:
        files = held_in(repo, one.oid, one.path)
    for path, oid in files.items():
        names = path.split("/")
        if any(globs.full(pattern, names[:count]) for count in range(1, len(names) + 1)):
            yield path, oid


def _files(text: str, files: dict[str, ObjectId]) -> tuple[tuple[str, ObjectId], ...]:
    _refuse(text, sorted(files))
    return tuple(sorted(files.items()))


def _of_one_kind(text: str, found: list[Part]) -> tuple[Part, ...]:
    _refuse(text, [one.name for one in found])
    return tuple(found)


def _refuse(text: str, names: list[str]) -> None:
    """Refuse files that are not one table."""
    if not names:
        pattern = globs.is_pattern(text)
        raise RequestError(
            f"no table matches '{text}'" if pattern else f"there is no table in '{text}'",
            hint="known kinds: " + " ".join(SUFFIXES),
        )
    kinds = {_ALIKE.get(suffix_of(name), suffix_of(name)): name for name in reversed(names)}
    if len(kinds) > 1:
        first, second = sorted(kinds.values())[:2]
        raise RequestError(
            f"'{text}' has tables of two kinds, '{first}' and '{second}', which may be twice the"
            " same",
            hint=f"name those of one kind, in quotes: '{_folder(text)}*{next(iter(kinds))}'",
        )


def _folder(text: str) -> str:
    folder = globs.fixed(text) if globs.is_pattern(text) else text.rstrip("/")
    return folder + "/" if folder else ""


def check_names(first: tuple[str, Sequence[str]], other: tuple[str, Sequence[str]]) -> None:
    """Refuse files that do not have the same columns, in any order; each is its name and those.

    Raises:
        RequestError: one lacks a column that the other has.
    """
    (where, names), (file, others) = first, other
    if sorted(names) == sorted(others):
        return
    lacking = [name for name in names if name not in set(others)]
    more = [name for name in others if name not in set(names)]
    told = [f"has no {_columns(lacking)}"] * bool(lacking) + [f"has {_columns(more)}"] * bool(more)
    if not told:  # the same names, of which one is there more often
        told = ["has other columns"]
    raise RequestError(
        f"'{file}' {' and '.join(told)}, unlike '{where}'",
        hint="files of one table have the same columns; name some of them by a pattern, in quotes",
    )


def _columns(names: Sequence[str]) -> str:
    told = ", ".join(f"'{one}'" for one in names[:3])
    told += f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"column {told}" if len(names) == 1 else f"columns {told}"


def one_below_the_other(
    frames: "Iterator[tuple[str, pd.DataFrame]]",
) -> "Iterator[pd.DataFrame]":
    """Yield the rows of files, each with the file's name, with the columns of the first.

    Raises:
        RequestError: a file does not have the same columns.
    """
    first: tuple[str, list[str]] | None = None
    for file, frame in frames:
        names = list(map(str, frame.columns))
        first = first or (file, names)
        if names != frame.columns.tolist():
            frame = frame.set_axis(names, axis=1)
        if names != first[1]:
            check_names(first, (file, names))
            frame = frame[first[1]]
        yield frame
