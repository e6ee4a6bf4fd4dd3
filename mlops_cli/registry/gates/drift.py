"""Gates on drift: the training data are like those of the version in a stage."""

from mlops_cli.core.config_gates import DriftGate, title
from mlops_cli.errors import RequestError
from mlops_cli.registry.gates.asked import Asked, GateResult, opponent


def check(asked: Asked, gate: DriftGate) -> list[GateResult]:
    """Return whether the training data have drifted.

    Raises:
        RequestError: a version's training table is not known, or drift cannot be judged here.
        MissingObject: it is not in this store.
    """
    name = title(gate)
    standing = opponent(asked, name, gate.stage)
    if isinstance(standing, GateResult):
        return [standing]
    if standing.data is not None and standing.data == asked.version.data:
        return [GateResult(name, passed=True, why=f"v{standing.number} was trained on the same")]
    if asked.drifted is None:
        raise RequestError("drift cannot be judged here", hint=f"mlo promote {asked.reference}")
    holds, why = asked.drifted(standing, asked.version)
    return [GateResult(name, holds, f"{why}, against v{standing.number}")]
