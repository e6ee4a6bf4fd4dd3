"""Which table a version is evaluated on: named, by the settings, or found by lineage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.ids import ObjectId, object_id, short
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data import parts, paths, reference, snapshot, table
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.evaluation import own
from mlops_cli.registry.evaluation.record import Data
from mlops_cli.registry.models import Version
from mlops_cli.runs.record import Run, StepRun

if TYPE_CHECKING:
    import pandas as pd

ASKED, SETTINGS, LINEAGE = "as was asked", "as the settings say", "the test table of its run"
NEWEST = "the rows that a retraining held out for it"
"""What a table was chosen by."""
_HELD_OUT = ("test", "hold", "eval", "valid")
"""What tables that were held out are called."""


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    oid: ObjectId


def choose(repo: Repository, version: Version, asked: str | None, *, start: Path) -> Data:
    """Return the table that `asked` names, else what the settings say, else the test table.

    That is the table that a step of the version's run read beside the model, or that was made
    with the training table. What is not versioned is taken into the store, so that it is known
    what was looked at.

    Raises:
        RequestError: there is none, several may be meant, or it is no table.
    """
    if asked is not None:
        return _named(repo, version, asked, ASKED, start, take=True)
    return _its_own(repo, version, take=True)


def meant(repo: Repository, version: Version, on: str | None) -> Data:
    """Return the table that a gate means by `on`; None means the model's own. Takes nothing in.

    Raises:
        RequestError: as of `choose`.
    """
    if on is None:
        return _its_own(repo, version, take=False)
    found = _named(repo, version, on, SETTINGS, repo.root, take=False)
    return found if reference.split(on)[1] else _made(repo, version, found.path) or found


def _its_own(repo: Repository, version: Version, *, take: bool) -> Data:
    """Return the model's own table: what the settings say, else by lineage.

    A version that a retraining made has its own: what its run made at that path, else the rows that
    were held out. The table of the work tree is of the world before.
    """
    said = _settings(repo, version.model)
    try:
        if said is None:
            found = _held_out(repo, version)
        else:
            found = _named(repo, version, said, SETTINGS, repo.root, take=take)
    except RequestError:
        newest = _newest(repo, version)
        if newest is None:
            raise
        return newest
    if said is not None and reference.split(said)[1]:
        return found
    return _made(repo, version, found.path) or _newest(repo, version) or found


def _made(repo: Repository, version: Version, path: str) -> Data | None:
    """Return what the run of a retraining made at a path; None for other versions."""
    if not own.is_retrained(repo, version):
        return None
    outs = (out for step in _steps(repo, version) for out in step.outs.values())
    return next((Data(path, out.oid, LINEAGE) for out in outs if out.path == path), None)


def _newest(repo: Repository, version: Version) -> Data | None:
    found = own.newest_rows(repo, models.model(repo, version.model), version)
    return found and Data(found.path, found.oid, NEWEST)


def read(repo: Repository, data: Data) -> pd.DataFrame:
    """Return the rows; of a folder those of all its files.

    Raises:
        RequestError: it is no table.
        MissingObject: it is not in this store.
    """
    try:
        if repo.objects.kind(data.oid) is Kind.TREE:
            return _of_parts(repo, data)
        return table.of_version(repo, data.oid, data.path)
    except MissingObject as error:
        raise MissingObject(
            f"{data.path}@{short(data.oid)} is not in this store", hint=f"mlo fetch {data.path}"
        ) from error


def _of_parts(repo: Repository, data: Data) -> pd.DataFrame:
    import pandas as pd

    files = parts.of_folder(repo, data.oid, data.path).files
    each = ((name, table.of_version(repo, oid, name)) for name, oid in files)
    return pd.concat(list(parts.one_below_the_other(each)), ignore_index=True)


def _settings(repo: Repository, name: str) -> str | None:
    held = repo.settings.models.get(name)
    return held.evaluate.data if held else None


def _named(
    repo: Repository, version: Version, text: str, chosen: str, start: Path, *, take: bool
) -> Data:
    known = _by_id(repo, text, start)
    if known is not None:
        return Data(known.path, known.oid, chosen)
    _, rev = reference.split(text)
    loose = paths.relative(repo, start / text)
    try:
        found = reference.resolve(repo, text, start=start)
    except RequestError:
        if rev is None and not (repo.root / loose).exists():
            inside = _within(repo, version, loose)
            if inside is not None:
                return Data(inside.path, inside.oid, chosen)
        if not (repo.root / loose).is_file():
            raise
        return Data(loose, _of_file(repo, loose, take=take), chosen)
    if found.kind != "file":
        parts.of_folder(repo, found.oid, found.path)  # one without a table is refused
    return Data(found.path, found.oid, chosen)


def _by_id(repo: Repository, text: str, start: Path) -> _Place | None:
    """Return what `PATH@ID` means, where `ID` begins the id of a content."""
    path, digits = reference.split(text)
    if digits is None:
        return None
    found = reference.by_id(repo, digits)
    return None if found is None else _Place(paths.relative(repo, start / path), found.oid)


def _of_file(repo: Repository, path: str, *, take: bool) -> ObjectId:
    if not table.is_table(path):
        raise RequestError(
            f"'{path}' is not a table that can be read",
            hint="known kinds: " + " ".join(table.SUFFIXES),
        )
    if not take:
        return object_id((repo.root / path).read_bytes())
    with repo.objects.writer() as writer:
        return snapshot.take(repo, paths.locate(repo, path), writer=writer).oid


def _within(repo: Repository, version: Version, path: str) -> _Place | None:
    """Return the version of a path that the run of a model read or made."""
    every = {one.path: one.oid for one in version.inputs}
    for step in _steps(repo, version):
        every |= {out.path: out.oid for out in step.outs.values()}
    return _Place(path, every[path]) if path in every else None


def _held_out(repo: Repository, version: Version) -> Data:
    steps = _steps(repo, version)
    training = version.data.path if version.data else None
    for found in (_beside(steps, version.path), _with(steps, training)):
        tables = {one.path: one for one in found if table.is_table(one.path)}
        tables.pop(training or "", None)
        if len(tables) > 1:
            tables = {path: one for path, one in tables.items() if _is_held_out(path)} or tables
        if len(tables) == 1:
            (only,) = tables.values()
            return Data(only.path, only.oid, LINEAGE)
        if tables:
            raise _which(version, sorted(tables))
    raise RequestError(
        f"it is not known which table {version.model} v{version.number} is to be evaluated on",
        hint=f"name one with --data PATH, or set models.{version.model}.evaluate.data"
        " in .mlops.yaml",
    )


def _which(version: Version, tables: list[str]) -> RequestError:
    return RequestError(
        f"{version.model} v{version.number} may be evaluated on {' or '.join(tables[:4])}",
        hint=f"name one with --data {tables[0]}, or set models.{version.model}.evaluate.data"
        " in .mlops.yaml",
    )


def _is_held_out(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return any(word in name for word in _HELD_OUT)


def _steps(repo: Repository, version: Version) -> tuple[StepRun, ...]:
    return Run.read(repo, version.run).steps if version.run else ()


def _beside(steps: tuple[StepRun, ...], model: str) -> Iterator[_Place]:
    """Yield what steps read beside the model."""
    for step in steps:
        if any(dep == model or model.startswith(f"{dep}/") for dep in step.deps):
            yield from (_Place(dep, oid) for dep, oid in step.deps.items() if dep != model)


def _with(steps: tuple[StepRun, ...], training: str | None) -> Iterator[_Place]:
    """Yield what was made by the step that made the training table."""
    for step in steps:
        if training in step.outs:
            yield from (_Place(out.path, out.oid) for out in step.outs.values())
