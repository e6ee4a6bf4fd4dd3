"""Retraining as an action of `mlo monitor`, and what it goes on with at each of its rounds."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_cli.core.records import dataclass, field
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.monitor.retrain import record
from mlops_cli.monitor.retrain.ground import Using
from mlops_cli.monitor.retrain.record import Told
from mlops_cli.monitor.retrain.retrain import retrain
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert


@dataclass(frozen=True, slots=True)
class RetrainAction:
    """Retrains the model that an alert is about, or another that is named.

    What it refuses with a good reason counts as done: too few rows, a limit, not better.
    """

    repo: Repository
    model: str | None = None
    using: Using = field(default_factory=Using)

    @property
    def slow(self) -> bool:
        """Whether it may take minutes: it runs a pipeline."""
        return True

    def wants(self, alert: Alert) -> bool:
        """Return whether it acts on such an alert: on one that fires."""
        return alert.state == "firing"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do, in one line, and do nothing."""
        name = self.model or alert.model
        told = retrain(self.repo, name, cause=alert.cause(), dry_run=True, using=self.using)
        return told.why if told.status == "would retrain" else f"{told.status}: {told.why}"

    def run(self, alert: Alert) -> Outcome:
        """Do it, as far as it goes now."""
        name = self.model or alert.model
        told = retrain(self.repo, name, cause=alert.cause(), reason=alert.reason, using=self.using)
        return Outcome(told.status != "failed", said(told), detail=detail(told))


def said(told: Told) -> str:
    """Return what a retraining came to, in a line."""
    return f"{told.model}: {told.status}: {told.why}"


def detail(told: Told) -> dict[str, object]:
    """Return what records of an action have of a retraining."""
    kept = {"status": told.status, "retraining": told.attempt, "version": told.version}
    return {name: value for name, value in kept.items() if value is not None}


def go_on(repo: Repository, using: Using) -> Iterator[Told | MloError]:
    """Go on with every retraining under way, and with those that more rows have come for.

    Yields what each came to; what cannot be done now is yielded as its error, and stops no other.
    """
    monitor = repo.settings.monitor
    for name in monitor.retrain if monitor is not None else ():
        try:
            state = record.read(repo, name)
            if state.attempt is not None:
                yield retrain(repo, name, using=using)
            elif state.again is not None:
                told = retrain(repo, name, if_needed=True, using=using)
                if told.status not in ("not needed", "too soon", "too few rows"):
                    yield told
        except MloError as error:
            yield error
