"""Making a model version: an artifact, and all that is known of where it came from."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlops_cli.core import tree
from mlops_cli.core.clock import now
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.data.restore import write_out
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry import (
    answerable,
    candidate,
    card,
    events,
    example,
    formats,
    libraries,
    models,
    profile,
    signature,
    training,
)
from mlops_cli.registry.candidate import Candidate
from mlops_cli.registry.compiled import compiling
from mlops_cli.registry.description import Description
from mlops_cli.registry.example import Example
from mlops_cli.registry.models import Model, Version
from mlops_cli.registry.signature import Signature
from mlops_cli.registry.training import Training
from mlops_cli.runs.record import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Registered:
    """The version, and whether it was made now; equal artifacts make no second version."""

    version: Version
    created: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller says of the version that no file tells.

    Attributes:
        trust: the caller vouches for any code in the model's file; this is recorded.
        example: whether to keep a few rows of the training table.
        licence: of the model, such as `Apache-2.0`.
        description: what it is, in a few words.
        compile: whether to make the compiled form, which answers requests in microseconds.
    """

    trust: bool = False
    example: bool = True
    licence: str | None = None
    description: str | None = None
    compile: bool = True


@dataclass(frozen=True, slots=True)
class _Opened:
    """A candidate that is loaded, with its training table as far as there is one."""

    repo: Repository
    found: Candidate
    path: Path
    described: Description
    predictor: formats.Predictor
    training: Training | None


def register(
    repo: Repository,
    name: str,
    *,
    run: Run | None = None,
    path: Path | None = None,
    data: Path | None = None,
    trust: bool = False,
    force: bool = False,
    said: Said | None = None,
    progress: Progress = SILENT,
) -> Registered:
    """Register what a run produced, or the model at `path`, as the next version of `name`.

    Args:
        repo: where.
        name: the model's name; a new one makes a new model.
        run: the run that made it.
        path: a model in the project that no run made.
        data: the table that the model at `path` was fitted on.
        trust: the caller vouches for any code in the model's file; this is recorded.
        force: make a new version even of an artifact that is one already.
        said: what else the caller says of it; its `trust` counts as `trust` does.
        progress: told how far the comparison with the compiled form is.

    Raises:
        RequestError: the run made no model or several, the model needs trust, or answers nothing.
        MissingObject: its bytes are not in this store.
    """
    said = said or Said()
    said = replace(said, trust=trust or said.trust)
    events.check_name(name)
    with repo.writing():
        found = candidate.find(repo, name, run=run, path=path, data=data)
        same = None if force else _same(repo, name, found.oid)
        if same is not None:
            return Registered(same, created=False)
        with _opened(repo, found, trust=said.trust) as opened:
            record = _record(opened, said, progress)
        return _append(repo, name, record, force=force)


def _same(repo: Repository, name: str, artifact: ObjectId) -> Version | None:
    """Return the newest version that is this artifact, None when there is none."""
    if events.head(repo, name) is None:
        return None
    versions = models.model(repo, name).versions
    return next((one for one in reversed(versions) if one.artifact == artifact), None)


def _append(repo: Repository, name: str, record: dict[str, Any], *, force: bool) -> Registered:
    """Give the version its number and its card, and put it at the end of the model's chain."""
    with repo.lock("register"):
        same = None if force else _same(repo, name, record["artifact"])
        if same is not None:  # somebody else was quicker
            return Registered(same, created=False)
        known: Model | None = models.model(repo, name) if events.head(repo, name) else None
        number = known.newest.number + 1 if known else 1
        who = {"name": repo.identity.name, "email": repo.identity.email}
        event = events.Event(ObjectId(""), None, name, "register", now(), who, number, record)
        text = card.first(repo, models.version_of(event))
        record["card"] = repo.objects.put(text.encode("utf-8", "surrogateescape"))
        events.append(repo, name, "register", number, record)
        return Registered(models.model(repo, name).version(number), created=True)


@contextmanager
def _opened(repo: Repository, found: Candidate, *, trust: bool) -> Iterator[_Opened]:
    """Yield the candidate loaded from bytes that were checked against their ids."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(dir=repo.layout.tmp, prefix="register-"))
        path = Path(folder) / found.file_name
        write_out(repo, found.oid, found.kind, path)
        described = formats.describe(path)
        code = repo.root if trust else None
        predictor = formats.load(path, trust=trust, code=code, where=found.path)
        table = stack.enter_context(_training(repo, found))
        yield _Opened(repo, found, path, described, predictor, table)


@contextmanager
def _training(repo: Repository, found: Candidate) -> Iterator[Training | None]:
    """Yield the training table; None as well where its bytes are not here."""
    with ExitStack() as stack:
        try:
            table = stack.enter_context(training.opened(repo, found.data))
        except MloError:
            table = None
        yield table


def _record(opened: _Opened, said: Said, progress: Progress) -> dict[str, Any]:
    """Return what is kept of a version, but for its card."""
    columns = _signature(opened)
    shown = _example(opened, columns)
    answerable.check(opened.predictor, columns, shown)
    kept = None if shown is None or not said.example else example.encode(shown)
    return {
        **_origin(opened),
        **_model(opened, columns, said),
        "licence": said.licence,
        "description": said.description,
        "example": None if kept is None else opened.repo.objects.put(kept),
        "profile": _profile(opened),
        "runtime": _runtime(opened, columns, said, progress),
    }


def _origin(opened: _Opened) -> dict[str, Any]:
    """Return where a version came from."""
    repo, found = opened.repo, opened.found
    run = found.run
    read = run.inputs if run else ()
    return {
        "run": run.id if run else None,
        "inputs": [asdict(candidate.input_of(repo, one.path, one.oid)) for one in read],
        "data": None if found.data is None else asdict(found.data),
        "commit": run.code.commit if run else None,
        "environment": run.environment if run else None,
        "metrics": dict(run.metrics) if run else {},
    }


def _model(opened: _Opened, columns: Signature | None, said: Said) -> dict[str, Any]:
    """Return what the model itself is."""
    found, described, predictor = opened.found, opened.described, opened.predictor
    classes = predictor.classes
    doubted = formats.untrusted_types(opened.path) if said.trust else ()
    used = dict(described.libraries or formats.libraries_of(predictor.model, described.format))
    return {
        "artifact": found.oid,
        "kind": found.kind,
        "path": found.path,
        "size": _size(opened.repo, found.oid),
        "format": described.format,
        "trusted": bool(doubted),
        "trusted_types": list(doubted),
        "target": found.target or described.target,
        "task": predictor.task,
        "signature": None if columns is None else columns.to_dict(),
        "model_type": described.model_type or formats.type_name(predictor.model),
        "classes": None if classes is None else list(classes),
        "libraries": used,
        "licences": dict(libraries.licences(used)),
    }


def _signature(opened: _Opened) -> Signature | None:
    """Return what a model takes: as it says, else as the table has it that it was fitted on."""
    if opened.described.signature is not None:
        return opened.described.signature
    model = opened.predictor.model
    frame = _whole(opened.training)
    if frame is not None:
        try:
            return signature.for_model(model, frame, target=opened.found.target)
        except RequestError:
            pass  # it is another table than the model's own
    return opened.predictor.signature or signature.for_model(model, None)


def _whole(table: Training | None) -> "pd.DataFrame | None":
    try:
        return None if table is None else table.whole()
    except MloError:
        return None


def _example(opened: _Opened, columns: Signature | None) -> Example | None:
    """Return a few rows that the model takes, its own or of its training table; None without."""
    found = opened.described.example
    if found is None and opened.training is not None and columns is not None:
        try:
            rows = opened.training.head(example.ROWS)
        except MloError:
            return None
        target = opened.found.target or opened.described.target
        found = example.of_frame(rows.drop(columns=[target], errors="ignore"), columns)
    return found


def _profile(opened: _Opened) -> ObjectId | None:
    """Store the columns of the training table in sum, as the model has them where no table is."""
    table = opened.training
    if table is None:
        kept = opened.described.profile
        return None if kept is None else opened.repo.objects.put(profile.encode(kept))
    try:
        found = profile.of_table(lambda as_text: table.blocks(as_text=as_text))
    except MloError:
        return None
    return opened.repo.objects.put(profile.encode(found))


def _runtime(
    opened: _Opened, columns: Signature | None, said: Said, progress: Progress
) -> dict[str, Any]:
    """Compile the model, and return what answers from now on: the compiled form or the original."""
    if not said.compile:
        return compiling.native(compiling.NOT_ASKED)
    predictor = replace(opened.predictor, signature=columns)
    small = opened.training is not None and _size_of_data(opened) <= compiling.MOST_DATA_BYTES
    data = _whole(opened.training) if small else None
    return compiling.runtime(opened.repo, predictor, data, progress=progress)


def _size_of_data(opened: _Opened) -> int:
    data = opened.found.data
    return 0 if data is None else _size(opened.repo, data.oid)


def _size(repo: Repository, oid: ObjectId) -> int:
    """Return the size of a file or folder in the store, in bytes over all files."""
    if repo.objects.kind(oid) is not Kind.TREE:
        return repo.objects.size(oid)
    return sum(
        entry.size
        for _, entry in tree.walk(repo.objects, oid)
        if entry.mode is not tree.Mode.FOLDER
    )
