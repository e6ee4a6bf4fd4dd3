"""Gates on fairness: how differently groups may be treated."""

from mlops_cli.core.config_gates import FairnessGate
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry.evaluation.record import Evaluation
from mlops_cli.registry.gates import evaluated
from mlops_cli.registry.gates.asked import Asked, GateResult


def check(asked: Asked, gate: FairnessGate) -> list[GateResult]:
    """Return a result for each bound of a gate; what cannot be computed fails them all."""
    name = evaluated.called(asked, f"{gate.fairness} of {gate.of}", gate.data)
    titles = [
        (f"{name} {sign} {bound:g}", sign, bound)
        for sign, bound in evaluated.bounds(gate.min, gate.max)
    ]
    try:
        found, value = _value(asked, gate)
    except MloError as error:
        why, hint = error.message, error.hint
        return [GateResult(title, passed=False, why=why, hint=hint) for title, _, _ in titles]
    return [
        GateResult(
            title,
            passed=value >= bound if sign == ">=" else value <= bound,
            why=f"it is {value:.4g}",
            evidence=(found.id,),
        )
        for title, sign, bound in titles
    ]


def _value(asked: Asked, gate: FairnessGate) -> tuple[Evaluation, float]:
    """Return the evaluation that counts, and the metric.

    Raises:
        RequestError: the version was not evaluated so, or the metric cannot be computed.
    """
    data = evaluated.meant(asked, gate.data)
    found = evaluated.find(
        asked.model,
        asked.version,
        data,
        having=lambda one: any(inner.column == gate.of for inner in one.fairness),
    )
    treated = next((one for one in found.fairness if one.column == gate.of), None)
    again = f"mlo evaluate {asked.reference} --data {found.data.path} --sensitive {gate.of}"
    if treated is None:
        raise RequestError(f"v{found.number} was not evaluated by '{gate.of}'", hint=again)
    if gate.fairness not in treated.metrics:
        known = ", ".join(sorted(treated.metrics))
        raise RequestError(
            f"the evaluation of v{found.number} has no '{gate.fairness}'; it has {known}",
            hint=f"{again} --positive LABEL",
        )
    value = treated.metrics[gate.fairness].value
    if value is None:
        raise RequestError(
            f"it cannot be computed: some group of '{gate.of}' lacks rows of one of the labels"
        )
    return found, value
