"""What is known of a model file without loading it, and `mlo-model.json`, which says it."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry import example, profile
from mlops_cli.registry import signature as signatures
from mlops_cli.registry.example import Example
from mlops_cli.registry.profile import Profile
from mlops_cli.registry.signature import Signature

Format = Literal["skops", "joblib", "pickle", "onnx", "xgboost", "lightgbm", "python"]
Task = Literal["classification", "regression", "clustering", "outliers", "other"]
Label = str | int | float | bool

DESCRIPTION = "mlo-model.json"
FORMATS: tuple[Format, ...] = get_args(Format)
_TASKS: frozenset[str] = frozenset(get_args(Task))
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a model file without loading it."""

    format: Format
    file: str
    """The model's file within its folder; empty when the model is that file alone."""
    signature: Signature | None = None
    task: Task = "other"
    classes: tuple[Label, ...] | None = None
    """The labels of a classifier in the order of its probabilities."""
    target: str | None = None
    """The column that it was fitted to predict."""
    model_type: str | None = None
    """The model's class, such as `sklearn.ensemble._forest.RandomForestClassifier`."""
    libraries: tuple[tuple[str, str], ...] = ()
    """Names and versions of the libraries that it was saved with."""
    entry: str | None = None
    """Of a class of the user's own: `MODULE:CLASS`, in the folder's `code`."""
    example: Example | None = None
    """A few rows that it takes, as `registry/example.py` has them."""
    profile: Profile | None = None
    """What it was fitted on in sum, where that was a table in memory."""


def to_record(described: Description) -> dict[str, Any]:
    """Return what `mlo-model.json` holds."""
    record = {
        "v": _VERSION,
        "format": described.format,
        "file": described.file,
        "signature": None if described.signature is None else described.signature.to_dict(),
        "task": described.task,
        "classes": None if described.classes is None else list(described.classes),
        "target": described.target,
        "type": described.model_type,
        "libraries": dict(described.libraries),
    }
    if described.entry is not None:
        record["entry"] = described.entry
    if described.example is not None:
        record["example"] = described.example.to_dict()
    if described.profile is not None:
        record["profile"] = profile.to_dict(described.profile)
    return record


def from_record(record: Any, *, where: str) -> Description:
    """Return the description that `to_record` gave this for.

    Raises:
        RequestError: a newer mlo wrote it.
        IntegrityError: it has another form; `where` names it.
    """
    try:
        if record["v"] != _VERSION:
            raise RequestError(f"'{where}' was written by a newer mlo", hint="use that one")
        if record["format"] not in FORMATS:
            raise ValueError(f"unknown format {record['format']!r}")
        if record["task"] not in _TASKS:
            raise ValueError(f"unknown task {record['task']!r}")
        columns, classes = record["signature"], record["classes"]
        entry, rows = record.get("entry"), record.get("example")
        fitted_on = record.get("profile")
        return Description(
            format=record["format"],
            file=str(record["file"]),
            signature=None if columns is None else signatures.from_dict(columns, where=where),
            task=record["task"],
            classes=None if classes is None else tuple(classes),
            target=record["target"],
            model_type=record["type"],
            libraries=tuple(sorted(record["libraries"].items())),
            entry=None if entry is None else str(entry),
            example=None if rows is None else example.from_dict(rows),
            profile=None if fitted_on is None else profile.from_dict(fitted_on),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"'{where}' is damaged: {error!r}") from error
