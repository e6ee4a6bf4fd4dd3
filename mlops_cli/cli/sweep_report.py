"""What `mlo sweep` tells: how the trials go, and what came of them."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show
from mlops_cli.cli.run_report import Teller as StepTeller

if TYPE_CHECKING:
    from mlops_cli.pipeline.sweeps.definition import Definition
    from mlops_cli.pipeline.sweeps.sweep import Swept
    from mlops_cli.pipeline.sweeps.trial import Past, Trial

_STATES = ("done", "pruned", "failed", "interrupted")


class Teller:
    """Tells on stderr how a sweep goes: each trial on a terminal, elsewhere only what failed."""

    def __init__(self, definition: "Definition") -> None:
        self.steps = StepTeller()
        self._definition = definition
        self._live = sys.stderr.isatty()
        self._ended = 0
        self._best: float | None = None

    def introduces(self, past: "Past | None") -> None:
        """Tell what is about to be done."""
        wanted = self._definition
        by = ", ".join(f"{way} {name}" for name, way in wanted.metrics.items())
        many = "as many trials as there is time for"
        count = many if wanted.trials is None else show.number(wanted.trials, "trial")
        points = f" of a grid of {wanted.grid:,} points" if wanted.grid is not None else ""
        show.note(f"sweep of {wanted.step}: {count}{points}, {wanted.sampler}, for {by}")
        if past is not None:
            self._ended = sum(1 for trial in past.trials if trial.ended)
            has = f"which has {self._ended}" if self._ended else "of which none was done"
            show.note(f"  goes on with {past.name}, {has}")

    def begins(self, trial: "Trial") -> None:
        """Say nothing: it is told when it ends."""

    def ended(self, trial: "Trial") -> None:
        """Tell what came of a trial."""
        self._ended += trial.ended
        if not self._live and trial.state != "failed":
            return
        of = "" if self._definition.trials is None else f"/{self._definition.trials}"
        show.note(f"  {self._ended}{of}  {self._outcome(trial)}  {assigned(trial.params)}")

    def says(self, text: str) -> None:
        """Tell something else."""
        show.note(f"  {text}")

    def _outcome(self, trial: "Trial") -> str:
        if trial.state != "done":
            reason = trial.error if trial.state == "failed" else ""
            return f"{trial.state}{': ' if reason else ''}{reason or ''}"
        names = list(self._definition.metrics)
        told = "  ".join(
            f"{name} {value:.6g}" for name, value in zip(names, trial.values, strict=True)
        )
        return f"{told}{'  best so far' if self._is_best(trial) else ''}"

    def _is_best(self, trial: "Trial") -> bool:
        if len(trial.values) != 1:
            return False
        way = next(iter(self._definition.metrics.values()))
        value = trial.values[0] if way == "max" else -trial.values[0]
        better = self._best is None or value > self._best
        if better:
            self._best = value
        return better


def assigned(params: Mapping[str, Any]) -> str:
    """Return parameters in one line for people."""
    return " ".join(f"{name}={_short(value)}" for name, value in params.items())


def tell(swept: "Swept") -> None:
    """Tell what a sweep has come to."""
    from mlops_cli.cli.run_report import duration

    states = [trial.state for trial in swept.trials]
    counts = ", ".join(f"{states.count(one)} {one}" for one in _STATES if one in states)
    show.line(
        f"sweep {swept.name} {swept.status} in {duration(swept.seconds)}: "
        f"{show.number(len(states), 'trial')}{': ' if counts else ''}{counts}"
    )
    if len(swept.metrics) > 1 and swept.best:
        _tell_front(swept)
    elif swept.best:
        _tell_best(swept)
    if swept.importances:
        shares = [(name, f"{share:.0%}") for name, share in swept.importances.items()]
        show.table(["parameter", "matters"], shares, indent=2)
    if swept.error:
        show.note(f"mlo: {swept.error}")
    if swept.status != "done":
        show.note(f"  go on: mlo sweep --resume {swept.name}")


def _tell_best(swept: "Swept") -> None:
    best = swept.best[0]
    name = next(iter(swept.metrics))
    show.line(f"best: {name} {best.values[0]:.6g}, trial {best.number}")
    show.table(["parameter", "value"], list(best.params.items()), indent=2)
    show.line(f"use it: {command(swept, best)}", rest="        ")


def _tell_front(swept: "Swept") -> None:
    show.line(f"{show.number(len(swept.best), 'trial')} that no other beats in all metrics")
    columns = ["trial", *swept.metrics, *swept.best[0].params]
    rows = [[one.number, *one.values, *one.params.values()] for one in swept.best]
    show.table(columns, rows, indent=2)
    show.line(f"use the first: {command(swept, swept.best[0])}", rest="        ")


def command(swept: "Swept", trial: "Trial") -> str:
    """Return the command line that brings a trial's outputs into the work tree."""
    import json
    import shlex

    words = ["mlo", "run", swept.step]
    for assignment in swept.fixed:
        words += ["--set", shlex.quote(assignment)]
    for name, value in trial.params.items():
        text = value if isinstance(value, str) and value.isidentifier() else json.dumps(value)
        words += ["--set", shlex.quote(f"{name}={text}")]
    return " ".join(words)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
