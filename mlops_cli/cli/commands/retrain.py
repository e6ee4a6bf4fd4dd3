"""`mlo retrain`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.monitor.retrain.record import Told


def retrain(
    model: Annotated[str, typer.Argument(help="The model, by its name")],
    if_needed: Annotated[
        bool,
        typer.Option("--if-needed", help="Only if errors rose; or use a better earlier version"),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, do nothing")
    ] = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the record")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Whatever the limit on a day says, and the time between")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Give up the one under way")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a model on fresh rows, and use it if it is better.

    Takes fresh rows with their truth, as `monitor.retrain.MODEL` in .mlops.yaml says, validates and
    versions them, runs the pipeline on them in a folder aside, registers what it made, compares it
    with the version in the stage on the newest rows, tries it on a share of the requests if a
    canary is set, and promotes it through the stage's gates. The version in the stage stays until
    another takes its place. Each step is in `mlo audit MODEL`, with its cause. With --if-needed a
    version from before that does better on the newest rows comes back, and nothing is trained.

    Where it waits, for requests or for an approval, or was killed, the same command goes on. Exit
    code 1 where the model stays as it is: too few or bad rows, a failed run, not better, refused;
    130 or 143 where it was stopped.
    """
    import os

    from mlops_cli.cli.run_report import Teller
    from mlops_cli.errors import RequestError, stop_with
    from mlops_cli.monitor.retrain.ground import Using
    from mlops_cli.monitor.retrain.retrain import retrain as go
    from mlops_cli.monitor.retrain.retrain import stop as give_up

    if stop and (if_needed or dry_run or force):
        raise RequestError("--stop goes alone", hint=f"mlo retrain {model} --stop")
    repo = repository()
    using = Using(environ=os.environ, watcher=Teller(), say=_say)
    if stop:
        told = give_up(repo, model, using=using)
    else:
        told = go(
            repo,
            model,
            reason=reason,
            if_needed=if_needed,
            force=force,
            dry_run=dry_run,
            using=using,
        )
    show.emit(told, as_json=as_json, text=tell)
    if told.status == "interrupted":
        raise stop_with(told.exit_code)
    if not told.fine and not stop:
        raise typer.Exit(1)


def tell(told: "Told") -> None:
    """Print what a retraining came to."""
    if told.status == "would retrain":
        for step in told.steps or (told.why,):
            show.line(step, rest="  ")
        return
    colour = "green" if told.fine else "yellow"
    show.line(f"{told.model}: {show.style(told.status, colour)}: {told.why}", rest="  ")
    if told.hint is not None:
        show.note(f"  {told.hint}", rest="    ")


def _say(text: str) -> None:
    show.note(text, rest="  ")
