"""Asking all that a stage asks of a version."""

from collections.abc import Callable
from typing import Any

from mlops_cli.core import config_gates as kinds
from mlops_cli.core.config_models import Stage
from mlops_cli.errors import MloError
from mlops_cli.registry import events
from mlops_cli.registry.gates import (
    approved,
    command,
    drift,
    fairness,
    latency,
    metric,
    reproduced,
    signature,
    size,
    validated,
)
from mlops_cli.registry.gates.asked import Asked, GateResult

_CHECKS: dict[type, Callable[[Asked, Any], list[GateResult]]] = {
    kinds.MetricGate: metric.check,
    kinds.FairnessGate: fairness.check,
    kinds.LatencyGate: latency.check,
    kinds.SizeGate: size.check,
    kinds.SignatureGate: signature.check,
    kinds.ReproducedGate: reproduced.check,
    kinds.DriftGate: drift.check,
    kinds.ValidatedGate: validated.check,
    kinds.CommandGate: command.check,
}


def check(asked: Asked, rules: Stage) -> tuple[GateResult, ...]:
    """Return the result of each of a stage's rules for a version.

    Commands come last, and only if all else passes: they may take long. A gate that cannot be
    computed has not passed, and says why.
    """
    results = people(asked, rules)
    late = [gate for gate in rules.gates if isinstance(gate, kinds.CommandGate)]
    for gate in rules.gates:
        if gate not in late:
            results += _guarded(asked, gate)
    refused = not all(result.passed for result in results)
    for gate in late:
        results += [command.skipped(gate)] if refused else _guarded(asked, gate)
    return tuple(results)


def compared(rules: Stage) -> tuple[str, ...]:
    """Return the stages whose versions the gates of a stage compare with, beside its own."""
    found: list[str | None] = []
    for gate in rules.gates:
        if isinstance(gate, kinds.MetricGate):
            found += [gate.not_worse_than, gate.better_than]
        elif isinstance(gate, kinds.SignatureGate | kinds.DriftGate):
            found.append(gate.stage)
    return tuple(dict.fromkeys(stage for stage in found if stage is not None))


def people(asked: Asked, rules: Stage) -> list[GateResult]:
    """Return the results of the rules about where a version was, and who approved it."""
    results = []
    if rules.requires is not None:
        results.append(_required(asked, rules.requires))
    if rules.approvals:
        results.append(approved.check(asked, rules))
    return results


def _guarded(asked: Asked, gate: kinds.Gate) -> list[GateResult]:
    """Return the results of a gate; an error that it meets is a refusal."""
    try:
        return _CHECKS[type(gate)](asked, gate)
    except MloError as error:
        name = kinds.title(gate)
        return [GateResult(name, passed=False, why=error.message, hint=error.hint)]


def _required(asked: Asked, stage: str) -> GateResult:
    """A version passes when it stands in the required stage, or has stood there before."""
    number = asked.version.number
    been = any(
        event.number == number and event.detail.get("stage") == stage
        for event in asked.model.events
        if event.kind in events.MOVES
    )
    if been:
        return GateResult(f"was in {stage}", passed=True, why=f"v{number} was in {stage}")
    return GateResult(f"was in {stage}", passed=False, why=f"v{number} never was in {stage}")
