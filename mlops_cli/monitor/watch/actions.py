"""What can be done about an alert; each kind of action is a class that keeps this promise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlops_cli.monitor.watch.alerts import Alert


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to.

    Attributes:
        done: whether it did what it is for; a refusal with a good reason counts as done.
        said: one line, without secrets: it is recorded.
        again: whether trying once more may help, where it is not done.
        detail: what else the record should have, as JSON has it.
    """

    done: bool
    said: str
    again: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


class Action(Protocol):
    """Something to do about an alert.

    `run` may be called again for the same alert: after it failed, or after a process was killed
    that was at it. Whoever it tells can know that by the alert's id and state. It raises MloError
    or OSError where it cannot be done now; anything it says is free of secrets.
    """

    @property
    def slow(self) -> bool:
        """Whether it may take minutes, so that checks go on beside it."""

    def wants(self, alert: Alert) -> bool:
        """Return whether it acts on such an alert: on firing ones, and maybe on others."""

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do, in one line, and do nothing."""

    def run(self, alert: Alert) -> Outcome:
        """Do it."""
