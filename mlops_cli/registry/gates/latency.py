"""Gates on how long an answer takes."""

from mlops_cli.core.config_gates import LatencyGate, title
from mlops_cli.errors import RequestError
from mlops_cli.registry.gates.asked import Asked, GateResult


def check(asked: Asked, gate: LatencyGate) -> list[GateResult]:
    """Return whether the version answers fast enough, as its newest evaluation measured it.

    Raises:
        RequestError: it was never evaluated.
    """
    from mlops_cli.registry.evaluation.latency import duration
    from mlops_cli.registry.evaluation.record import newest

    found = newest(asked.model, asked.version)
    if found is None:
        raise RequestError(
            f"v{asked.version.number} was never evaluated, so nobody measured it",
            hint=f"mlo evaluate {asked.reference}",
        )
    took = found.latency
    seconds = took.row_s if gate.latency == "row" else took.batch_row_s
    why = f"it took {duration(seconds)} ({took.runtime}, {took.machine})"
    return [GateResult(title(gate), seconds <= gate.max_s, why, evidence=(found.id,))]
