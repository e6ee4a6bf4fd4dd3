"""What a stage asks of a version before it accepts it."""

from dataclasses import dataclass
from difflib import get_close_matches

from mlops_cli.core.config_gates import MetricGate as Gate
from mlops_cli.core.config_models import Stage
from mlops_cli.registry import events
from mlops_cli.registry.models import Model, Version

_ROUNDING = 1e-12
"""What a difference of two numbers may be off by, relative to them: 0.9 - 0.89 is not 0.01."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One rule, whether the version passes it, and why."""

    gate: str
    passed: bool
    why: str


def check(model: Model, version: Version, rules: Stage) -> tuple[GateResult, ...]:
    """Return the result of each of a stage's rules for a version."""
    results = []
    if rules.requires is not None:
        results.append(_required(model, version, rules.requires))
    for gate in rules.gates:
        if isinstance(gate, Gate):
            results += _metric(model, version, gate)
    return tuple(results)


def _required(model: Model, version: Version, stage: str) -> GateResult:
    """A version passes when it stands in the required stage, or has stood there before."""
    been = any(
        event.number == version.number and event.detail.get("stage") == stage
        for event in model.events
        if event.kind in events.MOVES
    )
    why = f"v{version.number} was in {stage}" if been else f"v{version.number} never was in {stage}"
    return GateResult(f"was in {stage}", passed=been, why=why)


def _metric(model: Model, version: Version, gate: Gate) -> list[GateResult]:
    """Return a result for each bound of a gate; a metric that is not there fails them all."""
    value = _number(version, gate.metric)
    results = []
    for label, bound in (("min", gate.min), ("max", gate.max)):
        if bound is not None:
            sign = ">=" if label == "min" else "<="
            name = f"{gate.metric} {sign} {bound:g}"
            if value is None:
                results.append(GateResult(name, passed=False, why=_unknown(version, gate.metric)))
            else:
                holds = value >= bound if label == "min" else value <= bound
                results.append(GateResult(name, passed=holds, why=f"it is {value:.6g}"))
    if gate.not_worse_than is not None:
        results.append(_against(model, version, gate, gate.not_worse_than, value))
    return results


def _against(
    model: Model, version: Version, gate: Gate, stage: str, value: float | None
) -> GateResult:
    more = f" by more than {gate.tolerance:g}" if gate.tolerance else ""
    name = f"{gate.metric} not worse than {stage}{more}"
    if value is None:
        return GateResult(name, passed=False, why=_unknown(version, gate.metric))
    number = model.stages.get(stage)
    if number is None:
        return GateResult(name, passed=True, why=f"nothing is in {stage} yet")
    if number == version.number:
        return GateResult(name, passed=True, why=f"it is the version in {stage}")
    held = _number(model.version(number), gate.metric)
    if held is None:
        return GateResult(name, passed=False, why=_unknown(model.version(number), gate.metric))
    loss = held - value if gate.higher_is_better is not False else value - held
    slack = _ROUNDING * max(abs(held), abs(value))
    return GateResult(
        name,
        passed=loss <= gate.tolerance + slack,
        why=f"it is {value:.6g}, v{number} in {stage} has {held:.6g}",
    )


def _number(version: Version, metric: str) -> float | None:
    """Return a metric as a number; None when it is not there or not a number."""
    value = version.metrics.get(metric)
    if value is None:
        return None
    number = float(value)
    return None if number != number else number


def _unknown(version: Version, metric: str) -> str:
    if metric in version.metrics:
        return f"v{version.number} has no number for it: {version.metrics[metric]}"
    known = sorted(version.metrics)
    near = get_close_matches(metric, known, n=1)
    if near:
        return f"v{version.number} logged no '{metric}'; did you mean '{near[0]}'?"
    listed = ", ".join(known[:6]) or "none at all"
    return f"v{version.number} logged no '{metric}'; it has {listed}"
