"""The record that a run of MLflow's becomes. The same run always gives the same bytes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mlops_cli.core.clock import moment
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.errors import IntegrityError, MloError
from mlops_cli.imports import listing
from mlops_cli.imports.listing import Leaf
from mlops_cli.imports.mlflow_history import keep
from mlops_cli.imports.mlflow_run import File, Tracked
from mlops_cli.runs import secrets
from mlops_cli.runs.names import check_name, name_of
from mlops_cli.runs.record import Artifact, Code, Model, Run, Status

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

ENGINE = "mlflow"
DESCRIPTION = "MLmodel"
"""The file that every model of MLflow's has."""

STATUSES: dict[str, Status] = {
    "FINISHED": "done",
    "FAILED": "failed",
    "KILLED": "killed",
    "RUNNING": "killed",
    "SCHEDULED": "killed",
}
"""What becomes of MLflow's words; of a run that MLflow never saw the end of, nobody knows more."""

UNFINISHED = ("RUNNING", "SCHEDULED")
_UNKNOWN = "unknown"
_TAG_LETTERS = 200
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""

_TOLD = frozenset(
    {
        "mlflow.user",
        "mlflow.runName",
        "mlflow.note.content",
        "mlflow.parentRunId",
        "mlflow.source.name",
        "mlflow.source.type",
        "mlflow.source.git.commit",
        "mlflow.source.git.branch",
        "mlflow.log-model.history",
        "mlflow.loggedArtifacts",
        "mlflow.loggedImages",
    }
)
"""Tags of MLflow's own whose content is elsewhere in the record, or says nothing of the run."""


def key_of(run: str) -> str:
    """Return the key that a run of MLflow's has here, by its id there.

    >>> key_of("0b783408d2084a2baa23468469913ddb")
    '00bfc3500834'
    """
    return object_id(f"mlflow run {run}".encode())[:12]


@dataclass(slots=True)
class Kept:
    """How much was stored."""

    files: int = 0
    bytes: int = 0
    points: int = 0

    def add(self, other: "Kept") -> None:
        """Count also what another counted."""
        self.files += other.files
        self.bytes += other.bytes
        self.points += other.points


@dataclass(slots=True)
class _Outputs:
    artifacts: list[Artifact] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)


def record(run: Tracked, writer: "PackWriter", kept: Kept, *, artifacts: bool) -> Run:
    """Store what a run has, and return its record, which is yet to be stored.

    Raises:
        MloError: something of it cannot be read, or names what no project can hold.
    """
    key = key_of(run.id)
    ended_ms = run.started_ms if run.ended_ms is None else run.ended_ms
    started, ended = _moment(run.started_ms), _moment(ended_ms)
    status = STATUSES.get(run.status)
    if status is None:
        raise IntegrityError(f"its status is '{run.status[:40]}', which MLflow does not have")
    logged = keep(run.points(), writer)
    kept.points += logged.points
    made = _outputs(run, writer, kept) if artifacts else _Outputs()
    name = _name(run.name, key)
    tags, rest = _tags(run, name)
    return Run(
        id=ObjectId(""),
        key=key,
        name=name,
        command=secrets.masked_command(run.source),
        started=started,
        ended=ended,
        seconds=max(ended_ms - run.started_ms, 0) / 1000,
        status=status,
        exit_code=0 if status == "done" else None,
        who={"name": run.user or _UNKNOWN, "email": ""},
        host=_UNKNOWN,
        code=_code(run),
        params=secrets.masked({name: value(text) for name, text in run.params.items()}),
        environment=None,
        outputs=tuple(sorted(made.artifacts, key=attrgetter("path"))),
        metrics=logged.last,
        series=logged.series,
        history=logged.object,
        models=tuple(made.models),
        error="MLflow never saw its end" if run.status in UNFINISHED else None,
        parent=_parent(run),
        tags=tags,
        note=_note(run, rest),
        engine=ENGINE,
    )


def value(text: str) -> Any:
    """Return the number or truth value that a parameter was before MLflow made it text.

    Only if it would become the same text again; everything else stays text.

    >>> [value(text) for text in ("6", "0.1", "1e-05", "True", "007", "1.50", "nan")]
    [6, 0.1, 1e-05, True, '007', '1.50', 'nan']
    """
    if text in ("True", "False"):
        return text == "True"
    if not re.fullmatch(r"-?[0-9][0-9.e+-]{0,31}", text):
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text:
            return number
    return text


def _moment(time_ms: int) -> str:
    if not 0 <= time_ms <= _LAST_MS:
        raise IntegrityError(f"its time is {time_ms} ms after 1970, which is no date")
    return moment(time_ms * 1_000_000)


def _outputs(run: Tracked, writer: "PackWriter", kept: Kept) -> _Outputs:
    """Store the artifacts of a run and the models it logged, each by its path or name."""
    found = _Outputs()
    for name, leaves in sorted(_grouped(run.files(), writer, kept).items()):
        _add(found, name, leaves, writer)
    taken = {one.path for one in found.artifacts}
    for model in run.models:
        leaves = {file.path: _put(file, writer, kept) for file in model.files()}
        name = model.name if model.name not in taken else f"{model.name}-{model.id}"
        if leaves:
            taken.add(name)
            _add(found, name, leaves, writer)
    return found


def _grouped(files: Iterator[File], writer: "PackWriter", kept: Kept) -> dict[str, dict[str, Leaf]]:
    """Store files, and return them by the first part of their path and the rest of it."""
    found: dict[str, dict[str, Leaf]] = {}
    for file in files:
        listing.check(file.path)
        name, _, rest = file.path.partition("/")
        found.setdefault(name, {})[rest] = _put(file, writer, kept)
    return found


def _put(file: File, writer: "PackWriter", kept: Kept) -> Leaf:
    leaf = file.put(writer)
    kept.files += 1
    kept.bytes += leaf.size
    return leaf


def _add(found: _Outputs, name: str, leaves: Mapping[str, Leaf], writer: "PackWriter") -> None:
    listing.check(name)
    if "/" in name:
        raise IntegrityError(f"a model has the name '{name[:80]}'")
    if "" in leaves:
        if len(leaves) > 1:
            raise IntegrityError(f"'{name}' is listed as a file and as a folder")
        found.artifacts.append(Artifact(name, leaves[""].oid, "file", leaves[""].size))
        return
    oid, size = listing.put(writer, leaves)
    found.artifacts.append(Artifact(name, oid, "folder", size))
    if DESCRIPTION in leaves:
        found.models.append(Model(name))


def _code(run: Tracked) -> Code:
    if run.version is None:
        return Code(problem="MLflow kept no commit")
    branch = run.tags.get("mlflow.source.git.branch")
    return Code(run.version, branch, problem="MLflow keeps the commit alone, not what had changed")


def _name(text: str, key: str) -> str:
    """Return a run's name as it may be here: other letters become `-`.

    >>> _name("my run/1", "00000000002a"), _name("2024", "00000000002a")
    ('my-run-1', 'agile-kestrel')
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")[:64]
    try:
        check_name(plain)
    except MloError:
        return name_of(key)
    return plain


def _parent(run: Tracked) -> str | None:
    parent = run.tags.get("mlflow.parentRunId")
    return key_of(parent) if parent else None


def _tags(run: Tracked, name: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the tags, `name=value` each, and lines for the note of those too long to be one."""
    tags: dict[str, None] = {}
    rest: list[str] = []
    for key, texts in _said(run, name).items():
        hidden = str(secrets.masked({key: " ".join(texts)})[key])
        word = re.sub(r"[\s=]+", "_", key)
        tag = f"{word}={hidden}" if hidden else word
        if len(tag) <= _TAG_LETTERS and tag.isprintable():
            tags[tag] = None
        else:
            rest.append(f"{key}: {hidden}")
    return tuple(tags), rest


def _said(run: Tracked, name: str) -> dict[str, list[str]]:
    """Return what becomes tags, by name: one of them may have several values."""
    found = {"experiment": [run.experiment], "mlflow.run": [run.id]}
    if run.name not in ("", name):
        found["mlflow.name"] = [run.name]
    if run.registered:
        found["registered"] = list(run.registered)
    for data in run.datasets:
        what = f"dataset.{data.context}" if data.context else "dataset"
        found.setdefault(what, []).append(f"{data.name}@{data.digest}")
    for key, text in run.tags.items():
        if key not in _TOLD:
            found.setdefault(key, []).append(text)
    return found


def _note(run: Tracked, rest: list[str]) -> str | None:
    """Return MLflow's description, and below it the tags that are too long to be one."""
    said = secrets.masked_text(run.tags.get("mlflow.note.content", ""))
    return "\n".join([*([said] if said else []), *rest]) or None
