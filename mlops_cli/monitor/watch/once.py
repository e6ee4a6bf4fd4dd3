"""The monitor without a daemon: all rules once, for cron and CI; and an action tried out."""

from collections.abc import Collection
from datetime import datetime

from mlops_cli.core.repository import Repository
from mlops_cli.core.yaml_nodes import suggest
from mlops_cli.errors import RequestError
from mlops_cli.monitor.watch import acting, rounds, words
from mlops_cli.monitor.watch import memory as memories
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import NO_MODEL, Alert
from mlops_cli.monitor.watch.errands import Clock, Say, attempt
from mlops_cli.monitor.watch.lead import Wait, is_led, leading
from mlops_cli.monitor.watch.memory import Memory
from mlops_cli.monitor.watch.page import page
from mlops_cli.monitor.watch.rounds import Report, Rounds
from mlops_cli.monitor.watch.standing import stamp

PAUSES_S = (1.0, 3.0)
"""An action that failed is tried again after these; then the next time."""


def check(
    repo: Repository,
    *,
    clock: Clock,
    wait: Wait,
    say: Say,
    names: Collection[str] = (),
    dry: bool = False,
) -> tuple[Report, str]:
    """Check all rules, or those that are named, and return how they stand, and a page of metrics.

    In a dry run nothing is kept, recorded or done, and the report says what would be.

    Raises:
        RequestError: there are no rules, or none of that name.
        Locked: a monitor watches this repository, and it is no dry run.
    """
    settings = rounds.of(repo)
    rounds.check_names(settings, names)

    def going(memory: Memory) -> Rounds:
        named = acting.actions(repo, settings, say)
        found = Rounds(repo, settings, memory, named, clock, say, dry=dry)
        found.errands.only = frozenset(names)
        return found

    if dry:
        once = going(memories.load(repo))
        once.go(names, all_rules=True)
    else:
        with leading(repo):
            once = going(memories.load(repo))
            once.go(names, all_rules=True)
            for pause in PAUSES_S:
                if any(map(once.errands.is_ours, once.memory.errands)):
                    wait(pause)
                    once.finish()
    report = once.report(names)
    return report, page(settings, once.memory, report)


def status(repo: Repository, now: datetime) -> Report:
    """Return how rules stand as far as was checked; nothing is checked now.

    Raises:
        RequestError: there are no rules.
    """
    settings = rounds.of(repo)
    return rounds.report(repo, memories.load(repo), list(settings.rules.values()), now)


def leader(repo: Repository) -> bool:
    """Return whether a monitor watches this repository."""
    return is_led(repo)


def tried(repo: Repository, name: str, now: datetime) -> Outcome:
    """Do an action about an alert that says it is a test.

    Raises:
        RequestError: there is no such action, or it is no way to tell people.
    """
    settings = repo.settings.monitor
    found = {} if settings is None else acting.actions(repo, settings)
    if name not in found:
        known = [one for one in found if not found[one].slow]
        raise RequestError(f"there is no action '{name}'", hint=suggest(name, known))
    action = found[name]
    if action.slow:
        raise RequestError(f"'{name}' tells nobody", hint="mlo retrain MODEL --dry-run")
    time = stamp(now)
    alert = Alert(
        id="0" * 16,
        state="firing",
        rule="test",
        kind="test",
        severity="info",
        model=NO_MODEL,
        version=None,
        version_id=None,
        reason=f"'{name}' is tried out",
        since=time,
        time=time,
    )
    return attempt(action, words.trial(alert))
