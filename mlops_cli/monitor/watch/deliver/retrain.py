"""Making a new version of a model, because of an alert."""

from dataclasses import dataclass

from mlops_cli.core.config_actions import RetrainAction
from mlops_cli.core.repository import Repository
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert


@dataclass(frozen=True, slots=True)
class Retrain:
    """Retrains the model of the alert, or the one that it is set to; see `Action`."""

    settings: RetrainAction
    repo: Repository
    slow: bool = True

    def wants(self, alert: Alert) -> bool:
        """Return whether it is for such an alert: only while something is wrong with the model."""
        return alert.state == "firing"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do."""
        from mlops_cli.monitor.retrain import action

        return action.plan(self.repo, self.settings.retrain or alert.model, alert.cause())

    def run(self, alert: Alert) -> Outcome:
        """Retrain it, as far as it goes now."""
        from mlops_cli.monitor.retrain import action

        name = self.settings.retrain or alert.model
        return action.act(self.repo, name, alert.cause(), alert.reason)
