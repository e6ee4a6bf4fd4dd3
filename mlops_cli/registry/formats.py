"""Models on disk: a folder with the model's file and `mlo-model.json`, or the file alone.

skops is the default, since loading it runs no code but that of types known to be harmless. What
runs whatever its file says, as joblib and pickle do, loads only when somebody vouched for it. Each
format has a module in `model_files`.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mlops_cli.core import canonical
from mlops_cli.core.files import inside, write_whole
from mlops_cli.errors import RequestError
from mlops_cli.registry import signature as signatures
from mlops_cli.registry.description import (
    DESCRIPTION,
    Description,
    Format,
    Label,
    Task,
    from_record,
    to_record,
)
from mlops_cli.registry.example import Example
from mlops_cli.registry.model_files import kinds, python_file
from mlops_cli.registry.model_files.kind import Reading, first_line
from mlops_cli.registry.profile import Profile
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Predictor:
    """A loaded model. Safe to share between threads as far as the model itself is."""

    model: Any
    description: Description
    signature: Signature | None
    task: Task
    classes: tuple[Label, ...] | None

    def predict(self, frame: "pd.DataFrame") -> "np.ndarray[Any, Any]":
        """Return one prediction for each row of `frame`, which has at least the model's columns.

        Raises:
            RequestError: a column is missing, or the model refuses the values.
        """
        return self._ask(self.model.predict, frame)

    @property
    def has_probabilities(self) -> bool:
        """Whether the model gives a probability for each class."""
        return self.classes is not None and hasattr(self.model, "predict_proba")

    def predict_proba(self, frame: "pd.DataFrame") -> "np.ndarray[Any, Any] | None":
        """Return probabilities, shape (rows, classes), or None when the model has none.

        Raises:
            RequestError: as of `predict`.
        """
        if not self.has_probabilities:
            return None
        return self._ask(self.model.predict_proba, frame)

    def _ask(self, method: Callable[[Any], Any], frame: "pd.DataFrame") -> "np.ndarray[Any, Any]":
        import numpy as np

        try:
            found = np.asarray(method(self._input(frame)))
        except (ValueError, TypeError) as error:
            raise RequestError(f"the model refuses the rows: {first_line(error)}") from error
        if found.shape[:1] != (len(frame),):
            raise RequestError(f"the model gives {found.shape} answers for {len(frame):,} rows")
        return found

    def _input(self, frame: "pd.DataFrame") -> Any:
        """Return the rows in the shape that the model was fitted on: a table or an array."""
        names = signatures.fitted_names(self.model)
        if names is not None:
            return _pick(frame, names)
        if self.signature is not None:
            frame = _pick(frame, self.signature.names)
        if signatures.fitted_width(self.model) is not None:
            return frame.to_numpy()
        return frame


def save(
    model: Any,
    folder: Path,
    signature: Signature | None = None,
    *,
    target: str | None = None,
    model_format: Format | None = None,
    example: Example | None = None,
    profile: Profile | None = None,
    code: Sequence[Path] = (),
) -> Description:
    """Write `model` into `folder`, which is made when missing, and return what was noted of it.

    Without a format it is XGBoost's, LightGBM's or ONNX for models of these libraries, skops for
    all others. Equal models give equal bytes, but in joblib and pickle. `code` are further files
    and folders that the code of a model of format `python` needs.

    Raises:
        RequestError: the model has no form in this format.
        ExternalError: the disk refuses.
    """
    model_format = model_format or kinds.usual(model)
    kind = kinds.kind(model_format)
    described = Description(
        format=model_format,
        file=kind.file,
        signature=signature,
        task=task_of(model),
        classes=classes_of(model),
        target=target,
        model_type=type_name(model),
        libraries=libraries_of(model, model_format),
        entry=python_file.entry_of(model) if model_format == "python" else None,
        example=example,
        profile=profile,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise RequestError(f"'{folder}' is a file; a model needs a folder") from error
    _clear(folder)
    _write(model, folder / kind.file, model_format, code)
    write_whole(folder / DESCRIPTION, canonical.encode(to_record(described)), durable=False)
    return described


def _clear(folder: Path) -> None:
    """Remove what an earlier `save` wrote."""
    (folder / DESCRIPTION).unlink(missing_ok=True)
    for _, kind in kinds.kinds():
        stale = folder / kind.file
        if stale.is_dir() and not stale.is_symlink():
            shutil.rmtree(stale)
        else:
            stale.unlink(missing_ok=True)


def _write(model: Any, target: Path, model_format: Format, code: Sequence[Path]) -> None:
    if not hasattr(model, "predict") and model_format != "onnx":
        raise RequestError(f"a {type_name(model)} cannot be a model: it has no predict()")
    try:
        if model_format == "python":
            python_file.save(model, target, code)
        else:
            kinds.kind(model_format).save(model, target)
    except (RequestError, OSError):
        raise
    except Exception as error:
        raise RequestError(
            f"a {type_name(model)} cannot be saved as {model_format}: {first_line(error)}",
            hint="save it as joblib, and register it with --trust"
            if model_format == "skops"
            else None,
        ) from error


def describe(path: Path) -> Description:
    """Return what is known of the model at `path`, a folder or a file, without loading it.

    Raises:
        RequestError: there is no model.
        IntegrityError: its description is damaged.
    """
    if path.is_dir():
        file = path / DESCRIPTION
        if not file.is_file():
            return _lone_file(path)
        return from_record(canonical.decode(file.read_bytes()), where=str(file))
    if not path.is_file():
        raise RequestError(f"there is no model at '{path}'")
    return Description(format=kinds.required(path), file="")


def untrusted_types(path: Path) -> tuple[str, ...]:
    """Return the types in the model at `path` that nobody is known to have vouched for.

    Runs none of its code. Of a format whose files can do anything it is the format itself.

    Raises:
        RequestError: there is no model, or it is not a file of its format.
    """
    described = describe(path)
    kind = kinds.kind(described.format)
    if kind.runs_code:
        return (described.format,)
    return kind.untrusted(_file_of(path, described), str(path)) if kind.untrusted else ()


def load(
    path: Path, *, trust: bool, code: Path | None = None, where: str | None = None
) -> Predictor:
    """Return the model at `path`, ready to predict.

    With `trust` any code in the file may run; without, only types known to be harmless load.
    `code` is a folder whose Python modules the model may need, looked at only with `trust`.
    The caller has verified the bytes; `where` is what errors call the path.

    Raises:
        RequestError: there is no model, or it holds types that were not trusted.
        StateError: a type it needs cannot be imported here.
    """
    described = describe(path)
    file = _file_of(path, described)
    how = Reading(file, described, trust, code, where or str(path))
    model = kinds.kind(described.format).load(how)
    if not hasattr(model, "predict"):
        raise RequestError(f"'{where or path}' holds a {type_name(model)}, which cannot predict")
    return Predictor(
        model=model,
        description=described,
        signature=described.signature or getattr(model, "signature", None),
        task=task_of(model),
        classes=classes_of(model),
    )


def task_of(model: Any) -> Task:
    """Return what kind of answers `model` gives: as scikit-learn's tags say, or it itself."""
    tasks: dict[str, Task] = {
        "classifier": "classification",
        "regressor": "regression",
        "clusterer": "clustering",
        "outlier_detector": "outliers",
    }
    if not hasattr(model, "__sklearn_tags__"):
        said = getattr(model, "task", None)
        if said in tasks.values():
            return cast(Task, said)
        return "classification" if classes_of(model) else "other"
    from sklearn.utils import get_tags

    return tasks.get(get_tags(model).estimator_type or "", "other")


def classes_of(model: Any) -> tuple[Label, ...] | None:
    """Return the labels of a classifier with one target; None for any other model."""
    if not hasattr(model, "__sklearn_tags__"):
        said: Any = getattr(model, "classes", None)
        listed = said.tolist() if hasattr(said, "tolist") else said
        return tuple(listed) if isinstance(listed, list | tuple) and listed else None
    if task_of(model) != "classification":
        return None
    classes = getattr(model, "classes_", None)
    if classes is None or not hasattr(classes, "tolist"):
        return None
    return tuple(classes.tolist())


def type_name(model: Any) -> str:
    """Return the class of a model in full; of one that a file describes, what the file says."""
    kind = type(model)
    said = getattr(model, "type", None)
    if kind.__module__.startswith(__package__) and isinstance(said, str):
        return said
    return f"{kind.__module__}.{kind.__qualname__}"


def _lone_file(folder: Path) -> Description:
    """Return the description of a folder that holds one model file and says nothing of it."""
    found = {
        one.name: name
        for one in sorted(folder.iterdir())
        if one.is_file() and (name := kinds.of_file(one)) is not None
    }
    if len(found) != 1:
        raise RequestError(
            f"'{folder}' is not a model: it has no {DESCRIPTION} and {len(found)} model files",
            hint="save it with mlo.log_model(model, PATH)",
        )
    ((file, model_format),) = found.items()
    return Description(format=model_format, file=file)


def _file_of(path: Path, described: Description) -> Path:
    file = inside(path, described.file) if described.file else path
    there = file.is_dir() if described.format == "python" else file.is_file()
    if file.is_symlink() or not there:
        raise RequestError(f"'{path}' lacks its file '{described.file}'")
    return file


def _pick(frame: "pd.DataFrame", names: Sequence[str]) -> "pd.DataFrame":
    if list(frame.columns) == list(names):
        return frame
    names = signatures.as_in_table(names, frame)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise RequestError(f"the table has no column '{missing[0]}'{more}, which the model takes")
    return cast("pd.DataFrame", frame[list(names)])


def libraries_of(model: Any, model_format: Format) -> tuple[tuple[str, str], ...]:
    """Return the packages that loading `model` takes, with the versions that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found: list[tuple[str, str]] = []
    names = {*kinds.kind(model_format).libraries, type(model).__module__.partition(".")[0]}
    for name in sorted(names):
        try:
            found.append((name, version(name)))
        except (PackageNotFoundError, ValueError):
            continue
    return tuple(found)
