"""Gates that are commands of the project's own: one that ends with 0 has passed."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlops_cli.core.config_gates import CommandGate, title
from mlops_cli.registry import models
from mlops_cli.registry.gates.asked import Asked, GateResult

_KEPT = 400
"""So many of the last characters that a command printed are kept on record."""


def check(asked: Asked, gate: CommandGate) -> list[GateResult]:
    """Run the command in the project's folder, and return whether it ended with 0.

    What it prints goes to standard error as it comes; the last of it is kept, with secrets left
    out. It reads nothing, and knows from its environment what it is asked about.

    Raises:
        RequestError: there is no such program.
        MissingObject: the model's bytes are not in this store.
        KeyboardInterrupt: somebody asked to stop.
    """
    from mlops_cli.runs.process import Children, Command

    with (
        models.materialise(asked.repo, asked.version) as model,
        tempfile.TemporaryDirectory(dir=asked.repo.layout.tmp, prefix="gate-") as folder,
    ):
        log = Path(folder) / "log"
        with Children(log, stdout=2, stderr=2) as children:
            environ = {**os.environ, **_told(asked, model)}
            children.start(
                "", Command(gate.command, asked.repo.root, environ, timeout_s=gate.timeout_s)
            )
            ended = children.next()[1]
        said = _last(log)
    ended.check()
    why = f"it ended with {ended.code}"
    if ended.timed_out:
        why = f"it was stopped after {gate.timeout_s:g} s"
    return [GateResult(title(gate), ended.code == 0, f"{why}: {said}" if said else why)]


def skipped(gate: CommandGate) -> GateResult:
    """Return the result of a command that was not asked, as the version is refused anyway."""
    return GateResult(title(gate), passed=False, why="not run, as other gates refuse already")


def _told(asked: Asked, model: Path) -> Mapping[str, str]:
    standing = asked.standing(asked.stage)
    return {
        "MLO_MODEL": asked.model.name,
        "MLO_VERSION": str(asked.version.number),
        "MLO_VERSION_ID": asked.version.id,
        "MLO_REFERENCE": asked.reference,
        "MLO_STAGE": asked.stage,
        "MLO_CURRENT": "" if standing is None else str(standing.number),
        "MLO_MODEL_PATH": str(model),
    }


def _last(log: Path) -> str:
    """Return the last line or so of what was printed, as one line without secrets."""
    from mlops_cli.runs.secrets import masked_text

    text = log.read_bytes()[-8 * _KEPT :].decode("utf-8", "replace")
    lines = [masked_text(line).strip() for line in text.splitlines() if line.strip()]
    kept = " | ".join(lines[-3:])
    return kept if len(kept) <= _KEPT else "..." + kept[-_KEPT:]
