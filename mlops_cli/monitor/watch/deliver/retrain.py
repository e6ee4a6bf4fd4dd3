"""Making a new version of a model, because of an alert."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.core.config_actions import RetrainAction
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert

if TYPE_CHECKING:
    from mlops_cli.monitor.retrain.ground import Using


@dataclass(frozen=True, slots=True)
class Retrain:
    """Retrains the model of the alert, or the one that it is set to; see `Action`."""

    settings: RetrainAction
    repo: Repository
    say: Callable[[str], None] = lambda _: None
    slow: bool = True

    def wants(self, alert: Alert) -> bool:
        """Return whether it is for such an alert: only while something is wrong with the model."""
        return alert.state == "firing"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do."""
        from mlops_cli.monitor.retrain import action

        return f"retrain: {action.plan(self.repo, self._model(alert), alert.cause())}"

    def run(self, alert: Alert) -> Outcome:
        """Retrain it."""
        from mlops_cli.monitor.retrain import action

        repo = Repository(self.repo.layout)  # checks go on beside it, with the other one
        using = _using(self.say)
        return action.act(repo, self._model(alert), alert.cause(), alert.reason, using=using)

    def _model(self, alert: Alert) -> str:
        return (self.settings.retrain or alert.model).partition("@")[0]


def go_on(repo: Repository, say: Callable[[str], None]) -> None:
    """Go on with every retraining that waits for requests, for a person, or for more rows."""
    from mlops_cli.monitor.retrain import action

    for told in action.go_on(repo, _using(say)):
        say(told.message if isinstance(told, MloError) else action.said(told))


def _using(say: Callable[[str], None]) -> "Using":
    from mlops_cli.monitor.retrain.ground import Using

    return Using(say=say)
