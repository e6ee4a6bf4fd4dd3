"""The actions of a project, by name, as its settings say."""

from collections.abc import Mapping

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


def actions(repo: Repository, settings: Monitor) -> dict[str, Action]:
    """Return every action that a rule may name."""
    named: Mapping[str, ActionSettings] = {RETRAIN: RetrainAction(), **settings.actions}
    return {name: _action(repo, one) for name, one in named.items()}


def kind(settings: Monitor, name: str) -> str:
    """Return the kind of an action, such as `slack`; nothing where it is gone."""
    one = settings.actions.get(name)
    if one is None:
        return RETRAIN if name == RETRAIN else ""
    return type(one).__name__.removesuffix("Action").lower()


def _action(repo: Repository, settings: ActionSettings) -> Action:
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

            return Retrain(settings, repo)
