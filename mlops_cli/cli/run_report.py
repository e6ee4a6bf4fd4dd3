"""What `mlo run` tells: how the steps go, and what came of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show

if TYPE_CHECKING:
    from mlops_cli.pipeline.forecast import Prospect
    from mlops_cli.pipeline.outputs import Saved
    from mlops_cli.pipeline.plan import Plan
    from mlops_cli.pipeline.run import Outcome
    from mlops_cli.runs.record import Run, StepRun


def _quoted(words: Sequence[str]) -> str:
    import shlex  # rare, and most commands are lines

    return shlex.join(words)


class Teller:
    """Tells on stderr how the pipeline goes."""

    def __init__(self) -> None:
        self._count = self._settled = 0

    def planned(self, count: int) -> None:
        """Note how many steps there are to be settled."""
        self._count = count

    def begins(self, plan: "Plan", reasons: Sequence[str]) -> None:
        """Tell which step runs now and why."""
        command = plan.cmd if isinstance(plan.cmd, str) else _quoted(plan.cmd)
        show.note(f"{plan.step.name}: {'; '.join(reasons)}", rest="    ")
        show.note(f"  $ {command}")

    def again(self, plan: "Plan", error: str, left: int) -> None:
        """Tell that a step failed and is tried again."""
        more = f", {left} more after that" if left else ""
        show.note(f"{plan.step.name}: {error}; trying again{more}")

    def ended(self, step: "StepRun", error: str | None) -> None:
        """Tell what became of a step."""
        self._settled += 1
        if step.state == "ran":
            show.note(f"{step.name}: done in {duration(step.seconds)}{self._how_far()}")
        elif step.state == "skipped":
            show.note(f"{step.name}: skipped")
        elif step.state == "failed" and error:
            what = error.removeprefix(f"step '{step.name}' ")
            show.note(f"{step.name}: {what}")

    def restored(self, step: "StepRun", name: str) -> None:
        """Tell where a step's outputs came from."""
        self._settled += 1
        show.note(f"{step.name}: brought back from run {name}{self._how_far()}")

    def _how_far(self) -> str:
        return f", {self._settled} of {self._count}" if self._count > 1 else ""

    def saved(self, saved: "Saved") -> None:
        """Tell what was in the way, and how to get it back."""
        show.note(saved.note)

    def warns(self, text: str) -> None:
        """Tell what may go wrong elsewhere."""
        show.note(f"mlo: {text}", rest="     ")


def tell_command(done: "Run") -> None:
    """Tell what came of a command."""
    show.note(f"mlo: {headline(done)}")
    _tell_not_finite(done)
    if done.status == "done" and not (done.inputs or done.outputs or done.metrics):
        show.note("  it recorded no data and no metrics; name files: --input PATH --output PATH,")
        show.note("  or log from Python: import mlops_cli.api as mlo; mlo.log_metric(...)")


def tell_outcome(outcome: "Outcome") -> None:
    """Tell what came of running the pipeline."""
    if outcome.run is None:
        makers = " and ".join(outcome.made_by)
        made = f"; what is here was made by run {makers}" if makers else ""
        show.line(f"nothing is stale{made}")
        return
    show.line(headline(outcome.run))
    metrics = outcome.run.metrics
    if metrics and outcome.run.status == "done":
        show.table(["metric", "value"], list(metrics.items()), indent=2)
    _tell_not_finite(outcome.run)


def _tell_not_finite(done: "Run") -> None:
    from mlops_cli.runs.metrics import not_finite

    found = not_finite(done.metrics)
    if found:
        show.note(f"mlo: a metric is no finite number: {found}")


def headline(done: "Run") -> str:
    """Return how a run ended, in one line."""
    states = [step.state for step in done.steps]
    parts = [
        f"{states.count(state)} {state}"
        for state in ("ran", "restored", "unchanged", "failed", "skipped")
        if state in states
    ]
    text = f"run {done.name} {done.status} in {duration(done.seconds)}"
    if done.exit_code and not parts:
        text += f", exit code {done.exit_code}"
    return f"{text}: {', '.join(parts)}" if parts else text


def tell_prospects(prospects: "list[Prospect]") -> None:
    """Tell what each step would do, and why."""
    for one in prospects:
        if one.action == "nothing":
            show.line(f"{one.name}: up to date")
        else:
            show.line(f"{one.name}: would {one.action}")
            for reason in one.reasons:
                show.line(f"  {reason}", rest="    ")


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(1.25), duration(75), duration(4000)
    ('1.2 s', '1:15 min', '1:06:40')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
