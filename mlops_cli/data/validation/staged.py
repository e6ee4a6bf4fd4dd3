"""Data that is about to be committed and does not pass its schema."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlops_cli.core.ids import object_id
from mlops_cli.core.layout import POINTER_SUFFIX
from mlops_cli.core.repository import Repository
from mlops_cli.data import pointer, reference, table
from mlops_cli.data.pointer import is_pointer
from mlops_cli.data.reference import Reference
from mlops_cli.data.validation import declared, read
from mlops_cli.data.validation.schema import Schema
from mlops_cli.data.validation.validate import Target, validate
from mlops_cli.errors import MloError

Content = Callable[[str], bytes | None]
"""The bytes of a file of the project in git's index, by its path from the root; None for none."""


def failing(
    repo: Repository, staged: set[str], content: Content
) -> Iterator[tuple[str, str, str | None]]:
    """Yield path, problem and hint of data, and of schemas, that are not to be committed so.

    `staged` are the files of the project that the commit adds or changes. What is looked at are
    staged pointers and tables that have a schema, and all data of a staged schema.
    """
    files = declared.declared(repo)
    schemas: dict[str, Schema | MloError | None] = {}
    for path in _meant(staged, files):
        file = declared.file_for(files, path)
        assert file is not None
        if file not in schemas:
            schemas[file] = _schema(repo, file, content)
            error = schemas[file]
            if isinstance(error, MloError):
                yield file, error.message, error.hint
        schema = schemas[file]
        if isinstance(schema, Schema):
            yield from _judged(repo, path, schema, content)


def _meant(staged: set[str], files: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths of data that a commit is about, each once."""
    found: dict[str, None] = {}
    for name in sorted(staged):
        path = name.removesuffix(POINTER_SUFFIX) if is_pointer(name) else name
        if is_pointer(name) or table.is_table(name):
            if declared.file_for(dict(files), path) is not None:
                found[path] = None
            found |= dict.fromkeys(one for one in files if one.startswith(path + "/"))
        found |= {one: None for one, file in files.items() if file == name}
    yield from found


def _schema(repo: Repository, file: str, content: Content) -> Schema | MloError | None:
    """Return the schema as it is to be committed; of one that git does not have, the file's."""
    held = content(file)
    try:
        return declared.load(repo, file) if held is None else read.read(held, where=file)
    except MloError as error:
        return error


def _judged(
    repo: Repository, path: str, schema: Schema, content: Content
) -> Iterator[tuple[str, str, str | None]]:
    try:
        found = _report(repo, path, schema, content)
    except MloError as error:
        yield path, error.message, error.hint
        return
    if found is not None:
        hint = f"mlo validate {path}, then mlo add {path}; or let {schema.where} allow it"
        yield path, f"it fails {schema.where}: {found}", hint


def _report(repo: Repository, path: str, schema: Schema, content: Content) -> str | None:
    """Return what is wrong with data in the index; None if nothing is, or it is not there."""
    version = _version(repo, path, content)
    if version is not None:
        if not repo.objects.has(version.oid):
            return None  # which is told by whoever looks at pointers
        wanted = Target(path, path, version.oid, version.kind, None)
        report = validate(repo, wanted, schema, fresh=False)
        return None if report.holds else report.first
    held = content(path)
    if held is None or not table.is_table(path):
        return None
    repo.layout.tmp.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=repo.layout.tmp, prefix="staged-") as file:
        file.write(held)
        file.flush()
        kept = Target(path, path, object_id(held), "file", Path(file.name))
        report = validate(repo, kept, schema, fresh=False, watched=False)
    return None if report.holds else report.first


def _version(repo: Repository, path: str, content: Content) -> Reference | None:
    """Return the version that the index has of a path, by its pointer or that of a folder above."""
    parts = path.split("/")
    for count in range(len(parts), 0, -1):
        above = "/".join(parts[:count])
        held = content(pointer.file_of(above))
        if held is not None:
            found = pointer.decode(held, above)
            return reference.part(repo, Reference(above, None, found.oid, found.kind, above), path)
    return None
