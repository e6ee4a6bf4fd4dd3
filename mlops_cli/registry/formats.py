"""Models on disk: a folder with the model's file and `mlo-model.json`, or the file alone.

skops is the default, since loading it runs no code but that of types known to be harmless.
joblib and pickle run whatever their file says, so they load only when somebody vouched for it.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from mlops_cli.core import canonical
from mlops_cli.core.files import inside, write_whole
from mlops_cli.errors import IntegrityError, RequestError, StateError
from mlops_cli.registry import signature as signatures
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Format = Literal["skops", "joblib", "pickle"]
Task = Literal["classification", "regression", "clustering", "outliers", "other"]
Label = str | int | float | bool

DESCRIPTION = "mlo-model.json"
FILES: dict[Format, str] = {"skops": "model.skops", "joblib": "model.joblib", "pickle": "model.pkl"}
SUFFIXES: dict[str, Format] = {
    ".skops": "skops",
    ".joblib": "joblib",
    ".pkl": "pickle",
    ".pickle": "pickle",
}
_VERSION = 1
_LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "skops", "joblib")


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
            return np.asarray(method(self._input(frame)))
        except (ValueError, TypeError) as error:
            raise RequestError(f"the model refuses the rows: {_first_line(error)}") from error

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
    model_format: Format = "skops",
) -> Description:
    """Write `model` into `folder`, which is made when missing, and return what was noted of it.

    Equal models give equal bytes in the skops format.

    Raises:
        RequestError: the model has no form in this format.
        ExternalError: the disk refuses.
    """
    data = _dump(model, model_format)
    described = Description(
        format=model_format,
        file=FILES[model_format],
        signature=signature,
        task=task_of(model),
        classes=classes_of(model),
        target=target,
        model_type=type_name(model),
        libraries=_libraries(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise RequestError(f"'{folder}' is a file; a model needs a folder") from error
    for stale in [*FILES.values(), DESCRIPTION]:
        (folder / stale).unlink(missing_ok=True)
    write_whole(folder / described.file, data, durable=False)
    write_whole(folder / DESCRIPTION, canonical.encode(_to_record(described)), durable=False)
    return described


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
        return _from_record(canonical.decode(file.read_bytes()), where=str(file))
    if not path.is_file():
        raise RequestError(f"there is no model at '{path}'")
    return Description(format=format_of(path.name), file="")


def format_of(name: str) -> Format:
    """Return the format of a model file by its name.

    Raises:
        RequestError: the suffix says nothing.
    """
    found = SUFFIXES.get(Path(name).suffix.lower())
    if found is None:
        raise RequestError(
            f"'{name}' is not a model file: its name ends in none of {', '.join(SUFFIXES)}",
            hint="save it with mlo.log_model(model, PATH) or skops.io.dump(model, 'model.skops')",
        )
    return found


def untrusted_types(path: Path) -> tuple[str, ...]:
    """Return the types in the model at `path` that nobody is known to have vouched for.

    Runs none of its code. For joblib and pickle that is the format itself, since their files
    can do anything.

    Raises:
        RequestError: there is no model, or it is not a file of its format.
    """
    described = describe(path)
    if described.format != "skops":
        return (described.format,)
    return _skops_types(_file_of(path, described).read_bytes(), where=str(path))[0]


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
    data = _file_of(path, described).read_bytes()
    model = _load(data, described.format, trust=trust, code=code, where=where or str(path))
    if not hasattr(model, "predict"):
        raise RequestError(f"'{where or path}' holds a {type_name(model)}, which cannot predict")
    return Predictor(
        model=model,
        description=described,
        signature=described.signature,
        task=task_of(model),
        classes=classes_of(model),
    )


def task_of(model: Any) -> Task:
    """Return what kind of answers `model` gives, as scikit-learn's tags say."""
    kinds: dict[str, Task] = {
        "classifier": "classification",
        "regressor": "regression",
        "clusterer": "clustering",
        "outlier_detector": "outliers",
    }
    if not hasattr(model, "__sklearn_tags__"):
        return "other"
    from sklearn.utils import get_tags

    return kinds.get(get_tags(model).estimator_type or "", "other")


def classes_of(model: Any) -> tuple[Label, ...] | None:
    """Return the labels of a classifier with one target; None for any other model."""
    if task_of(model) != "classification":
        return None
    classes = getattr(model, "classes_", None)
    if classes is None or not hasattr(classes, "tolist"):
        return None
    return tuple(classes.tolist())


def _dump(model: Any, model_format: Format) -> bytes:
    if not hasattr(model, "predict"):
        raise RequestError(f"a {type_name(model)} cannot be a model: it has no predict()")
    try:
        if model_format == "skops":
            from mlops_cli.registry import skops_bytes

            return skops_bytes.dump(model)
        if model_format == "joblib":
            import joblib

            buffer = io.BytesIO()
            joblib.dump(model, buffer)
            return buffer.getvalue()
        import pickle

        return pickle.dumps(model)
    except Exception as error:
        raise RequestError(
            f"a {type_name(model)} cannot be saved as {model_format}: {_first_line(error)}",
            hint="save it as joblib, and register it with --trust"
            if model_format == "skops"
            else None,
        ) from error


def _load(data: bytes, model_format: Format, *, trust: bool, code: Path | None, where: str) -> Any:
    if model_format == "skops":
        unknown, sound = _skops_types(data, where=where)
        if unknown and not trust:
            raise RequestError(
                f"'{where}' holds types that nobody vouched for: {', '.join(unknown)}",
                hint="say --trust if you know who made it",
            )
        import skops.io

        read: Callable[[], Any] = lambda: skops.io.loads(data, trusted=[*unknown, *sound])  # noqa: E731
    elif not trust:
        raise RequestError(
            f"'{where}' is a {model_format} file, and loading it runs any code in it",
            hint="save it as skops; or say --trust if you know who made it",
        )
    elif model_format == "joblib":
        import joblib

        read = lambda: joblib.load(io.BytesIO(data))  # noqa: E731
    else:
        import pickle

        read = lambda: pickle.loads(data)  # noqa: E731
    with _importable(code if trust else None):
        return _read(read, where)


def _read(read: Callable[[], Any], where: str) -> Any:
    try:
        return read()
    except (ImportError, AttributeError) as error:
        raise StateError(
            f"'{where}' needs code that cannot be imported here: {_first_line(error)}",
            hint="install it, or move the class out of the training script into a module",
        ) from error
    except Exception as error:
        raise RequestError(f"'{where}' cannot be loaded: {_first_line(error)}") from error


@contextmanager
def _importable(folder: Path | None) -> Iterator[None]:
    """Let modules in `folder` be imported for a `with` block."""
    import sys

    if folder is None or str(folder) in sys.path:
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _skops_types(data: bytes, *, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types that need trust, and those that skops doubts but were looked into."""
    import skops.io

    try:
        doubted = skops.io.get_untrusted_types(data=data)
    except Exception as error:
        raise RequestError(
            f"'{where}' is not a whole skops file: {_first_line(error)}",
            hint="save the model again",
        ) from error
    if not doubted:
        return (), ()
    from mlops_cli.registry import skops_trees

    sound = skops_trees.sound_types(data)
    return tuple([name for name in doubted if name not in sound]), tuple(sorted(sound))


def _lone_file(folder: Path) -> Description:
    """Return the description of a folder that holds one model file and says nothing of it."""
    found = sorted(one.name for one in folder.iterdir() if one.suffix.lower() in SUFFIXES)
    if len(found) != 1:
        raise RequestError(
            f"'{folder}' is not a model: it has no {DESCRIPTION} and {len(found)} model files",
            hint="save it with mlo.log_model(model, PATH)",
        )
    return Description(format=format_of(found[0]), file=found[0])


def _file_of(path: Path, described: Description) -> Path:
    file = inside(path, described.file) if described.file else path
    if file.is_symlink() or not file.is_file():
        raise RequestError(f"'{path}' lacks its file '{described.file}'")
    return file


def _pick(frame: "pd.DataFrame", names: Sequence[str]) -> "pd.DataFrame":
    if list(frame.columns) == list(names):
        return frame
    missing = [name for name in names if name not in frame.columns]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise RequestError(f"the table has no column '{missing[0]}'{more}, which the model takes")
    return cast("pd.DataFrame", frame[list(names)])


def type_name(model: Any) -> str:
    """Return the class of a model in full."""
    kind = type(model)
    return f"{kind.__module__}.{kind.__qualname__}"


def _libraries() -> tuple[tuple[str, str], ...]:
    from importlib.metadata import PackageNotFoundError, version

    found: list[tuple[str, str]] = []
    for name in _LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _to_record(described: Description) -> dict[str, Any]:
    return {
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


def _from_record(record: Any, *, where: str) -> Description:
    try:
        if record["v"] != _VERSION:
            raise RequestError(f"'{where}' was written by a newer mlo", hint="use that one")
        if record["format"] not in FILES:
            raise ValueError(f"unknown format {record['format']!r}")
        columns, classes = record["signature"], record["classes"]
        return Description(
            format=record["format"],
            file=str(record["file"]),
            signature=None if columns is None else signatures.from_dict(columns, where=where),
            task=record["task"],
            classes=None if classes is None else tuple(classes),
            target=record["target"],
            model_type=record["type"],
            libraries=tuple(sorted(record["libraries"].items())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"'{where}' is damaged: {error!r}") from error
