"""Gates on drift: the training data are like those of the version in a stage."""

from typing import TYPE_CHECKING

from mlops_cli.core.config_gates import DriftGate, title
from mlops_cli.data import table
from mlops_cli.errors import RequestError
from mlops_cli.registry.gates.asked import Asked, GateResult, opponent
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd


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
    before, now = _trained_on(asked, standing), _trained_on(asked, asked.version)
    holds, why = asked.drifted(before, now)
    return [GateResult(name, holds, f"{why}, against v{standing.number}")]


def _trained_on(asked: Asked, version: Version) -> "pd.DataFrame":
    """Return the columns that a version takes, and its target, of its training table."""
    data = version.data
    if data is None or data.kind != "file" or not table.is_table(data.path):
        raise RequestError(
            f"it is not known which table v{version.number} was trained on",
            hint=f"set models.{version.model}.data in .mlops.yaml, and register again",
        )
    frame = table.of_version(asked.repo, data.oid, data.path)
    signature = asked.version.signature
    if signature is None:
        return frame
    wanted = {*signature.names, version.target}
    known = [name for name in frame.columns if name in wanted]
    return frame[known] if known else frame
