"""What was found of a version on some data: as it is kept in the event `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.errors import IntegrityError
from mlops_cli.registry.evaluation.answers import Label
from mlops_cli.registry.evaluation.bootstrap import Estimate
from mlops_cli.registry.events import Event
from mlops_cli.registry.models import Model, Version

Metrics = Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Data:
    """The table: `chosen` says by whom or what it was."""

    path: str
    oid: ObjectId
    chosen: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows where a column has a value, or lies in a range."""

    column: str
    value: str
    rows: int
    metrics: Metrics

    @property
    def name(self) -> str:
        """What gates call it: `region=north`."""
        return f"{self.column}={self.value}"


@dataclass(frozen=True, slots=True)
class Group:
    """People that share a value of a sensitive column, and how they fare."""

    name: str
    rows: int
    rates: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Fairness:
    """How differently the groups of a column are treated."""

    column: str
    groups: tuple[Group, ...]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose probability lies between two bounds: what was said, and what came."""

    low: float
    high: float
    rows: int
    said: float
    came: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took where it was measured, in seconds.

    Attributes:
        row_s: one row alone, the median; `row_p99_s` all but the slowest hundredth.
        batch_row_s: a row of a batch of `batch_rows`.
        runtime: what answered: `native`, or `onnx`.
        machine: its processor.
    """

    row_s: float
    row_p99_s: float
    batch_rows: int
    batch_row_s: float
    runtime: str
    machine: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Objects that hold the answers row by row, as NumPy arrays, so that versions can be paired.

    `slices` has, by column, the names of its groups and the array of which row is in which. Of a
    regression `inputs` has what some rows were made of, see `inputs_kept`.
    """

    truth: ObjectId
    predicted: ObjectId
    shares: ObjectId | None = None
    slices: Mapping[str, tuple[tuple[str, ...], ObjectId]] = field(default_factory=dict)
    inputs: ObjectId | None = None

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """All objects that are named."""
        arrays = [oid for _, oid in self.slices.values()]
        named = (self.truth, self.predicted, self.shares, *arrays, self.inputs)
        return tuple(one for one in named if one)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found.

    Attributes:
        id: of the event; empty before it is recorded.
        version: the id of the version, `number` its number.
        labels: of a classifier, in the order of `confusion`, whose first axis is the truth.
        positive: the favourable label.
        rows: how many had a truth to compare with; `dropped` how many had none.
        notes: what else a reader must know.
    """

    id: ObjectId
    time: str
    who: Mapping[str, str]
    model: str
    number: int
    version: ObjectId
    data: Data
    target: str
    task: Literal["classification", "regression"]
    rows: int
    dropped: int
    metrics: Metrics
    labels: tuple[Label, ...] | None
    positive: Label | None
    confusion: tuple[tuple[int, ...], ...] | None
    calibration: tuple[Bin, ...]
    slices: tuple[Slice, ...]
    fairness: tuple[Fairness, ...]
    latency: Latency
    size: int
    kept: Kept
    notes: tuple[str, ...] = ()

    def slice(self, name: str) -> Slice | None:
        """Return a slice by its name, such as `region=north`; None when there is none."""
        return next((one for one in self.slices if one.name == name), None)

    def detail(self) -> dict[str, Any]:
        """Return what the event keeps."""
        held = asdict(self)
        for name in ("id", "time", "who", "model", "number"):
            del held[name]
        return held


def of_event(event: Event) -> Evaluation:
    """Return the evaluation that an event keeps.

    Raises:
        IntegrityError: it is malformed.
    """
    held = event.detail
    try:
        return Evaluation(
            id=event.oid,
            time=event.time,
            who=event.who,
            model=event.model,
            number=event.number,
            version=_id(held["version"]),
            data=Data(str(held["data"]["path"]), _id(held["data"]["oid"]), held["data"]["chosen"]),
            target=str(held["target"]),
            task=held["task"],
            rows=int(held["rows"]),
            dropped=int(held["dropped"]),
            metrics=_metrics(held["metrics"]),
            labels=None if held["labels"] is None else tuple(held["labels"]),
            positive=held["positive"],
            confusion=None
            if held["confusion"] is None
            else tuple(tuple(map(int, row)) for row in held["confusion"]),
            calibration=tuple(Bin(**one) for one in held["calibration"]),
            slices=tuple(_slice(one) for one in held["slices"]),
            fairness=tuple(_fairness(one) for one in held["fairness"]),
            latency=Latency(**held["latency"]),
            size=int(held["size"]),
            kept=_kept(held["kept"]),
            notes=tuple(map(str, held["notes"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"the evaluation of {event.model} v{event.number} is malformed: {error!r}"
        ) from error


def of_version(model: Model, version: Version) -> tuple[Evaluation, ...]:
    """Return the evaluations of a version, the newest first."""
    return tuple(
        of_event(event)
        for event in reversed(model.events)
        if event.kind == "evaluate" and event.number == version.number
    )


def newest(model: Model, version: Version, data: ObjectId | None = None) -> Evaluation | None:
    """Return the newest evaluation of a version, on `data` if that is given; None without one."""
    found = of_version(model, version)
    return next((one for one in found if data is None or one.data.oid == data), None)


def _id(text: Any) -> ObjectId:
    if not isinstance(text, str) or not is_id(text):
        raise ValueError(f"'{text}' is no id")
    return ObjectId(text)


def _metrics(held: Mapping[str, Any]) -> dict[str, Estimate]:
    return {str(name): Estimate(**one) for name, one in held.items()}


def _slice(held: Mapping[str, Any]) -> Slice:
    return Slice(held["column"], held["value"], int(held["rows"]), _metrics(held["metrics"]))


def _fairness(held: Mapping[str, Any]) -> Fairness:
    groups = tuple(Group(one["name"], int(one["rows"]), one["rates"]) for one in held["groups"])
    return Fairness(held["column"], groups, _metrics(held["metrics"]))


def _kept(held: Mapping[str, Any]) -> Kept:
    return Kept(
        truth=_id(held["truth"]),
        predicted=_id(held["predicted"]),
        shares=None if held["shares"] is None else _id(held["shares"]),
        slices={
            str(column): (tuple(map(str, names)), _id(oid))
            for column, (names, oid) in held["slices"].items()
        },
        inputs=None if held.get("inputs") is None else _id(held["inputs"]),
    )
