"""`mlo run`."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mlops_cli.cli.options import JsonFlag
from mlops_cli.cli.run_work import Given, carry_out

_WORDS = "mlo.words"


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
    words = context.meta.get(_WORDS)
    code = carry_out(
        Given(
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
            words=None if words is None else tuple(words),
        )
    )
    if code:
        raise typer.Exit(code)
