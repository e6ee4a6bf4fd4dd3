"""`mlo run`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.pipeline.forecast import Prospect
    from mlops_cli.pipeline.run import Outcome
    from mlops_cli.pipeline.run_cache import Bring
    from mlops_cli.runs.code import State
    from mlops_cli.runs.record import Run

T = TypeVar("T")

_WORDS = "mlo.words"
_FAILED, _INTERRUPTED = 1, 130


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


@dataclass(frozen=True, slots=True)
class _Given:
    """What the command line says."""

    steps: tuple[str, ...]
    assignments: tuple[str, ...]
    force: bool
    dry_run: bool
    name: str | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    jobs: int
    downstream: bool
    pull: bool
    aside: bool
    rev: str | None
    tags: tuple[str, ...]
    note: str | None
    as_json: bool


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
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Run up to N steps at once")] = 1,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Run these steps and those after them instead")
    ] = False,
    pull: Annotated[
        bool, typer.Option("--pull", help="Take what others have computed from the remote")
    ] = False,
    aside: Annotated[
        bool,
        typer.Option("--in-worktree", help="Run a copy of the code as it is, in a folder aside"),
    ] = False,
    rev: Annotated[
        str | None, typer.Option("--rev", help="Run this git revision, in a folder aside")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Tag of the run; may be given again")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="What the run is for")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run what is stale of the pipeline, one step, or any command.

    Steps come from .mlops.yaml. A step runs when its command, parameters or dependencies differ
    from those in mlo.lock; if it ran with the same ones before, its outputs come from the store.
    A step that fails holds up only those that need it. Exit code 1 when one does.

    Parameters reach a script by mlops_cli.api, by ${NAME} in the cmd of a step, such as
    python train.py --alpha ${alpha}, or by the JSON file that $MLO_PARAMS names.

    After `--` comes any command to run and record: mlo run -- python train.py. Its exit code is
    the exit code.

    With --in-worktree or --rev the work tree is left as it is, mlo.lock too: several may run side
    by side.
    """
    repo = repository()
    if name is not None:
        from mlops_cli.runs.names import check_free

        check_free(repo, name)
    given = _Given(
        steps=tuple(steps or ()),
        assignments=tuple(assignments or ()),
        force=force,
        dry_run=dry_run,
        name=name,
        inputs=tuple(inputs or ()),
        outputs=tuple(outputs or ()),
        jobs=jobs,
        downstream=downstream,
        pull=pull,
        aside=aside,
        rev=rev,
        tags=tuple(tags or ()),
        note=note,
        as_json=as_json,
    )
    words = context.meta.get(_WORDS)
    if words is not None:
        _refuse_with_command(words, given)
        _run_command(repo, words, given)
        return
    if inputs or outputs:
        raise RequestError(
            "--input and --output go with a command", hint="list them as deps and outs of a step"
        )
    if downstream and not steps:
        raise RequestError("--downstream needs a step", hint="mlo run --downstream STEP")
    if dry_run:
        _forecast(repo, given)
    else:
        _run_pipeline(repo, given)


def _forecast(repo: "Repository", given: _Given) -> None:
    from mlops_cli.cli.run_report import tell_prospects
    from mlops_cli.cli.versions import resolver
    from mlops_cli.pipeline.forecast import forecast

    bring = _bring(repo, given)

    def go(where: "Repository", _: "State | None") -> "list[Prospect]":
        return forecast(
            where,
            given.steps,
            assignments=given.assignments,
            force=given.force,
            downstream=given.downstream,
            bring=bring,
            resolve=resolver(where),
        )

    found = _somewhere(repo, given, go, data=False)
    show.emit(found, as_json=given.as_json, text=tell_prospects)


def _refuse_with_command(words: Sequence[str], given: _Given) -> None:
    if not words:
        raise RequestError("there is no command after --", hint="mlo run -- python train.py")
    if given.steps:
        raise RequestError(
            f"'{given.steps[0]}' is a step, and after -- comes a command",
            hint=f"either mlo run {given.steps[0]}, or mlo run -- {' '.join(words)}",
        )
    for option, is_given in (
        ("--force", given.force),
        ("--dry-run", given.dry_run),
        ("--downstream", given.downstream),
        ("--jobs", given.jobs > 1),
        ("--pull", given.pull),
    ):
        if is_given:
            raise RequestError(f"{option} is for steps, and after -- comes a command")


def _run_command(repo: "Repository", words: Sequence[str], given: _Given) -> None:
    from mlops_cli.cli.run_report import tell_command
    from mlops_cli.runs import command

    def go(where: "Repository", state: "State | None") -> "Run":
        return command.run(
            where,
            words,
            folder=where.root / Path.cwd().relative_to(repo.root.resolve()),
            environ=os.environ,
            assignments=given.assignments,
            inputs=[Path(path) for path in given.inputs],
            outputs=[Path(path) for path in given.outputs],
            name=given.name,
            tags=given.tags,
            note=given.note,
            state=state,
            stdout=2 if given.as_json else 1,
        )

    done = _somewhere(repo, given, go, data=True)
    show.emit(done, as_json=given.as_json, text=tell_command)
    if done.error:
        show.note(f"mlo: {done.error}")
    if done.status != "done":
        raise typer.Exit(done.exit_code or _FAILED)


def _bring(repo: "Repository", given: _Given) -> "Bring | None":
    """Return what gets from the remote what others have computed, with --pull."""
    if not given.pull:
        return None
    from mlops_cli.pipeline.run_cache import from_remote

    return from_remote(repo, None)


def _run_pipeline(repo: "Repository", given: _Given) -> None:
    from mlops_cli.cli.run_report import Teller, tell_outcome
    from mlops_cli.cli.versions import resolver
    from mlops_cli.pipeline.run import run as run_pipeline

    bring = _bring(repo, given)

    def go(where: "Repository", state: "State | None") -> "Outcome":
        return run_pipeline(
            where,
            given.steps,
            assignments=given.assignments,
            force=given.force,
            downstream=given.downstream,
            jobs=given.jobs,
            bring=bring,
            resolve=resolver(where),
            watcher=Teller(),
            environ=os.environ,
            name=given.name,
            tags=given.tags,
            note=given.note,
            state=state,
        )

    outcome = _somewhere(repo, given, go, data=False)
    show.emit(outcome, as_json=given.as_json, text=tell_outcome)
    done = outcome.run
    if done is None or done.status == "done":
        return
    if done.status == "failed":
        show.note(f"mlo: {done.error}")
        show.note(f"  try: mlo runs show {done.name} --log")
        raise typer.Exit(_FAILED)
    raise typer.Exit(_INTERRUPTED)


def _somewhere(
    repo: "Repository",
    given: _Given,
    go: "Callable[[Repository, State | None], T]",
    *,
    data: bool,
) -> T:
    """Do the work in the user's work tree, or in one aside; there with versioned `data`."""
    if not given.aside and given.rev is None:
        return go(repo, None)
    from mlops_cli.data.checkout import checkout
    from mlops_cli.runs.worktree import aside

    with aside(repo, given.rev) as (found, state):
        if data:
            checkout(found, progress=show.progress())
        return go(found, state)
