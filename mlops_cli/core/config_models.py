"""What `.mlops.yaml` says of registered models: stages, and what it takes to get there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_cli.core.config_values import named, path, words
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.yaml_nodes import Value

if TYPE_CHECKING:
    from mlops_cli.core.config_gates import Gate


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a version may stand, and what it takes to get there."""

    requires: str | None = None
    """A stage that the version must have been in before."""
    gates: "tuple[Gate, ...]" = ()
    approvals: int = 0
    """How many people beside the author must approve."""
    approvers: tuple[str, ...] = ()
    """Whose approval counts, by e-mail address; empty: anybody's."""
    require_signed: bool = False
    """Whether an approval counts only with a signature that git's settings vouch for."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How `mlo evaluate` looks at a model where it is not told."""

    data: str | None = None
    """The table, `PATH` or `PATH@REV`."""
    slices: tuple[str, ...] = ()
    """Columns by whose values it is evaluated apart."""
    sensitive: tuple[str, ...] = ()
    """Columns whose groups must be treated alike."""
    positive: str | None = None
    """The label that is the favourable answer, as it is written."""


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
    evaluate: Evaluation = field(default_factory=Evaluation)


def read(value: Value) -> ModelSettings:
    """Return what a mapping says of one model."""
    return value.record(
        ModelSettings,
        {
            "path": path,
            "data": path,
            "target": Value.word,
            "stages": _stages,
            "evaluate": _evaluation,
        },
    )


def _evaluation(value: Value) -> Evaluation:
    if not (value.is_mapping or value.is_nothing):
        return Evaluation(data=value.text())
    return value.record(
        Evaluation,
        {"data": Value.text, "slices": _columns, "sensitive": _columns, "positive": Value.word},
    )


def _columns(value: Value) -> tuple[str, ...]:
    return words(value) if value.is_list else (value.word(),)


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
    def gates(inner: Value) -> "tuple[Gate, ...]":
        from mlops_cli.core import config_gates

        return tuple(config_gates.read(gate, names) for gate in inner.each())

    stage: Stage = value.record(
        Stage,
        {
            "requires": lambda inner: inner.choice(*names),
            "gates": gates,
            "approvals": lambda inner: inner.integer(minimum=1, maximum=20),
            "approvers": lambda inner: tuple(one.text() for one in inner.each()),
            "require_signed": Value.boolean,
        },
    )
    if not stage.approvals and (stage.approvers or stage.require_signed):
        raise value.fail("asks for no approvals", hint="say how many: approvals: 1")
    if stage.approvers and len(set(map(str.casefold, stage.approvers))) < stage.approvals:
        raise value.fail(f"asks for {stage.approvals} approvals of {len(stage.approvers)} people")
    return stage
