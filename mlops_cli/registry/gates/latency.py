"""Gates on how long an answer takes."""

from mlops_cli.core.config_gates import LatencyGate, title
from mlops_cli.errors import RequestError
from mlops_cli.registry.gates.asked import Asked, GateResult


def check(asked: Asked, gate: LatencyGate) -> list[GateResult]:
    """Return whether the version answers fast enough, as its newest evaluation measured it.

    Raises:
        RequestError: it was never evaluated.
    """
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


def duration(seconds: float) -> str:
    """Return a short time for people.

    >>> duration(0.0000034), duration(0.0123), duration(2.5)
    ('3.4 us', '12 ms', '2.5 s')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.2g} {unit}"
    return f"{seconds / 1e-6:.2g} us"
