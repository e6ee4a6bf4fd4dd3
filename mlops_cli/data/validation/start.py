"""Which data to validate, and the first schema of a table."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mlops_cli.core.files import write_whole
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, reference, table
from mlops_cli.data.validation import declare, declared, validate
from mlops_cli.data.validation.validate import Target, target
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from pandas import DataFrame

    from mlops_cli.data.validation.tables import Tables

FOLDER = "schemas"


@dataclass(frozen=True, slots=True)
class Started:
    """A schema that was written.

    Attributes:
        declared: whether the settings were edited to name it.
        lines: what the user is to write into them; None where there is nothing to write.
    """

    path: str
    schema: str
    rows: int
    columns: int
    declared: bool
    lines: str | None


def named(given: list[str]) -> list[str]:
    """Return the paths that were given.

    Raises:
        RequestError: there are none.
    """
    if not given:
        raise RequestError("--schema needs data to check", hint="mlo validate PATH --schema FILE")
    return given


def inside(repo: Repository, typed: str, *, base: Path) -> str:
    """Return the path of a file in the project, from its root."""
    return paths.relative(repo, base / typed)


def chosen(repo: Repository, given: list[str], *, base: Path) -> list[Target]:
    """Return the data that is meant: what is given, for a folder all in it that has a schema.

    Raises:
        RequestError: there is none, or no schema for it.
    """
    files = declared.declared(repo)
    if given:
        return [one for text in given for one in _meant(repo, text, files, base=base)]
    if not files:
        raise RequestError(
            "no data has a schema", hint="have one made of it: mlo validate PATH --infer"
        )
    return [target(repo, path) for path in files]


def _meant(repo: Repository, text: str, files: dict[str, str], *, base: Path) -> Iterator[Target]:
    typed, rev = reference.split(text) if not (base / text).exists() else (text, None)
    try:
        path = paths.relative(repo, base / typed)
    except RequestError:
        path = ""
    below = [one for one in files if one.startswith(path + "/")] if path else []
    if below and declared.file_for(files, path) is None:
        for one in below:
            yield target(repo, one if rev is None else f"{one}@{rev}")
        return
    yield target(repo, text, start=base)


def start(repo: Repository, text: str, *, schema: str | None, base: Path, force: bool) -> Started:
    """Write a schema that some data passes, and have the settings name it.

    Raises:
        RequestError: there is no such data, it is no table, or the schema is there already.
    """
    from mlops_cli.data.validation import infer, write

    one = target(repo, text, start=base)
    if one.path is None:
        raise RequestError(f"'{text}' is outside the project", hint=f"mlo import {text} PATH")
    file = _file(repo, one.path) if schema is None else inside(repo, schema, base=base)
    at = paths.locate(repo, file)
    if at.exists() and not force:
        raise RequestError(
            f"the schema '{file}' is there already",
            hint="edit it, choose another by --schema FILE, or overwrite it by --force",
        )
    with validate.opened(repo, one) as (place, files):
        from mlops_cli.data.validation.tables import Tables, has_types

        tables = Tables(place, one.file, all_text=True, parts=files)
        kinds = {has_types(one.file if name is None else name) for name, _ in tables.files()}
        found = infer.inferred(
            _frames(tables), where=file, scratch=repo.layout.tmp, written=kinds == {False}
        )
    if not found.schema.columns:
        raise RequestError(f"'{text}' has no columns")
    at.parent.mkdir(parents=True, exist_ok=True)
    write_whole(at, write.text(found, one.path).encode(), aside=repo.layout.tmp)
    edited, lines = _declare(repo, one.path, file)
    return Started(one.path, file, found.rows, len(found.schema.columns), edited, lines)


def _frames(tables: "Tables") -> "Iterator[DataFrame]":
    yield from (block.frame for block in tables)


def _declare(repo: Repository, path: str, file: str) -> tuple[bool, str | None]:
    try:
        return declare.declare(repo, path, file), None
    except RequestError:
        return False, declare.lines(path, file)


def _file(repo: Repository, path: str) -> str:
    """Return the schema that is declared for a path itself, or the default for its name."""
    files = declared.declared(repo)
    if path in files:
        return files[path]
    name = PurePosixPath(path).name.translate(dict.fromkeys(map(ord, "*?[]")))
    stem = name.partition(".")[0] or name if table.is_table(name) else name
    return f"{FOLDER}/{stem.strip('-_') or 'table'}.yaml"
