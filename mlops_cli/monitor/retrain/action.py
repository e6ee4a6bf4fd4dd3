"""Retraining as an action of `mlo monitor`, and what it goes on with at each of its rounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError, stop_with
from mlops_cli.monitor.retrain import record
from mlops_cli.monitor.retrain.ground import Using
from mlops_cli.monitor.retrain.record import Told
from mlops_cli.monitor.retrain.retrain import retrain
from mlops_cli.monitor.watch.actions import Outcome

_USUAL = ("not needed", "too soon", "too few rows")


def plan(repo: Repository, name: str, cause: Mapping[str, Any]) -> str:
    """Return what `act` would do, in one line, and do nothing."""
    told = retrain(repo, name, cause=cause, dry_run=True)
    return told.why if told.status == "would retrain" else f"{told.status}: {told.why}"


def act(
    repo: Repository,
    name: str,
    cause: Mapping[str, Any],
    reason: str,
    *,
    using: Using | None = None,
) -> Outcome:
    """Retrain a model because of an alert, as far as it goes now.

    What is refused with a good reason counts as done: too few rows, a limit, not better.

    Raises:
        KeyboardInterrupt: somebody asked to stop while the pipeline ran.
    """
    told = retrain(repo, name, cause=cause, reason=reason, using=using)
    _stop_all(told)
    return Outcome(told.status != "failed", said(told), detail=detail(told))


def _stop_all(told: Told) -> None:
    """Stop whoever does more than this, too; a thread beside others leaves that to who leads it."""
    if told.status == "interrupted" and not _is_beside():
        raise stop_with(told.exit_code)


def _is_beside() -> bool:
    """Return whether it is done beside the checks of a monitor that goes on, round after round."""
    return threading.current_thread() is not threading.main_thread()


def said(told: Told) -> str:
    """Return what a retraining came to, in a line."""
    return f"{told.model}: {told.status}: {told.why}"


def detail(told: Told) -> dict[str, object]:
    """Return what records of an action have of a retraining."""
    kept = {"status": told.status, "retraining": told.attempt, "version": told.version}
    return {name: value for name, value in kept.items() if value is not None}


def go_on(repo: Repository, using: Using | None = None) -> Iterator[Told | MloError]:
    """Go on with every retraining under way, and begin those that are needed by now.

    That is looked at where more rows are waited for, or the settings have it looked at.

    Yields what each came to, round after round only what is news; what cannot be done now is
    yielded as its error, and stops no other.
    """
    monitor = repo.settings.monitor
    for name, settings in monitor.retrain.items() if monitor is not None else ():
        try:
            state = record.read(repo, name)
            if state.attempt is not None:
                told = retrain(repo, name, using=using)
                _stop_all(told)
                yield told
            elif settings.if_needed or state.again is not None:
                told = retrain(repo, name, if_needed=True, using=using)
                _stop_all(told)
                if told.status not in _USUAL or not _is_beside():
                    yield told
        except MloError as error:
            yield error
