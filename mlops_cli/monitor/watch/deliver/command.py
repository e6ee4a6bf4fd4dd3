"""Telling a command of the project's own."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core.config_actions import CommandAction
from mlops_cli.monitor.watch import words
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.runs import guard

_KEPT = 300
"""So many of the last characters that it printed are kept on record."""


@dataclass(frozen=True, slots=True)
class Command:
    """Runs a command in the project's folder; see `Action`.

    What it prints is not shown; the last of it is kept, with secrets left out.
    """

    settings: CommandAction
    root: Path
    slow: bool = False

    def wants(self, alert: Alert) -> bool:
        """Return whether it is told of such an alert."""
        return self.settings.resolved or alert.state != "resolved"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do."""
        command = self.settings.command
        return f"run {command if isinstance(command, str) else ' '.join(command)}"

    def run(self, alert: Alert) -> Outcome:
        """Run it; whatever it began is ended with it when it takes too long."""
        try:
            with guard.group() as group:
                process, said = self._ended(alert, group)
        except subprocess.TimeoutExpired:
            return Outcome(
                done=False, said=f"it was stopped after {self.settings.timeout_s:g} s", again=True
            )
        code = process.returncode
        why = f"it ended with {code}"
        last = _last(said)
        return Outcome(done=code == 0, said=f"{why}: {last}" if last else why, again=code != 0)

    def _ended(self, alert: Alert, group: int) -> tuple["subprocess.Popen[bytes]", bytes]:
        """Return the command after it ended, and what it printed."""
        told = json.dumps(words.record(alert)).encode()
        with subprocess.Popen(
            self.settings.command,
            shell=isinstance(self.settings.command, str),
            cwd=self.root,
            env={**os.environ, **_variables(alert)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=group,
        ) as process:
            try:
                return process, process.communicate(told, self.settings.timeout_s)[0]
            except BaseException:
                os.killpg(group, signal.SIGKILL)
                raise


def _variables(alert: Alert) -> dict[str, str]:
    found = {
        "ID": alert.id,
        "STATE": alert.state,
        "RULE": alert.rule,
        "KIND": alert.kind,
        "SEVERITY": alert.severity,
        "MODEL": alert.model,
        "VERSION": "" if alert.version is None else str(alert.version),
        "REASON": alert.reason,
        "SINCE": alert.since,
    }
    return {f"MLO_ALERT_{name}": value.replace("\0", "") for name, value in found.items()}


def _last(said: bytes) -> str:
    """Return the end of what was printed, as one line without secrets."""
    from mlops_cli.runs.secrets import masked_text

    text = said[-8 * _KEPT :].decode("utf-8", "replace")
    kept = " | ".join(masked_text(line).strip() for line in text.splitlines() if line.strip())
    return kept if len(kept) <= _KEPT else "..." + kept[-_KEPT:]
