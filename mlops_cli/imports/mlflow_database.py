"""MLflow's database, as far as it is a file of SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from mlops_cli.errors import IntegrityError, RequestError
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

_HEADER = b"SQLite format 3\0"
_USUAL = ("mlruns", "mlartifacts")
"""Where MLflow puts artifacts when nobody says where, beside the database."""

_CONTEXT = "mlflow.data.context"


def is_store(file: Path) -> bool:
    """Return whether a file is a database of SQLite."""
    with file.open("rb") as opened:
        return opened.read(len(_HEADER)) == _HEADER


class Database:
    """A database of SQLite, read and never written; see `mlflow_run.Tracker`.

    Columns and tables differ between versions of MLflow: what is not there counts as empty.
    """

    def __init__(self, file: Path, artifacts: Sequence[Path]) -> None:
        self.name = str(file)
        self._file = file
        roots = [file.absolute().parent / name for name in _USUAL]
        self._places = Places([*roots, *artifacts])
        self._connection = self._open()
        self._tables = {row["name"] for row in self._rows("SELECT name FROM sqlite_master")}
        if not {"runs", "experiments", "metrics", "params", "tags"} <= self._tables:
            raise RequestError(f"'{file}' is a database, but not of MLflow")
        self.registry = self._registry()

    def _open(self) -> sqlite3.Connection:
        uri = f"{self._file.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=30.0)
        connection.row_factory = sqlite3.Row
        return connection

    def experiments(self) -> list[Experiment]:
        """Return all experiments; see `Tracker`."""
        return [
            Experiment(str(row["experiment_id"]), row["name"], row["lifecycle_stage"] == "deleted")
            for row in self._rows("SELECT * FROM experiments ORDER BY experiment_id")
        ]

    def count(self, experiment: Experiment) -> int:
        """Return how many runs there are; see `Tracker`."""
        query = "SELECT count(*) AS n FROM runs WHERE experiment_id = ?"
        return int(self._rows(query, experiment.id)[0]["n"])

    def runs(self, experiment: Experiment) -> Iterator[Listed]:
        """Yield the runs of an experiment; see `Tracker`."""
        query = "SELECT run_uuid FROM runs WHERE experiment_id = ? ORDER BY start_time, run_uuid"
        for row in self._rows(query, experiment.id):
            run = str(row["run_uuid"])
            yield Listed(run, lambda run=run: self._read(experiment, run))  # type: ignore[misc]

    def left_out(self) -> int:
        """Return how many links were passed by; see `Tracker`."""
        return self._places.links

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _read(self, experiment: Experiment, run: str) -> Tracked:
        try:
            return self._tracked(experiment, run)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise IntegrityError(f"its row is malformed: {error}") from error

    def _tracked(self, experiment: Experiment, run: str) -> Tracked:
        row = dict(self._rows("SELECT * FROM runs WHERE run_uuid = ?", run)[0])
        tags = self._texts("tags", run)
        return Tracked(
            id=run,
            experiment=experiment.name,
            name=tags.get("mlflow.runName") or row["name"] or "",
            status=str(row["status"]),
            started_ms=int(row["start_time"]),
            ended_ms=None if row["end_time"] is None else int(row["end_time"]),
            user=tags.get("mlflow.user") or row["user_id"] or "",
            source=tags.get("mlflow.source.name") or row["source_name"] or "",
            version=tags.get("mlflow.source.git.commit") or row["source_version"] or None,
            params=self._texts("params", run),
            tags=tags,
            points=lambda: self._points(run),
            files=self._places.files(row["artifact_uri"] or ""),
            models=self._models(run),
            datasets=self._datasets(run),
            registered=self.registry.by_run.get(run, ()),
            deleted=experiment.deleted or row["lifecycle_stage"] == "deleted",
        )

    def _texts(self, table: str, run: str) -> dict[str, str]:
        rows = self._rows(f"SELECT key, value FROM {table} WHERE run_uuid = ? ORDER BY key", run)  # noqa: S608  our own word
        found = {str(row["key"]): str(row["value"] or "") for row in rows}
        for name, value in found.items():
            mlflow_run.text(value.encode("utf-8", "surrogatepass"), f"'{name[:80]}'")
        return found

    def _points(self, run: str) -> Iterator[Point]:
        query = "SELECT * FROM metrics WHERE run_uuid = ? ORDER BY key, timestamp, step"
        with closing(self._connection.execute(query, (run,))) as rows:
            for row in rows:
                value = float("nan") if row["is_nan"] else float(row["value"])
                name, time_ms = str(row["key"]), int(row["timestamp"])
                yield Point(name, mlflow_run.real(value), time_ms, int(row["step"]))

    def _models(self, run: str) -> list[LoggedModel]:
        if "logged_models" not in self._tables:
            return []
        query = "SELECT * FROM logged_models WHERE source_run_id = ? ORDER BY creation_timestamp_ms"
        return [
            LoggedModel(row["model_id"], row["name"], self._places.files(row["artifact_location"]))
            for row in self._rows(query, run)
            if row["lifecycle_stage"] != "deleted"
        ]

    def _datasets(self, run: str) -> list[Dataset]:
        if not {"inputs", "datasets", "input_tags"} <= self._tables:
            return []
        query = (
            "SELECT d.name, d.digest, t.value AS context FROM inputs i "
            "JOIN datasets d ON d.dataset_uuid = i.source_id "
            "LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = ? "
            "WHERE i.source_type = 'DATASET' AND i.destination_id = ? ORDER BY d.name, d.digest"
        )
        rows = self._rows(query, _CONTEXT, run)
        return [Dataset(row["name"], row["digest"], row["context"]) for row in rows]

    def _registry(self) -> Registry:
        if "model_versions" not in self._tables:
            return Registry()
        aliases: dict[tuple[str, str], list[str]] = {}
        if "registered_model_aliases" in self._tables:
            for row in self._rows("SELECT * FROM registered_model_aliases ORDER BY alias"):
                aliases.setdefault((row["name"], str(row["version"])), []).append(row["alias"])
        versions = [
            dict(row) for row in self._rows("SELECT * FROM model_versions ORDER BY version")
        ]
        return mlflow_run.registry(
            [
                Version(
                    row["name"],
                    str(row["version"]),
                    row["run_id"],
                    row.get("current_stage"),
                    aliases.get((row["name"], str(row["version"])), ()),
                )
                for row in versions
                if row.get("current_stage") != "Deleted_Internal"
            ]
        )

    def _rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise IntegrityError(f"cannot read '{self._file}': {error}") from error
