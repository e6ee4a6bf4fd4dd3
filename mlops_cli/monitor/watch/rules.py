"""What a rule is checked with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from mlops_cli.core.config_monitor import Rule
from mlops_cli.core.repository import Repository
from mlops_cli.monitor.watch.alerts import Finding


@dataclass(frozen=True, slots=True)
class Asked:
    """One check of one rule.

    Attributes:
        now: the moment to check for, in UTC.
        kept: what the check before asked to keep, None at first.
    """

    repo: Repository
    rule: Rule
    now: datetime
    kept: Any = None


class Checker(Protocol):
    """How rules of one kind are checked."""

    def __call__(self, asked: Asked) -> Finding:
        """Return what is so; raise MloError where that cannot be known."""
