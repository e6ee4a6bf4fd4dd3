"""MLflow's file store: an `mlruns` folder, with a folder for each experiment and each run in it."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mlops_cli.core import yaml_nodes
from mlops_cli.errors import ExternalError, IntegrityError, MloError, RequestError
from mlops_cli.imports import mlflow_run
from mlops_cli.imports.mlflow_places import Places
from mlops_cli.imports.mlflow_run import (
    Dataset,
    Experiment,
    Listed,
    LoggedModel,
    Point,
    Registry,
    Tracked,
    Version,
)

_META = "meta.yaml"
_TRASH = ".trash"
_MODELS = "models"
_STATUSES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_CONTEXT = "mlflow.data.context"
_DIGITS = 20
"""No number of MLflow's, which are of 64 bits, has more."""

Found = TypeVar("Found")


def is_store(folder: Path) -> bool:
    """Return whether a folder is one of MLflow's: any folder in it is an experiment."""
    return any(_has_meta(one) for one in (folder, folder / _TRASH) if one.is_dir())


def _has_meta(folder: Path) -> bool:
    return any((folder / name / _META).is_file() for name in os.listdir(folder))


class FileStore:
    """An `mlruns` folder; see `mlflow_run.Tracker`."""

    def __init__(self, root: Path, artifacts: Sequence[Path]) -> None:
        self.name = str(root)
        self._root = root
        self._places = Places([root, *artifacts])
        self.registry = self._registry()
        self._models: dict[str, dict[str, list[LoggedModel]]] = {}
        """The models of an experiment, by the run that logged each."""
        self._unreadable: dict[str, str] = {}
        """What is wrong with models, by their ids."""

    def experiments(self) -> list[Experiment]:
        """Return all experiments; see `Tracker`. A folder without a description is none."""
        found = []
        for folder in [*_folders(self._root), *_folders(self._root / _TRASH)]:
            if folder.name != _MODELS and (folder / _META).is_file():
                meta = _sound(lambda folder=folder: _meta(folder)) or {}  # type: ignore[misc]
                deleted = meta.get("lifecycle_stage") == "deleted"
                place = os.path.relpath(folder, self._root)
                found.append(Experiment(place, meta.get("name") or folder.name, deleted))
        return found

    def count(self, experiment: Experiment) -> int:
        """Return how many runs there are; see `Tracker`."""
        return len(self._run_folders(experiment))

    def runs(self, experiment: Experiment) -> Iterator[Listed]:
        """Yield the runs of an experiment; see `Tracker`."""
        for folder in self._run_folders(experiment):
            yield Listed(folder.name, lambda folder=folder: self._read(experiment, folder))  # type: ignore[misc]

    def left_out(self) -> int:
        """Return how many links were passed by; see `Tracker`."""
        return self._places.links

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _run_folders(self, experiment: Experiment) -> list[Path]:
        """Return the folders of runs: those with metrics, parameters, or a description of one."""
        marks = (_META, "params", "metrics", "artifacts")
        return [
            folder
            for folder in _folders(self._root / experiment.id)
            if folder.name not in (_MODELS, "datasets", "traces")
            and any((folder / mark).exists() for mark in marks)
        ]

    def _read(self, experiment: Experiment, folder: Path) -> Tracked:
        meta = _meta(folder)
        tags = _texts(folder / "tags")
        try:
            status = meta["status"] or ""
            started_ms = _integer(meta["start_time"])
            ended_ms = _integer(meta["end_time"]) if meta.get("end_time") else None
        except (KeyError, ValueError) as error:
            raise IntegrityError(f"'{folder / _META}' lacks or garbles {error}") from error
        return Tracked(
            id=folder.name,
            experiment=experiment.name,
            name=tags.get("mlflow.runName") or meta.get("run_name") or meta.get("name") or "",
            status=_STATUSES.get(status, status),
            started_ms=started_ms,
            ended_ms=ended_ms,
            user=tags.get("mlflow.user") or meta.get("user_id") or "",
            source=tags.get("mlflow.source.name") or meta.get("source_name") or "",
            version=tags.get("mlflow.source.git.commit") or meta.get("source_version") or None,
            params=_texts(folder / "params"),
            tags=tags,
            points=lambda: _points(folder / "metrics"),
            files=self._places.files(meta.get("artifact_uri") or "", folder / "artifacts"),
            models=self._models_of(experiment, folder),
            datasets=self._datasets(experiment, folder),
            registered=self.registry.by_run.get(folder.name, ()),
            deleted=experiment.deleted or meta.get("lifecycle_stage") == "deleted",
        )

    def _datasets(self, experiment: Experiment, folder: Path) -> list[Dataset]:
        found = []
        for one in _folders(folder / "inputs"):
            given = dict(_document(one / _META).items())
            if "source_id" not in given or _word(given["source_type"]) != "DATASET":
                continue
            name = given["source_id"].word()
            if name != os.path.basename(name) or name in (".", ".."):
                raise IntegrityError(f"'{one / _META}' names a dataset outside of its folder")
            held = _meta(self._root / experiment.id / "datasets" / name)
            tags = dict(given["tags"].items()) if "tags" in given else {}
            context = tags[_CONTEXT].word() if _CONTEXT in tags else None
            found.append(Dataset(held.get("name") or "", held.get("digest") or "", context))
        return found

    def _models_of(self, experiment: Experiment, run: Path) -> Sequence[LoggedModel]:
        """Return the models that a run logged.

        Raises:
            IntegrityError: it lists one that cannot be read.
        """
        if experiment.id not in self._models:
            self._models[experiment.id] = self._all_models(experiment)
        for folder in _folders(run / "outputs"):
            if folder.name in self._unreadable:
                raise IntegrityError(self._unreadable[folder.name])
        return self._models[experiment.id].get(run.name, ())

    def _all_models(self, experiment: Experiment) -> dict[str, list[LoggedModel]]:
        found: dict[str, list[LoggedModel]] = {}
        for folder in _folders(self._root / experiment.id / _MODELS):
            try:
                meta = _meta(folder)
            except MloError as error:
                self._unreadable[folder.name] = error.message
                continue
            run = meta.get("source_run_id")
            if run and meta.get("lifecycle_stage") != "deleted":
                uri = meta.get("artifact_location") or ""
                files = self._places.files(uri, folder / "artifacts")
                model = LoggedModel(folder.name, meta.get("name") or folder.name, files)
                found.setdefault(run, []).append(model)
        return found

    def _registry(self) -> Registry:
        versions = []
        for model in _folders(self._root / _MODELS):
            aliases: dict[str, list[str]] = {}
            for alias, number in (_sound(lambda m=model: _texts(m / "aliases")) or {}).items():  # type: ignore[misc]
                aliases.setdefault(number, []).append(alias)
            for folder in _folders(model):
                if not folder.name.startswith("version-"):
                    continue
                meta = _sound(lambda folder=folder: _meta(folder)) or {}  # type: ignore[misc]
                number = meta.get("version") or folder.name.removeprefix("version-")
                stage, run = meta.get("current_stage"), meta.get("run_id")
                versions.append(Version(model.name, number, run, stage, aliases.get(number, ())))
        return mlflow_run.registry(versions)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(error) from error
    return [
        folder / entry.name
        for entry in entries
        if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
    ]


def _meta(folder: Path) -> dict[str, str | None]:
    """Return the scalars of a description, as they are written.

    Raises:
        RequestError: it is not YAML.
        IntegrityError: it is larger than any, or not there.
    """
    return {key: _word(value) for key, value in _document(folder / _META).items()}


def _document(path: Path) -> yaml_nodes.Value:
    document = yaml_nodes.parse(_content(path), where=str(path))
    if not document.is_mapping:
        raise document.fail("describes nothing")
    return document


def _word(value: yaml_nodes.Value) -> str | None:
    """Return a scalar as it is written; None for nothing, empty text, lists and mappings."""
    try:
        return value.word()
    except RequestError:
        return None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(mlflow_run.MOST_TEXT_BYTES + 1)
    except FileNotFoundError as error:
        raise IntegrityError(f"there is no '{path}'") from error
    except OSError as error:
        raise _unreadable(error) from error
    if len(data) > mlflow_run.MOST_TEXT_BYTES:
        raise IntegrityError(f"'{path}' is too large for what it should hold")
    return data


def _texts(folder: Path) -> dict[str, str]:
    """Return the texts in the files of a folder, by name; a name may have slashes."""
    return {
        name: mlflow_run.text(_content(path), f"'{path}'") for name, path in sorted(_named(folder))
    }


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here, name)
            kept = os.path.relpath(path, folder)
            yield mlflow_run.text(os.fsencode(kept), f"the name '{kept!a}'"), path


def _points(folder: Path) -> Iterator[Point]:
    for name, path in sorted(_named(folder)):
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield _point(name, line, path, number)
        except OSError as error:
            raise _unreadable(error) from error


def _point(name: str, line: bytes, path: Path, number: int) -> Point:
    """Return what a line of a metric's file says: time, value, and the step in all but old ones."""
    words = line[:200].split()
    try:
        step = _integer(words[2].decode("ascii")) if len(words) > 2 else 0
        return Point(name, float(words[1]), _integer(words[0].decode("ascii")), step)
    except (IndexError, ValueError) as error:
        raise IntegrityError(f"'{path}' is malformed on line {number}") from error


def _integer(text: str | None) -> int:
    if text is None or len(text) > _DIGITS:
        raise ValueError("a number")
    return int(text)


def _sound(read: Callable[[], Found]) -> Found | None:
    """Return what is read; None when it is malformed, so that it counts as not there."""
    try:
        return read()
    except MloError:
        return None


def _unreadable(error: OSError) -> ExternalError:
    return ExternalError(
        f"cannot read '{error.filename}': {(error.strerror or str(error)).lower()}"
    )
