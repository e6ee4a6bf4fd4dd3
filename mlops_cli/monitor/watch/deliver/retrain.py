"""Making a new version of a model, because of an alert."""

from dataclasses import dataclass

from mlops_cli.core.config_actions import RetrainAction
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
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
        return f"retrain {self.settings.retrain or alert.model}"

    def run(self, alert: Alert) -> Outcome:
        """Retrain it."""
        raise RequestError("retraining is not there yet")
