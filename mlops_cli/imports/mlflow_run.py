"""What MLflow knows of a run, wherever it keeps it: the words that its stores have in common."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter
    from mlops_cli.imports.listing import Leaf

MOST_TEXT_BYTES = 1024 * 1024
"""No parameter, tag or name is longer; MLflow itself takes 8,000 letters at most."""


class Point(NamedTuple):
    """One value of a metric, as it was logged; `time_ms` is since 1970."""

    name: str
    value: float
    time_ms: int
    step: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """A group of runs."""

    id: str
    name: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that a run says it used: no more than its name and MLflow's digest of it is kept."""

    name: str
    digest: str
    context: str | None = None


class File(Protocol):
    """One file of a run, its path relative to the run's artifacts."""

    @property
    def path(self) -> str:
        """The path, POSIX. It is not trusted."""
        ...

    @property
    def size(self) -> int:
        """How many bytes it has, as far as is known."""
        ...

    def put(self, writer: "PackWriter") -> "Leaf":
        """Store it."""
        ...


Files = Callable[[], Iterator[File]]
"""Yields the files of one place, when it is asked to."""


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that MLflow 3 keeps beside the runs' artifacts."""

    id: str
    name: str
    files: Files


@dataclass(frozen=True, slots=True)
class Tracked:
    """One run.

    Attributes:
        status: FINISHED, FAILED, KILLED, RUNNING or SCHEDULED.
        params: as MLflow keeps them: text.
        registered: versions in MLflow's registry that were made of it, such as `churn/3`.
        points: yields every value of every metric; those of one name in the order of time.
    """

    id: str
    experiment: str
    name: str
    status: str
    started_ms: int
    ended_ms: int | None
    user: str
    source: str
    version: str | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: Callable[[], Iterator[Point]]
    files: Files
    models: Sequence[LoggedModel] = ()
    datasets: Sequence[Dataset] = ()
    registered: Sequence[str] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A run that has not been read yet; `read` raises MloError when it is malformed."""

    id: str
    read: Callable[[], Tracked]


class Tracker(Protocol):
    """Where MLflow keeps runs."""

    name: str
    """What people are told of it."""
    registry: "Registry"

    def experiments(self) -> list[Experiment]:
        """Return all experiments, deleted ones too."""
        ...

    def count(self, experiment: Experiment) -> int | None:
        """Return how many runs there are in an experiment; None where that is dear to know."""
        ...

    def runs(self, experiment: Experiment) -> Iterator[Listed]:
        """Yield the runs of an experiment, deleted ones too."""
        ...

    def left_out(self) -> int:
        """Return how many links and special files were passed by so far."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


@dataclass(frozen=True, slots=True)
class Registry:
    """What MLflow's registry says of runs, by run: versions, aliases and stages.

    `homeless` counts versions that were made of no run.
    """

    by_run: Mapping[str, Sequence[str]] = field(default_factory=dict)
    homeless: int = 0


class Version(NamedTuple):
    """One version in MLflow's registry."""

    model: str
    number: str
    run: str | None
    stage: str | None
    aliases: Sequence[str]


def registry(versions: Sequence[Version]) -> Registry:
    """Return what versions say of runs.

    >>> registry([Version("churn", "3", "ab", "Production", ["champion"])]).by_run
    {'ab': ['churn/3', 'churn/Production', 'churn@champion']}
    """
    found: dict[str, list[str]] = {}
    homeless = 0
    for one in versions:
        if not one.run:
            homeless += 1
            continue
        words = found.setdefault(one.run, [])
        words.append(f"{one.model}/{one.number}")
        if one.stage and one.stage != "None":
            words.append(f"{one.model}/{one.stage}")
        words += [f"{one.model}@{alias}" for alias in one.aliases]
    return Registry(found, homeless)


def real(value: float) -> float:
    """Return a number that a database of MLflow's holds: it has the largest one for infinity.

    >>> real(-1.7976931348623157e308), real(0.5)
    (-inf, 0.5)
    """
    return math.copysign(math.inf, value) if abs(value) >= sys.float_info.max else value


def text(data: bytes, what: str) -> str:
    """Return text that is kept as UTF-8.

    Raises:
        IntegrityError: it is not, or is longer than anything that MLflow takes.
    """
    if len(data) > MOST_TEXT_BYTES:
        raise IntegrityError(f"{what} has {len(data):,} bytes, more than MLflow itself takes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IntegrityError(f"{what} is not UTF-8") from error
