"""The actions of a project, by name, as its settings say."""

from collections.abc import Callable, Mapping

from mlops_cli.core.config_actions import (
    RETRAIN,
    ActionSettings,
    CommandAction,
    EmailAction,
    RetrainAction,
    SlackAction,
    WebhookAction,
)
from mlops_cli.core.config_monitor import Monitor
from mlops_cli.core.repository import Repository
from mlops_cli.monitor.watch.actions import Action


def actions(
    repo: Repository, settings: Monitor, say: Callable[[str], None] = lambda _: None
) -> dict[str, Action]:
    """Return every action that a rule may name; long ones tell `say` how they go."""
    named: Mapping[str, ActionSettings] = {RETRAIN: RetrainAction(), **settings.actions}
    return {name: _action(repo, one, say) for name, one in named.items()}


def _action(repo: Repository, settings: ActionSettings, say: Callable[[str], None]) -> Action:
    match settings:
        case WebhookAction():
            from mlops_cli.monitor.watch.deliver.webhook import Webhook

            return Webhook(settings, repo.root)
        case SlackAction():
            from mlops_cli.monitor.watch.deliver.slack import Slack

            return Slack(settings, repo.root)
        case EmailAction():
            from mlops_cli.monitor.watch.deliver.email import Email

            return Email(settings, repo.root)
        case CommandAction():
            from mlops_cli.monitor.watch.deliver.command import Command

            return Command(settings, repo.root)
        case RetrainAction():
            from mlops_cli.monitor.watch.deliver.retrain import Retrain

            return Retrain(settings, repo, say)
