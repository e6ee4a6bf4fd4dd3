"""What `.mlops.yaml` says of a sweep: the parameters to search, and what is good."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from mlops_cli.core import ranges
from mlops_cli.core.ranges import Range
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.yaml_nodes import Value

Direction = Literal["max", "min"]
SAMPLERS = ("tpe", "random", "grid", "cmaes", "gp", "qmc", "nsga2")
PRUNERS = ("none", "median", "hyperband", "halving")


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """A sweep by name; what is None is decided when it is run."""

    step: str
    """The step that is run for each trial, with the steps that it needs."""
    params: Mapping[str, Any]
    """By dotted name of the parameter, the `Range` to search, or the value it has in all trials."""
    metrics: Mapping[str, Direction] = field(default_factory=dict)
    """What is good: each metric, and whether more or less of it is."""
    trials: int | None = None
    sampler: str = "tpe"
    pruner: str = "none"
    seed: int | None = None
    timeout: float | None = None
    """Seconds after which no trial begins."""


def read(value: Value) -> SweepSettings:
    """Return one sweep.

    Raises:
        RequestError: a mistake in it; the message names file, line and key.
    """
    return value.record(
        SweepSettings,
        {
            "step": Value.word,
            "params": _params,
            "metrics": _metrics,
            "trials": lambda one: one.integer(minimum=1),
            "sampler": lambda one: one.choice(*SAMPLERS),
            "pruner": lambda one: one.choice(*PRUNERS),
            "seed": lambda one: one.integer(minimum=0, maximum=2**32 - 1),
            "timeout": lambda one: one.number(minimum=0),
        },
        required=("step", "params"),
    )


def _metrics(value: Value) -> dict[str, Direction]:
    return {name: cast(Direction, inner.choice("max", "min")) for name, inner in value.items()}


def _params(value: Value) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        written = "" if inner.is_mapping or inner.is_list or inner.is_nothing else inner.word()
        if ")" in name or written.count("(") > written.count(")"):
            raise inner.fail(
                "is a part of a range, which a comma ended",
                hint="put the range in quotes, or each parameter on a line of its own",
            )
        if ranges.is_range(written):
            where = f"{inner.where}:{inner.line}: '{inner.path}'"
            found[name] = ranges.parse(written, where=where)
        else:
            found[name] = inner.plain()
    if not any(isinstance(one, Range) for one in found.values()):
        raise value.fail("has nothing to search", hint="give it ranges, as in lr: log(1e-4, 1e-1)")
    return found
