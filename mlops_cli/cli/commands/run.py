"""`mlo run`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.pipeline.outputs import Saved
    from mlops_cli.pipeline.run import Outcome, Prospect
    from mlops_cli.pipeline.stale import Plan
    from mlops_cli.runs.record import Run, StepRun

_WORDS = "mlo.words"
_DONE, _FAILED, _INTERRUPTED = 0, 1, 130


class _Run(TyperCommand):
    """A command that leaves all that comes after `--` as it is."""

    usage_tail = ("[-- CMD...]",)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words after `--` for `run`, and parse those before."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_WORDS] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("run", cls=_Run)
def run(
    context: typer.Context,
    steps: Annotated[
        list[str] | None,
        typer.Argument(metavar="STEP", help="Only these steps and what they need (default: all)"),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="Set a parameter for this run"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Run what is not stale too")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would run and why, run nothing")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run (default: two words)")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="PATH", help="With CMD: data that it reads, to record"),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="PATH", help="With CMD: what it writes, to record"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run what is stale of the pipeline, one step, or any command.

    Steps come from .mlops.yaml. A step runs when its command, parameters or dependencies differ
    from those in mlo.lock; if it ran with the same ones before, its outputs come from the store.
    Exit code 1 when a step fails.

    Parameters reach a script by mlops_cli.api, by ${NAME} in the cmd of a step, such as
    python train.py --alpha ${alpha}, or by the JSON file that $MLO_PARAMS names.

    After `--` comes any command to run and record: mlo run -- python train.py. Its exit code is
    the exit code.
    """
    repo = repository()
    words = context.meta.get(_WORDS)
    if words is not None:
        _refuse_with_command(words, steps=steps, force=force, dry_run=dry_run)
        _run_command(repo, words, assignments, inputs, outputs, name, as_json)
        return
    if inputs or outputs:
        raise RequestError(
            "--input and --output go with a command", hint="list them as deps and outs of a step"
        )
    if dry_run:
        from mlops_cli.pipeline.run import forecast

        found = forecast(repo, steps or (), assignments=assignments or (), force=force)
        show.emit(found, as_json=as_json, text=_tell_prospects)
        return
    _run_pipeline(repo, steps or (), assignments or (), name, force=force, as_json=as_json)


def _refuse_with_command(words: Sequence[str], *, steps: Any, force: bool, dry_run: bool) -> None:
    if not words:
        raise RequestError("there is no command after --", hint="mlo run -- python train.py")
    if steps:
        raise RequestError(
            f"'{steps[0]}' is a step, and after -- comes a command",
            hint=f"either mlo run {steps[0]}, or mlo run -- {' '.join(words)}",
        )
    if force or dry_run:
        flag = "--force" if force else "--dry-run"
        raise RequestError(f"{flag} is for steps; a command after -- always runs")


def _run_command(
    repo: "Repository",
    words: Sequence[str],
    assignments: Sequence[str] | None,
    inputs: Sequence[str] | None,
    outputs: Sequence[str] | None,
    name: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    from mlops_cli.runs import command

    done = command.run(
        repo,
        words,
        folder=Path.cwd(),
        environ=os.environ,
        assignments=assignments or (),
        inputs=[Path(path) for path in inputs or ()],
        outputs=[Path(path) for path in outputs or ()],
        name=name,
        stdout=2 if as_json else 1,
    )
    show.emit(done, as_json=as_json, text=_tell_command)
    if done.error:
        show.note(f"mlo: {done.error}")
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def _tell_command(done: "Run") -> None:
    show.note(f"mlo: {_headline(done)}")
    if done.status == "done" and not (done.inputs or done.outputs or done.metrics):
        show.note("  it recorded no data and no metrics; name files: --input PATH --output PATH,")
        show.note("  or log from Python: import mlops_cli.api as mlo; mlo.log_metric(...)")


def _run_pipeline(
    repo: "Repository",
    steps: Sequence[str],
    assignments: Sequence[str],
    name: str | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    from mlops_cli.pipeline.run import run as run_pipeline

    outcome = run_pipeline(
        repo,
        steps,
        assignments=assignments,
        force=force,
        watcher=_Teller(),
        environ=os.environ,
        name=name,
    )
    show.emit(outcome, as_json=as_json, text=_tell_outcome)
    done = outcome.run
    if done is None or done.status == "done":
        return
    if done.status == "failed":
        show.note(f"mlo: {done.error}")
        show.note(f"  try: mlo runs show {done.name} --log")
        raise typer.Exit(_FAILED)
    raise typer.Exit(_INTERRUPTED)


class _Teller:
    """Tells on stderr how the pipeline goes."""

    def begins(self, plan: "Plan", reasons: Sequence[str]) -> None:
        """Tell which step runs now and why."""
        command = plan.cmd if isinstance(plan.cmd, str) else " ".join(plan.cmd)
        show.note(f"{plan.step.name}: {'; '.join(reasons)}")
        show.note(f"  $ {command}")

    def ended(self, step: "StepRun", error: str | None) -> None:
        """Tell what became of a step."""
        if step.state == "ran":
            show.note(f"{step.name}: done in {_duration(step.seconds)}")
        elif step.state == "skipped":
            show.note(f"{step.name}: skipped")

    def restored(self, step: "StepRun", name: str) -> None:
        """Tell where a step's outputs came from."""
        show.note(f"{step.name}: brought back from run {name}")

    def saved(self, saved: "Saved") -> None:
        """Tell what was in the way, and how to get it back."""
        show.note(saved.note)


def _tell_outcome(outcome: "Outcome") -> None:
    if outcome.run is None:
        makers = " and ".join(outcome.made_by)
        made = f"; what is here was made by run {makers}" if makers else ""
        show.line(f"nothing is stale{made}")
        return
    show.line(_headline(outcome.run))
    metrics = outcome.run.metrics
    if metrics and outcome.run.status == "done":
        show.table(["metric", "value"], list(metrics.items()), indent=2)


def _headline(done: "Run") -> str:
    states = [step.state for step in done.steps]
    parts = [
        f"{states.count(state)} {state}"
        for state in ("ran", "restored", "unchanged", "failed", "skipped")
        if state in states
    ]
    text = f"run {done.name} {done.status} in {_duration(done.seconds)}"
    if done.exit_code and not parts:
        text += f", exit code {done.exit_code}"
    return f"{text}: {', '.join(parts)}" if parts else text


def _tell_prospects(prospects: "list[Prospect]") -> None:
    for one in prospects:
        if one.action == "nothing":
            show.line(f"{one.name}: up to date")
        else:
            show.line(f"{one.name}: would {one.action}")
            for reason in one.reasons:
                show.line(f"  {reason}")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
