"""What `.mlops.yaml` says of registered models: stages, and the gates before them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_cli.core.config_values import named, path
from mlops_cli.core.yaml_nodes import Value


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that a version must pass before a stage accepts it. Bounds are allowed values."""

    metric: str
    min: float | None = None
    max: float | None = None
    not_worse_than: str | None = None
    """A stage, whose version's value of the metric is the bound."""
    tolerance: float = 0.0
    """How much worse than that version is still accepted, in the metric's unit."""
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a version may stand, and what it takes to get there."""

    requires: str | None = None
    """A stage that the version must have been in before."""
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the project says about one registered model."""

    path: str | None = None
    """The pipeline output that is the model."""
    data: str | None = None
    """The training table among the run's inputs; None: lineage finds it."""
    target: str | None = None
    """The column that the model predicts."""
    stages: Mapping[str, Stage] = field(default_factory=dict)


def read(value: Value) -> ModelSettings:
    """Return what a mapping says of one model."""
    return value.record(
        ModelSettings,
        {"path": path, "data": path, "target": Value.word, "stages": _stages},
    )


def _stages(value: Value) -> dict[str, Stage]:
    found = dict(named(value))
    stages = {name: _stage(stage, tuple(found)) for name, stage in found.items()}
    for name, stage in stages.items():
        before, seen = stage.requires, {name}
        while before is not None:
            if before in seen:
                raise found[name].fail("requires itself, by way of other stages")
            seen.add(before)
            before = stages[before].requires
    return stages


def _stage(value: Value, names: tuple[str, ...]) -> Stage:
    def stage(inner: Value) -> str:
        return inner.choice(*names)

    def gates(inner: Value) -> tuple[Gate, ...]:
        return tuple(_gate(gate, stage) for gate in inner.each())

    return value.record(Stage, {"requires": stage, "gates": gates})


def _gate(value: Value, stage: Any) -> Gate:
    gate = value.record(
        Gate,
        {
            "metric": Value.text,
            "min": Value.number,
            "max": Value.number,
            "not_worse_than": stage,
            "tolerance": lambda inner: inner.number(minimum=0),
            "higher_is_better": Value.boolean,
        },
        required=("metric",),
    )
    if gate.min is None and gate.max is None and gate.not_worse_than is None:
        raise value.fail("asks for nothing", hint="give it min, max or not_worse_than")
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        raise value.fail(f"can never pass: min {gate.min} is above max {gate.max}")
    return gate
