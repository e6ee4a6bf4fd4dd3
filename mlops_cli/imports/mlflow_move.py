"""Taking over the runs that MLflow has: from its files, its database, or a server.

A run that is here already, told by its key, is not looked at again, so the same command brings
what is new. Runs are stored some at a time; what was stored stays when the rest is interrupted.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain as joined
from itertools import islice
from pathlib import Path

from mlops_cli.audit import chain
from mlops_cli.core.objects import Kind
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, MloError, RequestError
from mlops_cli.imports import urls
from mlops_cli.imports.mlflow_record import UNFINISHED, Kept, key_of, record
from mlops_cli.imports.mlflow_run import Experiment, Listed, Tracked, Tracker
from mlops_cli.runs.record import encode

_AT_ONCE = 200
"""So many runs are stored together."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that was not taken over, by MLflow's id, and why."""

    run: str
    experiment: str
    why: str
    hint: str | None = None


@dataclass(slots=True)
class Moved:
    """What was taken over, or would be.

    Attributes:
        experiments: how many new runs came of each.
        runs: how many came in all.
        present: how many were here before.
        deleted: how many MLflow's users have deleted, left out.
        unfinished: how many are not over yet as far as MLflow knows, left out.
        files, bytes, points: artifacts, and values of metrics; of a dry run, files alone.
        links: symbolic links among artifacts, left out.
        homeless: versions in MLflow's registry that were made of no run, left out.
    """

    source: str
    experiments: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    present: int = 0
    deleted: int = 0
    unfinished: int = 0
    files: int = 0
    bytes: int = 0
    points: int = 0
    links: int = 0
    homeless: int = 0
    refused: list[Refused] = field(default_factory=list)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are to be taken over, and what of them.

    Attributes:
        experiments: their names; all if there are none.
        deleted: deleted runs too.
        unfinished: also those that MLflow never saw the end of; they count as killed.
        artifacts: their artifacts and models too.
    """

    experiments: Collection[str] = ()
    deleted: bool = False
    unfinished: bool = False
    artifacts: bool = True


def tracker(source: str, artifacts: Sequence[Path] = ()) -> Tracker:
    """Return what keeps runs at `source`: a folder, a file, or a server by its URL.

    Raises:
        RequestError: it is nothing that MLflow keeps runs in.
    """
    scheme = urls.scheme_of(source)
    if scheme in ("http", "https"):
        from mlops_cli.imports.mlflow_http import Client
        from mlops_cli.imports.mlflow_server import Server

        return Server(Client(source))
    if scheme not in (None, "file", "sqlite"):
        raise RequestError(
            f"runs in '{scheme}://' cannot be read",
            hint="start a server on it, and give its URL: mlflow server --backend-store-uri URI",
        )
    return _local(_path(source, scheme), artifacts)


def _path(source: str, scheme: str | None) -> Path:
    """Return the path that a source names, written as MLflow's settings write it or plainly."""
    if scheme == "sqlite":
        return Path(source.removeprefix("sqlite:///"))
    return Path(source.removeprefix("file:").removeprefix("//")).expanduser()


def _local(path: Path, artifacts: Sequence[Path]) -> Tracker:
    from mlops_cli.imports import mlflow_database, mlflow_files

    try:
        if path.is_dir():
            if mlflow_files.is_store(path):
                return mlflow_files.FileStore(path, artifacts)
            if mlflow_files.is_store(path / "mlruns"):
                return mlflow_files.FileStore(path / "mlruns", artifacts)
        elif path.is_file() and mlflow_database.is_store(path):
            return mlflow_database.Database(path, artifacts)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{path}': {reason}") from error
    what = "holds no runs of MLflow's" if path.exists() else "is not there"
    raise RequestError(
        f"'{path}' {what}", hint="name an mlruns folder, MLflow's database, or a server's URL"
    )


def move(
    repo: Repository,
    source: str,
    wanted: Wanted,
    *,
    artifacts: Sequence[Path] = (),
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Moved:
    """Take over the runs at `source` that are not here yet.

    `artifacts` are folders that artifacts may be read from, beside those that belong to `source`.

    Raises:
        RequestError: there is no such source or experiment.
        ExternalError: the source cannot be read any further; what was stored stays.
    """
    with closing(tracker(source, artifacts)) as found:
        moved = Moved(found.name, homeless=found.registry.homeless, dry_run=dry_run)
        chosen = _chosen(found.experiments(), wanted)
        total = _total(found, chosen)
        with progress.task("importing", total, "runs") as advance:
            _Move(repo, wanted, moved, advance).all(found, chosen)
        moved.links = found.left_out()
    return moved


def _chosen(experiments: Sequence[Experiment], wanted: Wanted) -> list[Experiment]:
    for name in wanted.experiments:
        if name not in {one.name for one in experiments}:
            known = ", ".join(sorted(one.name for one in experiments)) or "none"
            raise RequestError(f"there is no experiment '{name}'", hint=f"there are: {known}")
    return [one for one in experiments if not wanted.experiments or one.name in wanted.experiments]


def _total(found: Tracker, chosen: Sequence[Experiment]) -> int | None:
    counts = [found.count(one) for one in chosen]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


class _Move:
    """One taking over."""

    def __init__(
        self, repo: Repository, wanted: Wanted, moved: Moved, advance: Callable[[int], None]
    ) -> None:
        self._repo = repo
        self._wanted = wanted
        self._moved = moved
        self._advance = advance
        self._known = _known_keys(repo)

    def all(self, found: Tracker, chosen: Sequence[Experiment]) -> None:
        listed = joined.from_iterable(((one, run) for run in found.runs(one)) for one in chosen)
        new = self._new(listed)
        while some := list(islice(new, _AT_ONCE)):
            if self._moved.dry_run:
                for run in some:
                    self._measure(run)
            else:
                self._store(some)

    def _new(self, listed: Iterator[tuple[Experiment, Listed]]) -> Iterator[Tracked]:
        """Yield the runs that are to be taken over, counting the others."""
        for experiment, one in listed:
            self._advance(1)
            if key_of(one.id) in self._known:
                self._moved.present += 1
                continue
            try:
                run = one.read()
            except MloError as error:
                self._refuse(one.id, experiment.name, error)
                continue
            if run.deleted and not self._wanted.deleted:
                self._moved.deleted += 1
            elif run.status in UNFINISHED and not self._wanted.unfinished:
                self._moved.unfinished += 1
            else:
                self._known.add(key_of(one.id))
                yield run

    def _store(self, runs: Sequence[Tracked]) -> None:
        """Store some runs and what they name, together with the entry that says so."""
        keys: list[str] = []
        with self._repo.writing():
            with self._repo.objects.writer() as writer:
                for run in runs:
                    kept = Kept()
                    try:
                        made = record(run, writer, kept, artifacts=self._wanted.artifacts)
                    except MloError as error:
                        self._refuse(run.id, run.experiment, error)
                        continue
                    writer.put(encode(made)[1], Kind.RUN)
                    keys.append(made.key)
                    self._count(run.experiment, kept)
            if keys:
                detail = {"from": self._moved.source, "runs": keys}
                chain.record(self._repo, "import-mlflow", self._moved.source, detail)

    def _measure(self, run: Tracked) -> None:
        kept = Kept()
        try:
            if self._wanted.artifacts:
                for files in (run.files, *(model.files for model in run.models)):
                    for file in files():
                        kept.add(Kept(1, file.size))
        except MloError as error:
            self._refuse(run.id, run.experiment, error)
            return
        self._count(run.experiment, kept)

    def _count(self, experiment: str, kept: Kept) -> None:
        moved = self._moved
        moved.experiments[experiment] = moved.experiments.get(experiment, 0) + 1
        moved.runs += 1
        moved.files += kept.files
        moved.bytes += kept.bytes
        moved.points += kept.points

    def _refuse(self, run: str, experiment: str, error: MloError) -> None:
        self._moved.refused.append(Refused(run, experiment, error.message, error.hint))


def _known_keys(repo: Repository) -> set[str]:
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        return {row[0] for row in index.connection.execute("SELECT key FROM runs")}
