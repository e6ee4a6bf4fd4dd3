"""Telling people in a channel of Slack, or of what takes the same form."""

import json
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core.config_actions import SlackAction
from mlops_cli.monitor.watch import web, words
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.secrets import address

_MARKS = {"firing": ":rotating_light:", "cannot check": ":grey_question:", "resolved": ":ok:"}


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts a message; see `Action`."""

    settings: SlackAction
    root: Path
    slow: bool = False

    def wants(self, alert: Alert) -> bool:
        """Return whether it is told of such an alert."""
        return self.settings.resolved or alert.state != "resolved"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do."""
        return "write to the channel"

    def run(self, alert: Alert) -> Outcome:
        """Post it."""
        text = (
            f"{_MARKS[alert.state]} *{_escaped(words.headline(alert))}*\n{_escaped(alert.reason)}\n"
            f"since {alert.since[:16].replace('T', ' ')} UTC, `{_escaped(words.look(alert))}`"
        )
        url = address(self.settings.slack, self.root)
        return web.post(url, json.dumps({"text": text}).encode(), {})


def _escaped(text: str) -> str:
    """Return text in which nothing means a link or a mention.

    Source:
        https://api.slack.com/reference/surfaces/formatting#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
