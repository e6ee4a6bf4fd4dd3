"""A monitor that can record nothing, as on a full disk: what people are told of that."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from mlops_cli.core.records import dataclass, replace
from mlops_cli.monitor.watch.actions import Action
from mlops_cli.monitor.watch.alerts import NO_MODEL, Alert
from mlops_cli.monitor.watch.memory import Errand
from mlops_cli.monitor.watch.standing import stamp

_QUIET_S = 60
"""It is over when all could be recorded for so long."""


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Why nothing can be recorded, when that was found last, and what people are told, if so."""

    why: str
    last: datetime
    alert: Alert
    told: bool = False

    def is_over(self, now: datetime) -> bool:
        """Return whether it was long enough ago."""
        return abs(now - self.last) >= timedelta(seconds=_QUIET_S)

    def resolved(self, now: datetime) -> Alert:
        """Return what people are told when it is over."""
        reason = "what the monitor finds is recorded again"
        return replace(self.alert, state="resolved", reason=reason, time=stamp(now))


def begun(why: str, now: datetime) -> Unrecorded:
    """Return it as it begins."""
    time = stamp(now)
    alert = Alert(
        id=sha256(f"unrecorded {time}".encode()).hexdigest()[:16],
        state="firing",
        rule="recording",
        kind="monitor",
        severity="critical",
        model=NO_MODEL,
        version=None,
        version_id=None,
        reason=f"the monitor goes on, and nothing that it finds can be recorded: {why}",
        since=time,
        time=time,
    )
    return Unrecorded(why, now, alert)


def errands(alert: Alert, actions: Mapping[str, Action]) -> Iterator[Errand]:
    """Yield what is to be done about it: to put it on record, and to tell people by all ways."""
    yield Errand(alert, None)
    for name, action in actions.items():
        if not action.slow and action.wants(alert):
            yield Errand(alert, name)
