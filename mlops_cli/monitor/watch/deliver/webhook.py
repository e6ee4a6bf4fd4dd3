"""Telling a program, by JSON over HTTP."""

import json
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core.config_actions import Secret, WebhookAction
from mlops_cli.monitor.watch import web, words
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.secrets import address, reveal

VERSION = 1


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts the alert as JSON; see `Action`.

    The header `Idempotency-Key` is the same when the same news is sent again.
    """

    settings: WebhookAction
    root: Path
    slow: bool = False

    def wants(self, alert: Alert) -> bool:
        """Return whether it is told of such an alert."""
        return self.settings.resolved or alert.state != "resolved"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do."""
        to = self.settings.webhook
        return f"post it to {'a secret address' if isinstance(to, Secret) else web.host(to)}"

    def run(self, alert: Alert) -> Outcome:
        """Post it."""
        to = self.settings.webhook
        url = address(to, self.root) if isinstance(to, Secret) else to
        held = {"v": VERSION, **words.record(alert), "again": alert.again}
        headers = {"Idempotency-Key": f"{alert.id}-{alert.state.replace(' ', '-')}-{alert.time}"}
        if self.settings.token is not None:
            headers["Authorization"] = f"Bearer {reveal(self.settings.token, self.root)}"
        return web.post(url, json.dumps(held).encode(), headers)
