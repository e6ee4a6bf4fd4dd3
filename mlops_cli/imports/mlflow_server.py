"""An MLflow server, by its REST interface: it also hands out artifacts that are in buckets."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast
from urllib.parse import quote

from mlops_cli.errors import ExternalError, IntegrityError
from mlops_cli.imports import mlflow_run
from mlops_cli.imports.listing import Leaf
from mlops_cli.imports.mlflow_http import AT_ONCE, Client, Unknown, pages
from mlops_cli.imports.mlflow_run import (
    Dataset,
    Experiment,
    Files,
    Listed,
    LoggedModel,
    Registry,
    Tracked,
    Version,
)
from mlops_cli.imports.mlflow_values import MOST_RUNS, Values

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter

_PAGE, _FEW = 1000, 50
"""Most that servers give at once: of experiments and versions, of models."""

_MOST_FOLDERS = 100_000
_CONTEXT = "mlflow.data.context"
Page = Callable[[str], Mapping[str, Any]]


class Server:
    """An MLflow server; see `mlflow_run.Tracker`."""

    def __init__(self, client: Client) -> None:
        self.name = client.url
        self._client = client
        self._threads = ThreadPoolExecutor(AT_ONCE, "mlflow")
        self.registry = self._registry()
        self._models: dict[str, dict[str, list[LoggedModel]]] = {}
        """The models of an experiment, by the run that logged each."""

    def left_out(self) -> int:
        """Return 0: a server tells of files alone; see `Tracker`."""
        return 0

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(cancel_futures=True)

    def experiments(self) -> list[Experiment]:
        """Return all experiments; see `Tracker`."""

        def page(token: str) -> Mapping[str, Any]:
            return self._client.search(
                "experiments/search", max_results=_PAGE, view_type="ALL", page_token=token
            )

        return [
            Experiment(
                str(one["experiment_id"]), str(one["name"]), one["lifecycle_stage"] == "deleted"
            )
            for one in pages(page, "experiments")
        ]

    def count(self, experiment: Experiment) -> None:
        """Return None: a server does not tell without giving them all."""
        return

    def runs(self, experiment: Experiment) -> Iterator[Listed]:
        """Yield the runs of an experiment; see `Tracker`."""

        def page(token: str) -> Mapping[str, Any]:
            return self._client.search(
                "runs/search",
                experiment_ids=[experiment.id],
                max_results=MOST_RUNS,
                run_view_type="ALL",
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )

        found = pages(page, "runs")
        while some := list(islice(found, MOST_RUNS)):
            metrics = dict(map(_metrics, some))
            group = _Group(
                Values(self._client, self._threads, metrics),
                _Tops(self._client, self._threads, metrics),
            )
            for one in some:
                run = _metrics(one)[0]
                read = partial(self._read, experiment, run, one, group)
                yield Listed(run, read)

    def _read(
        self, experiment: Experiment, run: str, held: Mapping[str, Any], group: "_Group"
    ) -> Tracked:
        try:
            return self._tracked(experiment, run, held, group)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"the server's answer is malformed: {error}") from error

    def _tracked(
        self, experiment: Experiment, run: str, held: Mapping[str, Any], group: "_Group"
    ) -> Tracked:
        info, data = held["info"], held.get("data", {})
        tags = _texts(data.get("tags", ()))
        ended = info.get("end_time")
        return Tracked(
            id=run,
            experiment=experiment.name,
            name=tags.get("mlflow.runName") or str(info.get("run_name") or ""),
            status=str(info["status"]),
            started_ms=int(info["start_time"]),
            ended_ms=int(ended) if ended else None,
            user=tags.get("mlflow.user") or str(info.get("user_id") or ""),
            source=tags.get("mlflow.source.name") or "",
            version=tags.get("mlflow.source.git.commit") or None,
            params=_texts(data.get("params", ())),
            tags=tags,
            points=lambda: group.values.of(run),
            files=self._artifacts(run, group.tops),
            models=self._models_of(experiment).get(run, ()),
            datasets=[_dataset(one) for one in held.get("inputs", {}).get("dataset_inputs", ())],
            registered=self.registry.by_run.get(run, ()),
            deleted=experiment.deleted or info.get("lifecycle_stage") == "deleted",
        )

    def _artifacts(self, run: str, tops: "_Tops") -> Files:
        def page(path: str, token: str) -> Mapping[str, Any]:
            if not path and not token:
                return tops.of(run)
            return self._client.get("artifacts/list", run_id=run, path=path, page_token=token)

        def put(path: str, writer: "PackWriter") -> Leaf:
            return self._put(writer, "get-artifact", ajax=False, run_uuid=run, path=path)

        return lambda: _files(page, put)

    def _files_of_model(self, model: str) -> Files:
        at = f"logged-models/{quote(model, safe='')}/artifacts"

        def page(path: str, token: str) -> Mapping[str, Any]:
            return self._client.get(
                f"{at}/directories", artifact_directory_path=path, page_token=token
            )

        def put(path: str, writer: "PackWriter") -> Leaf:
            return self._put(writer, f"{at}/files", ajax=True, artifact_file_path=path)

        return lambda: _files(page, put)

    def _put(self, writer: "PackWriter", what: str, *, ajax: bool, **query: str) -> Leaf:
        with self._client.file(what, ajax=ajax, **query) as answer:
            return Leaf(*writer.put_stream(cast(BinaryIO, answer)))

    def _models_of(self, experiment: Experiment) -> dict[str, list[LoggedModel]]:
        def page(token: str) -> Mapping[str, Any]:
            try:
                return self._client.search(
                    "logged-models/search",
                    experiment_ids=[experiment.id],
                    max_results=_FEW,
                    page_token=token,
                )
            except Unknown:  # before MLflow 3
                return {}

        if experiment.id not in self._models:
            found: dict[str, list[LoggedModel]] = {}
            for one in pages(page, "models"):
                info = one["info"]
                model = str(info["model_id"])
                logged = LoggedModel(model, str(info["name"]), self._files_of_model(model))
                found.setdefault(str(info.get("source_run_id")), []).append(logged)
            self._models[experiment.id] = found
        return self._models[experiment.id]

    def _registry(self) -> Registry:
        def models(token: str) -> Mapping[str, Any]:
            return self._client.get("registered-models/search", max_results=_PAGE, page_token=token)

        def versions(token: str) -> Mapping[str, Any]:
            return self._client.get("model-versions/search", max_results=_PAGE, page_token=token)

        try:
            aliases: dict[tuple[str, str], list[str]] = {}
            for model in pages(models, "registered_models"):
                for one in model.get("aliases", ()):
                    version = (str(model["name"]), str(one["version"]))
                    aliases.setdefault(version, []).append(str(one["alias"]))
            found = [
                Version(
                    str(one["name"]),
                    str(one["version"]),
                    one.get("run_id"),
                    one.get("current_stage"),
                    aliases.get((str(one["name"]), str(one["version"])), ()),
                )
                for one in pages(versions, "model_versions")
            ]
        except Unknown:  # a server without a registry
            return Registry()
        except (AttributeError, KeyError, TypeError) as error:
            raise ExternalError(f"the server's registry is malformed: {error}") from error
        return mlflow_run.registry(found)


class _Tops:
    """What is at the top of the artifacts of some runs, asked for all of them at once."""

    def __init__(self, client: Client, threads: Executor, runs: Iterable[str]) -> None:
        self._client = client
        self._threads = threads
        self._runs = list(runs)[::-1]
        self._asked: dict[str, Future[dict[str, Any]]] = {}

    def of(self, run: str) -> Mapping[str, Any]:
        """Return the first page of the list of a run's artifacts."""
        while self._runs:  # the first one first
            one = self._runs.pop()
            ask = partial(self._client.get, "artifacts/list", run_id=one)
            self._asked[one] = self._threads.submit(ask)
        answer = self._asked.pop(run, None)
        return self._client.get("artifacts/list", run_id=run) if answer is None else answer.result()


class _Group(NamedTuple):
    """What is asked at once for the runs of one page."""

    values: Values
    tops: _Tops


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that a server has; see `mlflow_run.File`."""

    path: str
    size: int
    get: Callable[[str, "PackWriter"], Leaf]

    def put(self, writer: "PackWriter") -> Leaf:
        """Store it."""
        return self.get(self.path, writer)


def _files(
    page: Callable[[str, str], Mapping[str, Any]], put: Callable[[str, "PackWriter"], Leaf]
) -> Iterator[RemoteFile]:
    """Yield the files in the folder of artifacts, and below it.

    Raises:
        IntegrityError: a folder lists what is not in it, or there is no end of folders.
    """
    waiting = [""]
    asked = 0
    while waiting:
        folder = waiting.pop()
        asked += 1
        for one in pages(lambda token, folder=folder: page(folder, token), "files"):  # type: ignore[misc]
            path, size = _path_and_size(one)
            if not path.startswith(f"{folder}/" if folder else "") or asked > _MOST_FOLDERS:
                raise IntegrityError(f"the server lists '{path[:80]}' in '{folder[:80]}'")
            if one.get("is_dir"):
                waiting.append(path)
            else:
                yield RemoteFile(path, size, put)


def _path_and_size(listed: Mapping[str, Any]) -> tuple[str, int]:
    try:
        return str(listed["path"]), int(listed.get("file_size") or 0)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the server's list of files is malformed: {error}") from error


def _metrics(held: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the id of a run, and the names of its metrics; nothing of what is malformed."""
    try:
        names = [str(one["key"]) for one in held.get("data", {}).get("metrics", ())]
        return str(held["info"]["run_id"]), names
    except (AttributeError, KeyError, TypeError):
        return "", []


def _texts(pairs: Any) -> dict[str, str]:
    found = {str(one["key"]): str(one.get("value") or "") for one in pairs}
    for name, value in found.items():
        mlflow_run.text(value.encode("utf-8", "surrogatepass"), f"'{name[:80]}'")
    return dict(sorted(found.items()))


def _dataset(held: Mapping[str, Any]) -> Dataset:
    tags = {str(one["key"]): str(one.get("value")) for one in held.get("tags", ())}
    data = held["dataset"]
    return Dataset(str(data["name"]), str(data["digest"]), tags.get(_CONTEXT))
