"""Who is told how a pipeline goes."""

from collections.abc import Sequence
from typing import Protocol

from mlops_cli.pipeline.outputs import Saved
from mlops_cli.pipeline.plan import Plan
from mlops_cli.runs.record import StepRun


class Watcher(Protocol):
    """Somebody who is told how a pipeline goes; called from one thread."""

    def planned(self, count: int) -> None:
        """Note how many steps there are to be settled."""

    def begins(self, plan: Plan, reasons: Sequence[str]) -> None:
        """Note that a step is about to run, and why."""

    def again(self, plan: Plan, error: str, left: int) -> None:
        """Note that a step failed and is tried again, and how often it may be after that."""

    def ended(self, step: StepRun, error: str | None) -> None:
        """Note what became of a step, and what went wrong if it failed."""

    def restored(self, step: StepRun, name: str) -> None:
        """Note that a step's outputs came from the run of this name."""

    def saved(self, saved: Saved) -> None:
        """Note that what was at an output's place before is in the store now."""

    def warns(self, text: str) -> None:
        """Note what is no fault here, and may be one in another clone."""


class Silent:
    """Nobody."""

    def planned(self, count: int) -> None:
        """Say nothing."""

    def begins(self, plan: Plan, reasons: Sequence[str]) -> None:
        """Say nothing."""

    def again(self, plan: Plan, error: str, left: int) -> None:
        """Say nothing."""

    def ended(self, step: StepRun, error: str | None) -> None:
        """Say nothing."""

    def restored(self, step: StepRun, name: str) -> None:
        """Say nothing."""

    def saved(self, saved: Saved) -> None:
        """Say nothing."""

    def warns(self, text: str) -> None:
        """Say nothing."""
