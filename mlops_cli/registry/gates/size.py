"""Gates on how large a model's files are."""

from mlops_cli.core.config_gates import SizeGate, title
from mlops_cli.registry.gates.asked import Asked, GateResult


def check(asked: Asked, gate: SizeGate) -> list[GateResult]:
    """Return whether the model's files are small enough."""
    size = asked.version.size
    return [GateResult(title(gate), size <= gate.max_bytes, f"it has {size:,} bytes")]
